"""A full disk at any step of signing, publishing, composing or promoting."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rdo.errors import UserError, is_of_the_machine
from rdo.publish.journal import FRESH
from rdo.publish.site import Members, Site
from rdo.publish.tree import Tree
from rdo.publish.upkeep.verify import verify_tree
from rdo.signing import Signer
from rdo.signing.ways import ByOwnKey
from rdo.store import Store
from rdo.tools.signing.gpg_home import GpgHome
from tests.disk import Disk
from tests.publishing import TARGET, Clock, Factory, RpmShelf, package

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount"),
    pytest.mark.skipif(not shutil.which("rpmsign"), reason="rpmsign is not installed"),
]

FREE = (0, 8, 16, 24, 32, 40, 56, 80, 120, 200, 400, 800)
"""So many KiB are free, one after the other, until it works."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "small")
    made.mount("4m")
    yield made
    subprocess.run(["umount", "--lazy", made.place], check=True)


@pytest.fixture
def signed(disk: Disk, tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """A signed target on a small disk, with its key on it; the database is elsewhere."""
    folder = disk.place / "data" / TARGET
    keys = folder / "signing-keys"
    home = GpgHome(keys, is_ours=True)
    way = ByOwnKey(TARGET, keys, home.create_key("RDO tests", expires="2y"))
    members = Members((package("python-a"), package("python-b")))
    with Store(f"sqlite:///{tmp_path}/rdo.sqlite") as store:
        tree = Tree(folder, store, Site(TARGET, "http://127.0.0.1"))
        made = Factory(tmp_path, shelf, store, tree, members, Clock())
        tree.signer = Signer(TARGET, way, tree.repos, "http://127.0.0.1/repos", 60, made.now)
        made.publish("python-a", "a1")
        tree.promote("tested", tree.leads("current"), by="me", why="first")
        yield made


def named(made: Factory) -> dict[str, str]:
    """All that is in the tree, but for RPMs that no repository names and what is being written."""
    repos = made.tree.repos
    found = (path for path in repos.rglob("*") if path.is_symlink() or path.is_file())
    return {
        place: str(path.readlink()) if path.is_symlink() else ""
        for path in found
        if not (place := str(path.relative_to(repos))).startswith(("pool/", f"{FRESH}/"))
    }


def clean(made: Factory) -> bool:
    return verify_tree(made.tree, made.store, made.members) == []


def until_it_works(made: Factory, disk: Disk, act: Callable[[], object]) -> list[Exception]:
    """Do something with a little more space each time, until it works; return what was said."""
    before = named(made)
    errors: list[Exception] = []
    for free in FREE:
        disk.fill(but=free * 1024)
        try:
            act()
        except (UserError, OSError) as error:
            errors.append(error)
        else:
            return errors
        finally:
            disk.free()
        assert named(made) == before, free
    raise AssertionError(f"it never works: {said(errors)}")


def said(errors: list[Exception]) -> str:
    """What was said, each time one line with a remedy; commands add one to an error of the disk."""
    assert errors
    for one in errors:
        assert is_of_the_machine(one)
        if isinstance(one, UserError):
            assert str(one).startswith("no space left")
            assert one.hint
            assert "\n" not in str(one)
    return "\n".join(map(str, errors))


def test_nothing_half_signed_is_published_and_the_next_run_publishes_it(
    signed: Factory, disk: Disk
) -> None:
    build = signed.build("python-b", "b1")

    errors = until_it_works(
        signed, disk, lambda: signed.tree.publish(build, signed.folder_of(build), signed.members)
    )

    assert "to sign for" in said(errors)
    assert signed.leads("current") == signed.leads("consistent") != signed.leads("tested")
    assert clean(signed)


def test_a_full_folder_for_temporary_files_is_named(
    signed: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Disk(tmp_path / "temporary")
    other.mount("2m")
    try:
        monkeypatch.setattr("tempfile.tempdir", str(other.place))
        build = signed.build("python-b", "b1")

        errors = until_it_works(
            signed,
            other,
            lambda: signed.tree.publish(build, signed.folder_of(build), signed.members),
        )
    finally:
        subprocess.run(["umount", "--lazy", other.place], check=True)

    assert f"no space left in {other.place}" in said(errors)
    assert clean(signed)


def test_a_name_leads_where_it_did_until_there_is_space_to_move_it(
    signed: Factory, disk: Disk
) -> None:
    signed.publish("python-a", "a2", "1.1")
    wanted = signed.tree.leads("current")

    errors = until_it_works(
        signed, disk, lambda: signed.tree.promote("tested", wanted, by="me", why="newer")
    )

    assert said(errors)
    assert signed.leads("tested") == signed.leads("current")
    assert clean(signed)
