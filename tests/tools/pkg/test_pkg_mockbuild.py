"""`rdo pkg mockbuild` with a mock configuration; the chroot of its mock is this machine."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.distgits import Distgit
from tests.fakes.mock import install_stand_in


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Iterator[Distgit]:
    place = Path(tempfile.mkdtemp(prefix="rdo-mock-"))  # mock's user must get there
    place.chmod(0o755)
    program = install_stand_in(place / "bin")
    (tmp_path / "rdo.toml").write_text(
        f'[builders.mock]\nprogram = "{program}"\nuser = "nobody"\nfolder = "{place}"\n'
    )
    monkeypatch.setenv("RDO_CONFIG", str(tmp_path / "rdo.toml"))
    made = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    made.spec(
        source="foo-1.0.0.txt",
        extra="%bcond_with more",
        prep="%setup -q -c -T\n%{?with_more:echo with more}",
    )
    made.commit("Source", {"foo-1.0.0.txt": "source"})
    made.git("checkout", "--quiet", "-b", "f42")
    yield made
    shutil.rmtree(place)


def test_results_are_where_fedpkg_leaves_them(distgit: Distgit) -> None:
    said = distgit.pkg("mockbuild", "-r", "fedora-42-x86_64", "--with", "more").out

    assert "foo-bar-1.0.0-1.fc42 was built" in said
    results = distgit.path / "results_foo-bar/1.0.0/1.fc42"
    assert (results / "foo-bar-1.0.0-1.fc42.noarch.rpm").is_file()
    assert "with more" in (results / "build.log").read_text()
    assert distgit.git("status", "--porcelain") == ""


def test_a_configuration_that_mock_does_not_know(distgit: Distgit) -> None:
    said = distgit.pkg("mockbuild", "-r", "fedora-1-x86_64", code=6).out
    assert "mock does not find its configuration" in said


def test_a_dry_run_builds_nothing(distgit: Distgit) -> None:
    said = distgit.pkg("mockbuild", "-r", "fedora-42-x86_64", "--dry-run").out
    assert said.startswith("mock --rebuild -r fedora-42-x86_64 --resultdir ")
    assert not (distgit.path / "results_foo-bar").exists()
