"""A signed target, exported and promoted."""

import shutil
from pathlib import Path

import pytest

from rdo.app.targets import OpenTarget
from rdo.checks.findings import CheckName
from rdo.errors import RefusedError
from rdo.promotion.checking import Surroundings, check
from rdo.promotion.compositions import find
from rdo.promotion.exporting import export
from rdo.promotion.promoting import promote
from rdo.publish.upkeep.signing_again import sign_again
from rdo.signing import Signer
from rdo.signing.ways import ByOwnKey
from rdo.tools.signing.gpg_home import GpgHome
from tests.publishing import TARGET, Factory
from tests.rpms import make_rpms
from tests.tools.promotion.test_export import dnf

pytestmark = pytest.mark.skipif(not shutil.which("rpmsign"), reason="rpmsign is not installed")


@pytest.fixture
def signed(made: Factory, target: OpenTarget, tmp_path: Path) -> OpenTarget:
    """python-b requires python-a; both were published before the target was signed."""
    made.publish("python-a", "a1")
    made.publish("python-b", "b1", requires=("python3-a",))
    key = GpgHome(tmp_path / "home", is_ours=True).create_key("RDO tests", expires="2y")
    way = ByOwnKey(TARGET, tmp_path / "home", key)
    made.tree.signer = Signer(TARGET, way, made.tree.repos, "http://x", clock=made.now)
    return target


def test_what_is_not_signed_is_not_promoted(made: Factory, signed: OpenTarget) -> None:
    with pytest.raises(RefusedError, match="not signed") as raised:
        promote(signed, "tested", find(signed, "current"), by="me", why="it works")
    assert raised.value.hint == f"rdo repo sign --target {TARGET} {made.leads('current')}"

    sign_again(made.tree, made.store)
    done = promote(signed, "tested", find(signed, "current"), by="me", why="it works")

    assert done.moved == (made.leads("current"),)


def test_the_check_knows_what_rpmsign_has_written(made: Factory, signed: OpenTarget) -> None:
    sign_again(made.tree, made.store)
    signer = made.tree.signer
    assert signer
    own = tuple(name for key in signer.known_keys() for name in key.ids)

    for keys, faults in ((own, 0), (("0123456789abcdef",), 4)):
        around = Surroundings("x86_64", keys=keys)
        [found] = check(signed, find(signed, "current"), around, names=[CheckName.SIGNED])
        assert len(found.findings) == faults
    assert signer.fingerprint[-16:].lower() in found.findings[0].what


def test_dnf_checks_an_exported_folder_alone(
    made: Factory, signed: OpenTarget, tmp_path: Path
) -> None:
    sign_again(made.tree, made.store)

    done = export(signed, find(signed, "current"), tmp_path / "frozen")

    shutil.rmtree(made.tree.repos)
    text = done.repo_file.read_text()
    assert "\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file:///" in text
    dnf(tmp_path / "root", done.folder, "--setopt=gpgcheck=1", "install", "python3-b")
    assert (tmp_path / "root/usr/share/python-a/file").is_file()


def test_a_scratch_build_in_an_export_is_not_signed_and_it_says_so(
    made: Factory, signed: OpenTarget, tmp_path: Path
) -> None:
    sign_again(made.tree, made.store)
    make_rpms(tmp_path / "results", "python-a", version="9.0")

    done = export(
        signed, find(signed, "current"), tmp_path / "review", scratch=[tmp_path / "results"]
    )

    assert "\ngpgcheck=0\nrepo_gpgcheck=1\n" in done.repo_file.read_text()


def test_old_repositories_are_found_by_the_bytes_that_they_had(
    made: Factory, signed: OpenTarget
) -> None:
    before = find(signed, "current")
    old = made.leads("current")
    made.tree.signer, signer = None, made.tree.signer
    made.publish("python-a", "a2", "1.1")
    made.tree.signer = signer
    sign_again(made.tree, made.store)

    assert find(signed, old).build_ids == before.build_ids
