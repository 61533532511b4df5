"""Repositories pushed to other servers: sent in order, completed after a kill, installed by dnf."""

import contextlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import cast

import httpx
import pytest

from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.publish.pushing.folder import OutsideFolder
from rdo.publish.pushing.push import Outside, PushPlace, PushSummary, push
from rdo.signing import Signer
from rdo.signing.ways import ByOwnKey
from rdo.tools.hosts.rsync import RsyncPlace
from rdo.tools.signing.gpg_home import GpgHome
from tests.as_root import AS_ROOT
from tests.databases import copy_factory
from tests.killing import survives
from tests.outside import Counted, faults, http_server, rsync_daemon, s3_server, ssh_server
from tests.patience import PATIENCE
from tests.publishing import TARGET, Factory, RpmShelf, factory, package

PACKAGES = (package("python-a"), package("python-b"))


@pytest.fixture
def published(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """python-b requires python-a; both are signed."""
    with factory(tmp_path, shelf, *PACKAGES) as made:
        key = GpgHome(tmp_path / "keys", is_ours=True).create_key("RDO tests", expires="2y")
        way = ByOwnKey(TARGET, tmp_path / "keys", key)
        top = f"http://127.0.0.1/{TARGET}/repos"
        made.tree.signer = Signer(TARGET, way, made.tree.repos, top, clock=made.now)
        made.publish("python-a", "a1")
        made.publish("python-b", "b1", requires=("python3-a",))
        yield made


def push_to(
    made: Factory, outside: Outside, url: str = "http://mirror.example.test"
) -> PushSummary:
    return push(made.tree, made.store, PushPlace("m", "somewhere", url, outside))


def install(root: Path, repo_file: str, *packages: str) -> None:
    """Install from a .repo file alone, with all its checks."""
    (root / "repos.d").mkdir(parents=True)
    (root / "repos.d/mirror.repo").write_text(repo_file)
    command = [
        *(*AS_ROOT, "dnf", "--quiet", "--assumeyes", f"--installroot={root}", "--releasever=1"),
        *(f"--setopt=cachedir={root}-cache", f"--setopt=reposdir={root}/repos.d"),
        *("--disableplugin=local", "--setopt=*.skip_if_unavailable=False", "install", *packages),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


Opened = tuple[Outside, str]


_BY_RSYNC = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("rsync", "ssh")]


@pytest.fixture(params=["folder", "s3", *_BY_RSYNC])
def mirror(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Opened]:
    """A place outside of each kind, and the URL by which users see it."""
    folder = tmp_path / "mirror"
    with contextlib.ExitStack() as stack:
        if request.param == "s3":
            yield stack.enter_context(s3_server(monkeypatch))
            return
        folder.mkdir()
        url = stack.enter_context(http_server(folder))
        if request.param == "folder":
            yield OutsideFolder(folder), url
        elif request.param == "ssh":
            yield stack.enter_context(ssh_server(folder)), url
        else:
            yield stack.enter_context(rsync_daemon(folder)), f"{url}/deep/master"


def test_dnf_installs_from_each_kind_of_mirror_with_all_signatures(
    published: Factory, mirror: Opened, tmp_path: Path
) -> None:
    outside, url = mirror

    first = push_to(published, outside, url)
    shutil.move(published.tree.repos, tmp_path / "away")

    assert first.files > 10
    text = httpx.get(f"{url}/current/delorean.repo", timeout=PATIENCE).text
    assert {"gpgcheck=1", "repo_gpgcheck=1"} <= set(text.split())
    assert text.count(url) == 2  # the repository and its key
    install(tmp_path / "root", text, "python3-b")
    assert (tmp_path / "root/usr/share/python-a/file").is_file()
    by_list = f"[m]\nname=m\nmirrorlist={url}/consistent/mirrorlist\ngpgcheck=1\n"
    by_list += f"repo_gpgcheck=1\n{re.search(r'gpgkey=.*', text)[0]}\n"  # type: ignore[index]
    install(tmp_path / "second", by_list, "python3-b")


def test_a_push_without_changes_asks_nothing_and_one_change_sends_that(
    published: Factory, mirror: Opened
) -> None:
    counted = Counted(mirror[0])
    outside = cast(Outside, counted)
    push_to(published, outside, mirror[1])
    counted.asked.clear()

    assert push_to(published, outside, mirror[1]).is_nothing
    assert counted.asked == []

    published.publish("python-a", "a2", "1.1")
    there = outside.listing().files
    push_to(published, outside, mirror[1])

    new = {path for path in outside.listing().files if path not in there}
    rpms = {path.rpartition("/")[2] for path in new if path.endswith(".rpm")}
    assert {"python-a-1.1-1.src.rpm", "python3-a-1.1-1.noarch.rpm"} <= rpms
    if outside.has_links:
        assert len(rpms) == 2


def test_what_a_place_has_lost_is_sent_again_by_a_push_that_looks(
    published: Factory, tmp_path: Path
) -> None:
    (tmp_path / "mirror").mkdir()
    outside = OutsideFolder(tmp_path / "mirror")
    push_to(published, outside)
    [rpm, *_] = sorted((tmp_path / "mirror").rglob("*.rpm"))
    names = [(tmp_path / "mirror/current/delorean.repo").resolve(), rpm]
    for lost in names:
        lost.unlink()

    unasked = push_to(published, outside)
    place = PushPlace("m", "somewhere", "http://mirror.example.test", outside)
    looked = push(published.tree, published.store, place, looks=True)

    assert unasked.is_nothing
    assert looked.files == len(names)
    assert all(one.is_file() for one in names)
    assert faults(tmp_path / "mirror") == []


def test_what_no_name_leads_to_goes_after_some_days(published: Factory, mirror: Opened) -> None:
    outside, url = mirror
    push_to(published, outside, url)
    before = {path for path in outside.listing().files if path.startswith(("repo", "pool"))}
    published.publish("python-a", "a2", "1.1")
    push_to(published, outside, url)
    kept = set(outside.listing().files)
    published.now.now += timedelta(days=4)

    done = push_to(published, outside, url)

    after = set(outside.listing().files)
    assert before <= kept
    assert done.removed >= 1
    assert not any("python3-a-1.0" in path for path in after)
    assert any("python3-a-1.1" in path for path in after)
    assert push_to(published, outside, url).is_nothing


def test_mirror_lists_name_the_places_that_have_a_repository(
    published: Factory, tmp_path: Path
) -> None:
    old = published.tree.repos / published.leads("current")
    url = "http://mirror.example.test"

    push_to(published, OutsideFolder(tmp_path / "mirror"), url)

    here = (published.tree.repos / "current/mirrorlist").read_text().split()
    there = (tmp_path / "mirror/current/mirrorlist").read_text().split()
    assert here[0].startswith("http://127.0.0.1/")
    assert [line.startswith(f"{url}/repositories/") for line in here] == [False, True]
    assert there == here[::-1]
    published.publish("python-a", "a2", "1.1")
    push_to(published, OutsideFolder(tmp_path / "mirror"), url)
    assert len((old / "mirrorlist").read_text().split()) == 1


def push_late(root: Path, shelf: RpmShelf, outside: Outside) -> None:
    """Push when what no name needs has to go."""
    with factory(root, shelf, *PACKAGES) as made:
        made.now.now += timedelta(days=5)
        push_to(made, outside)


@pytest.mark.slow
def test_a_reader_never_meets_a_gap_whenever_a_push_is_killed(
    tmp_path: Path, shelf: RpmShelf
) -> None:
    """The push that is killed brings new repositories and removes old ones."""
    origin, mirror = tmp_path / "origin", tmp_path / "mirror"
    with factory(origin, shelf, *PACKAGES) as made:
        made.publish("python-a", "a1")
        made.publish("python-b", "b1", requires=("python3-a",))
        push_to(made, OutsideFolder(mirror))
        made.publish("python-b", "b2", "1.1", requires=("python3-a",))
        push_to(made, OutsideFolder(mirror))
        made.publish("python-a", "a2", "1.1")
    for step in range(1, 400):
        root, copy = tmp_path / f"run{step}", tmp_path / f"mirror{step}"
        copy_factory(origin, root)
        shutil.copytree(mirror, copy, symlinks=True)

        ended = survives(partial(push_late, root, shelf, OutsideFolder(copy)), step)

        assert faults(copy) == [], step
        with factory(root, shelf, *PACKAGES) as made:
            made.now.now += timedelta(days=5)
            push_to(made, OutsideFolder(copy))
            assert push_to(made, OutsideFolder(copy)).is_nothing
        assert faults(copy) == [], step
        index = (copy / "current/repodata/repomd.xml").read_bytes()
        assert index == (root / f"data/{TARGET}/repos/current/repodata/repomd.xml").read_bytes()
        assert not list(copy.glob("pool/*/python3-b-1.0*")), step
        shutil.rmtree(root)
        shutil.rmtree(copy)
        if ended:
            break
    assert ended
    assert step > 40


def test_readers_read_while_pushes_go_on(published: Factory, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    outside = OutsideFolder(mirror)
    push_to(published, outside)
    found: list[str] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            for name in ("current", "consistent"):
                place = (mirror / name).resolve()
                text = (place / "repodata/repomd.xml").read_text()
                inside = re.findall(r'location href="([^"]+)"', text)
                found.extend(one for one in inside if not (place / one).is_file())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(2, 6):
            published.publish("python-a", f"a{number}", f"1.{number}")
            push_to(published, outside)
    finally:
        ended.set()
        reader.join()

    assert found == []


def test_a_push_that_breaks_off_is_made_good_by_the_next(
    published: Factory, mirror: Opened, tmp_path: Path
) -> None:
    outside, url = mirror
    original = outside.send
    calls = 0

    class Dying(Exception):
        pass

    class Stopping(Counted):
        def send(self, stage: Path, paths: Iterator[str]) -> None:
            nonlocal calls
            calls += 1
            some = list(paths)
            original(stage, some[: len(some) // 2])
            if calls == 2 or len(some) > 3:
                raise Dying

    with pytest.raises(Dying):
        push_to(published, cast(Outside, Stopping(outside)), url)
    assert httpx.get(f"{url}/current/delorean.repo", timeout=PATIENCE).status_code == 404
    half = set(outside.listing().files)

    push_to(published, outside, url)

    install(
        tmp_path / "root",
        httpx.get(f"{url}/current/delorean.repo", timeout=PATIENCE).text,
        "python3-b",
    )
    assert half < set(outside.listing().files)


def test_a_target_without_names_pushes_nothing_and_clears_no_place(
    tmp_path: Path, shelf: RpmShelf
) -> None:
    with factory(tmp_path, shelf, *PACKAGES) as made:
        (tmp_path / "m/repositories/kept").mkdir(parents=True)
        shutil.rmtree(made.tree.folder)

        with pytest.raises(NotFoundError, match="master-deb12 has nothing to push"):
            push_to(made, OutsideFolder(tmp_path / "m"))

        assert (tmp_path / "m/repositories/kept").is_dir()


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a small file system")
def test_a_full_disk_of_a_mirror_is_named_and_the_next_push_goes_on(
    published: Factory, tmp_path: Path
) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "small", folder], check=True)
    try:
        with pytest.raises(OutsideError, match=f"cannot push to {folder}/m/.*: No space left"):
            push_to(published, OutsideFolder(folder / "m"))
        subprocess.run(["mount", "-o", "remount,size=4m", folder], check=True)
        push_to(published, OutsideFolder(folder / "m"))
        assert faults(folder / "m") == []
    finally:
        subprocess.run(["umount", folder], check=True)


def test_what_cannot_be_pushed_is_one_clear_error(published: Factory, tmp_path: Path) -> None:
    away: list[tuple[Callable[[], object], type[Exception], str]] = [
        (
            lambda: push_to(published, RsyncPlace("rsync://127.0.0.1:1/rdo")),
            OutsideError,
            r"rsync cannot work on rsync://127.0.0.1:1/rdo: .*Connection refused",
        ),
        (
            lambda: push(
                published.tree,
                published.store,
                PushPlace("m", "x", "http://x", OutsideFolder(tmp_path / "m"), ("tested",)),
            ),
            NotFoundError,
            "has no name tested to push",
        ),
        (
            lambda: push_to(published, OutsideFolder(Path(__file__))),
            OutsideError,
            f"cannot push to {re.escape(__file__)}: Not a directory",
        ),
    ]
    for act, kind, words in away:
        with pytest.raises(kind, match=words):
            act()
    data = next(published.tree.repos.glob("current/repodata/*primary*"))
    data.write_bytes(b"x")

    with pytest.raises(RefusedError, match="does not match"):
        push_to(published, OutsideFolder(tmp_path / "m"))

    assert not (tmp_path / "m").exists()
