"""zypper reads a signed tree, and follows a name that is promoted."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.publish.release_package import release_sections
from rdo.signing import Signer
from rdo.signing.ways import ByOwnKey
from rdo.tools.signing.gpg_home import GpgHome
from tests.publishing import TARGET, Factory, RpmShelf, factory, package
from tests.unpacked import NotFetchedError
from tests.zypper import Zypper

pytestmark = pytest.mark.skipif(not shutil.which("rpmsign"), reason="rpmsign is not installed")


@pytest.fixture
def zypper(tmp_path: Path) -> Zypper:
    try:
        return Zypper(tmp_path / "zypper")
    except NotFetchedError as error:
        pytest.skip(str(error))


@pytest.fixture
def signed(tmp_path: Path, data_url: str, shelf: RpmShelf) -> Iterator[Factory]:
    """A signed tree whose name `tested` leads to the first of two states."""
    members = (package("python-a"), package("python-b"))
    home = GpgHome(tmp_path / "key", is_ours=True)
    way = ByOwnKey(TARGET, tmp_path / "key", home.create_key("RDO tests", expires="2y"))
    with factory(tmp_path, shelf, *members, base_url=data_url) as made:
        made.tree.signer = Signer(
            TARGET, way, made.tree.repos, f"{data_url}/{TARGET}/repos", 60, made.now
        )
        made.publish("python-a", "a1")
        made.publish("python-b", "b1", requires=("python3-a",))
        made.tree.promote("tested", made.tree.leads("current"), by="me", why="first")
        made.publish("python-a", "a2", "1.1")
        yield made


def repo_file(made: Factory, name: str) -> str:
    """What rdo-release says of a name, with the keys of the tree."""
    assert made.tree.signer
    trust = made.tree.signer.trust(made.tree.signer.public_keys())
    sections = release_sections(made.tree.site, made.tree.repos, "master", name, trust=trust)
    return "\n".join(map(str, sections)) + "autorefresh=1\n"


@pytest.mark.slow
def test_zypper_installs_what_is_signed_and_follows_a_promoted_name(
    signed: Factory, zypper: Zypper
) -> None:
    file = zypper.root / "usr/share/python-a/file"
    zypper.follow(repo_file(signed, "tested"))

    zypper("--gpg-auto-import-keys", "refresh")
    zypper("install", "--dry-run", "python3-b")
    zypper("install", "python3-b")
    before = file.read_text()
    signed.tree.promote("tested", signed.tree.leads("current"), by="me", why="newer")
    zypper("refresh", "--force")
    zypper("dist-upgrade")

    assert before == "python-a 1.0 1\n"
    assert file.read_text() == "python-a 1.1 1\n"


def test_zypper_refuses_an_index_that_was_changed(signed: Factory, zypper: Zypper) -> None:
    zypper.follow(repo_file(signed, "tested"))
    zypper("--gpg-auto-import-keys", "refresh")
    repomd = (signed.tree.repos / "tested").resolve() / "repodata/repomd.xml"
    repomd.write_bytes(repomd.read_bytes() + b"\n")

    done = zypper.attempt("refresh", "--force")

    assert done.returncode != 0, done.stdout
