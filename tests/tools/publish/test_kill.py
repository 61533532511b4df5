"""kill -9 at every step of a publication, and how the next publication recovers."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from rdo.publish.upkeep.verify import verify_tree
from rdo.store import Transaction
from rdo.store.given.held_back import HeldBack
from tests.databases import copy_factory
from tests.publishing import START, TARGET, Factory, RpmShelf, factory, package

STEPS = frozenset(
    {
        "os.chmod",
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "shutil.rmtree",
        "ctypes.dlsym/handle",  # the exchange of two directories
        "sqlite3.connect/handle",
    }
)
PACKAGES = (package("python-a", component="one"), package("python-b", component="two"))


def kill_at(step: int) -> None:
    """Have this process die at its `step`th change of the file system."""
    left = step

    def watch(event: str, args: tuple[object, ...]) -> None:
        nonlocal left
        writes = (
            event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if event in STEPS or writes or event == "ctypes.dlsym":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def survives(root: Path, shelf: RpmShelf, step: int, *, components: bool) -> bool:
    """Publish the one unpublished build in a child that dies at `step`; whether it did not."""
    child = os.fork()
    if child == 0:
        try:
            with factory(root, shelf, *PACKAGES, components=components) as made:
                kill_at(step)
                publish_what_is_left(made)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status)


def publish_what_is_left(made: Factory) -> None:
    """What a round does when it starts."""
    made.tree.journal.recover()
    with made.store.read() as at:
        left = at.builds.unpublished(TARGET)
    for build in left:
        made.tree.publish(build, made.folder_of(build), made.members)


def listing(repos: Path) -> list[str]:
    """Every name in the tree, with where links lead; checksums of metadata left out."""
    found = []
    for path in sorted(repos.rglob("*")):
        name = str(path.relative_to(repos))
        if name == ".publishing":
            continue  # made when needed; what is left inside would be listed
        if "repodata/" in name:
            name = name.rpartition("-")[2]
        found.append(f"{name} -> {path.readlink()}" if path.is_symlink() else name)
    return found


def is_whole(directory: Path) -> bool:
    repomd = directory / "repodata/repomd.xml"
    return repomd.is_file() and (directory / "delorean.repo").is_file()


@pytest.fixture(params=["recheck", "components"])
def prepared(request: pytest.FixtureRequest, tmp_path: Path, shelf: RpmShelf) -> Path:
    """A tree with two packages, and a third build that waits to be published."""
    root = tmp_path / "prepared"
    root.mkdir()
    one, two = ("one", "two") if request.param == "components" else (None, None)
    with factory(root, shelf, *PACKAGES, components=request.param == "components") as made:
        made.publish("python-a", "a1", component=one)
        made.publish("python-b", "b1", component=two)
        made.build("python-a", "a1" if request.param == "recheck" else "a2", "1.1", component=one)
    return root


@pytest.mark.slow
def test_a_publication_killed_anywhere_is_finished_by_the_next(
    prepared: Path, tmp_path: Path, shelf: RpmShelf
) -> None:
    components = (prepared / f"data/{TARGET}/repos/component").exists()
    whole = tmp_path / "whole"
    copy_factory(prepared, whole)
    assert survives(whole, shelf, 10**6, components=components)
    expected = listing(whole / f"data/{TARGET}/repos")
    step, killed = 1, True

    while killed:
        root = tmp_path / f"step{step}"
        copy_factory(prepared, root)
        killed = not survives(root, shelf, step, components=components)
        repos = root / f"data/{TARGET}/repos"
        names = [repos / "component/one/current"] if components else [repos / "current"]
        assert all(is_whole(name) for name in names), step
        with factory(root, shelf, *PACKAGES, components=components) as made:
            publish_what_is_left(made)
            with made.store.read() as at:
                assert at.intents.unfinished(TARGET) == (), step
                assert at.builds.unpublished(TARGET) == (), step
        assert listing(repos) == expected, step
        shutil.rmtree(root)
        step += 1

    assert step > 30


def act(
    root: Path,
    shelf: RpmShelf,
    change: Callable[[Factory], object],
    step: int = 0,
    *,
    components: bool,
) -> bool:
    """Change a tree in a child that dies at `step`, if there is one; whether it survived."""
    child = os.fork()
    if child == 0:
        try:
            with factory(root, shelf, *PACKAGES, components=components) as made:
                if step:
                    kill_at(step)
                change(made)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status)


def compose(made: Factory) -> None:
    """Compose the first build of python-a with the second of python-b, which no repository has."""
    made.tree.compose([1, 4], made.members)


def promote(made: Factory) -> None:
    """Move a name in both components; `previous-tested` follows."""
    current = made.tree.leads("current")
    made.tree.promote("tested", current, by="me", why="second")


def hold_back(made: Factory) -> None:
    """Move a name to a composed part of what is newer, and record what is held back."""
    parts = made.tree.compose([1, 4], made.members)
    held = HeldBack("tested", "python-a", 1, 3, START, START + timedelta(days=14), "me", "it hangs")

    def record(at: Transaction) -> None:
        at.held_back.replace(TARGET, "tested", [held], now=made.now())

    made.tree.promote("tested", parts, by="me", why="second", record=record)


def is_recorded(made: Factory) -> bool:
    """Whether python-a is held back exactly if the name leads to the part without its newer one."""
    with made.store.read() as at:
        is_held = bool(at.held_back.of_name(TARGET, "tested"))
    return is_held == made.leads("tested").startswith("composed/")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "components"), [(compose, False), (promote, True), (hold_back, False)]
)
def test_a_change_by_a_person_killed_anywhere_is_finished_or_undone_by_the_next(
    tmp_path: Path, shelf: RpmShelf, change: Callable[[Factory], object], components: bool
) -> None:
    one, two = ("one", "two") if components else (None, None)
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    with factory(prepared, shelf, *PACKAGES, components=components) as made:
        made.publish("python-a", "a1", component=one)
        made.publish("python-b", "b1", component=two)
        made.tree.promote("tested", made.tree.leads("current"), by="me", why="first")
        made.publish("python-a", "a2", "1.1", component=one)
        made.publish("python-b", "b2", "1.1", component=two)
    whole = tmp_path / "whole"
    copy_factory(prepared, whole)
    assert act(whole, shelf, change, components=components)
    expected = listing(whole / f"data/{TARGET}/repos")
    step, killed = 1, True

    while killed:
        root = tmp_path / f"step{step}"
        copy_factory(prepared, root)
        killed = not act(root, shelf, change, step, components=components)
        with factory(root, shelf, *PACKAGES, components=components) as made:
            places = ["component/one", "component/two"] if components else ["."]
            assert all(is_whole(made.tree.repos / x / "tested") for x in places), step
            made.tree.journal.recover()
            assert verify_tree(made.tree, made.store, made.members) == [], step
            assert is_recorded(made), step
            change(made)
            assert listing(made.tree.repos) == expected, step
        shutil.rmtree(root)
        step += 1

    assert step > 10
