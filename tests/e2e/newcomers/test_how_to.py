"""The commands of the how-to pages, run; each page must show what really happens."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.e2e.command import needs_roots, rdo
from tests.unit.docs.pages import DOCS, fences

pytestmark = needs_roots

FOLLOW_GIT = (DOCS / "how-to/follow-git.md").read_text()
FAILED_BUILD = (DOCS / "how-to/failed-build.md").read_text()
PROGRAM = "def main() -> None:\n    print('hello')\n"


@pytest.fixture
def greet(tmp_path: Path) -> GitRepository:
    """The upstream, the distgit and the factory of follow-git.md, below `tmp_path`."""
    [pyproject] = [block for block in fences(FOLLOW_GIT, "toml") if "[project]" in block]
    [spec] = fences(FOLLOW_GIT, "spec")
    [metadata] = fences(FOLLOW_GIT, "yaml")
    upstream = GitRepository(tmp_path / "upstream/greet", "main")
    upstream.commit("Say hello", {"pyproject.toml": pyproject, "greet/__init__.py": PROGRAM})
    distgit = GitRepository(tmp_path / "distgit/python-greet", "rpm-master")
    distgit.commit("Package it", {"python-greet.spec": spec})
    assert rdo("init", "factory", cwd=tmp_path).code == 0
    (tmp_path / "factory/info/rdo.yml").write_text(metadata.replace("/srv/example", str(tmp_path)))
    shutil.rmtree(tmp_path / "factory/info/tags")
    return upstream


def shown(page: str, start: str) -> str:
    """The line of a page's output that begins so, up to what differs each time."""
    lines = [line for block in fences(page, "") for line in block.splitlines()]
    return next(line for line in lines if line.startswith(start)).split(" (")[0]


def test_a_factory_is_made_and_told_of_a_commit_that_fails(
    greet: GitRepository, tmp_path: Path
) -> None:
    verified = rdo("-C", "factory", "info", "verify", cwd=tmp_path)
    built = rdo("-C", "factory", "trunk", "run", cwd=tmp_path)
    greet.commit("Break it", {"greet/extra.py": "from nowhere import nothing\n"})
    failed = rdo("-C", "factory", "trunk", "run", cwd=tmp_path)
    status = rdo("-C", "factory", "trunk", "status", cwd=tmp_path)
    log = rdo("-C", "factory", "trunk", "log", "python-greet", cwd=tmp_path)

    assert verified.stdout.strip() == shown(FOLLOW_GIT, "no fault")
    assert built.code == 0, built.stderr
    assert shown(FOLLOW_GIT, "master-deb12: 1 package: 1 built") in built.stdout
    assert failed.code == 1
    assert shown(FAILED_BUILD, "FAILED").split("  ")[-1] in failed.stdout
    assert shown(FAILED_BUILD, "master-deb12: 1 package: 0 built") in failed.stdout
    assert shown(FAILED_BUILD, "does not build") in failed.stdout
    blocked = shown(FAILED_BUILD, "consistent is blocked").partition(", since")[0]
    assert blocked in status.stdout
    assert "Bad exit status" in log.stdout
