"""`rdo pkg build` and similar verbs, on a hub that really builds."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.distgits import Distgit
from tests.fakes.koji_hub import KojiHubServer

pytest.importorskip("koji", reason="the extra koji is not installed")
# koji's own client leaves the file open that it has uploaded
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KojiHubServer]:
    """A hub, and an rdo.toml that names it."""
    server = KojiHubServer(tmp_path / "hub")
    (tmp_path / "password").write_text("secret\n")
    config = tmp_path / "rdo.toml"
    config.write_text(
        f'[builders.koji]\nserver = "{server.url}"\nuser = "rdo"\npoll-seconds = 1\n'
        f'password-file = "{tmp_path}/password"\nkoji-target = "rdo-el9"\n'
    )
    monkeypatch.setenv("RDO_CONFIG", str(config))
    yield server
    server.close()


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    repository = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    repository.spec(source="foo-1.0.0.txt", prep="%setup -q -c -T")
    repository.commit("Source", {"foo-1.0.0.txt": "source"})
    GitRepository(tmp_path / "origin").git("config", "receive.denyCurrentBranch", "ignore")
    repository.git("remote", "add", "origin", str(tmp_path / "origin"))
    return repository


def test_a_scratch_build_of_local_changes(distgit: Distgit, hub: KojiHubServer) -> None:
    distgit.edit("Summary: ", "Summary: x")
    said = distgit.pkg("scratch-build", "--srpm").out
    assert "Building foo-bar-1.0.0-1 for koji\n" in said
    assert "Created task: " in said
    assert "Task info: " in said
    assert hub.begun() == 1
    results = distgit.path / "results_foo-bar/1.0.0/1"
    assert list(results.rglob("foo-bar-1.0.0-1*.noarch.rpm"))
    assert "results_foo-bar" not in distgit.git("status", "--porcelain")


def test_a_build_needs_what_is_pushed(distgit: Distgit, hub: KojiHubServer) -> None:
    assert "unpushed changes" in str(distgit.pkg("build", code=5))
    distgit.git("push", "--quiet", "origin", "master")
    distgit.git("fetch", "--quiet", "origin")
    distgit.edit("Summary: ", "Summary: x")
    assert "Try option --srpm" in str(distgit.pkg("build", code=5))
    distgit.git("checkout", "--quiet", ".")
    assert "would be built by koji" in distgit.pkg("build", "--dry-run").out
    assert hub.begun() == 0
    found = json.loads(distgit.pkg("build", "--nowait", "--json").out)
    assert found["outcome"] == "submitted"
    assert int(found["task"])


def test_a_build_that_the_hub_refuses(distgit: Distgit, hub: KojiHubServer) -> None:
    said = str(distgit.pkg("scratch-build", "--srpm", "--target", "nothing", code=6))
    assert "no build target nothing" in said


def test_without_a_farm_there_is_one_clear_line(distgit: Distgit) -> None:
    for verb in ("build", "scratch-build", "kojibuild", "copr-build", "cbsbuild", "coprbuild"):
        said = distgit.pkg(verb, code=4)
        assert "rdo.toml" in said.err or "no builder" in said.err
        assert "Traceback" not in said.err
    assert "has no forge" in str(distgit.pkg("request-repo", "foo", code=5))
    assert "has no forge" in str(distgit.pkg("request-branch", "f42", code=5))
