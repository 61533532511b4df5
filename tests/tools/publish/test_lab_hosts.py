"""A host of a lab that has read the index of its repositories, and a round that replaces RPMs."""

import functools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo import atomic
from rdo.app import App
from rdo.bridge.dependencies import RepoFile
from rdo.tools.children.hosts.lab_files import LabFiles
from tests.publishing import TARGET, RpmShelf, factory, package
from tests.tools.publish.conftest import Dnf, serving_by

TOML = f'data = "data"\n[targets.{TARGET}]\nrelease = "master"\nplatform = "deb12-x86_64"\n'
OLD, NEW = "0123456789abcde1", "0123456789abcde2"


class _Quiet(LabFiles):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def lab_url(tmp_path: Path) -> Iterator[str]:
    """The data folder as the web server of a lab shows it."""
    handler = functools.partial(_Quiet, directory=str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    with serving_by(handler) as url:
        yield url


def bridge(shelf: RpmShelf, repos: Path, snapshot: str, version: str) -> None:
    """Let a round bring a package in a version, as the bridge does."""
    folder, link = repos / "deps" / snapshot, repos / "deps/current"
    shelf.put(folder, "python-bridged", version)
    subprocess.run(["createrepo_c", "--quiet", folder], check=True)
    before = link.resolve().name if link.exists() else snapshot
    url = f"https://trunk.example.test/{TARGET}/repos/deps"  # nobody in a lab reaches this one
    RepoFile(repos / "delorean-deps.repo", "delorean-deps", url).say_where(folder, before)
    atomic.point_link(link, folder)


@pytest.mark.skipif(not shutil.which("dnf"), reason="dnf is not installed")
def test_dnf_with_metadata_in_its_cache_installs_after_a_round_that_replaced_bridged_rpms(
    tmp_path: Path, lab_url: str, shelf: RpmShelf, dnf: Dnf
) -> None:
    base_url = "https://trunk.example.test"
    with factory(tmp_path, shelf, package("python-a"), base_url=base_url) as made:
        made.publish("python-a", "a1", requires=("python3-bridged",))
        bridge(shelf, made.tree.repos, OLD, "1")
        (tmp_path / "rdo.toml").write_text(TOML)
        files = App(tmp_path).served_repo_files(TARGET, "current", f"{lab_url}/{TARGET}/repos")
        for name, text in files.items():
            (tmp_path / "repos.d" / name).write_text(text)
        dnf("makecache")

        bridge(shelf, made.tree.repos, NEW, "2")

        dnf("install", "python3-a")
        bridged = tmp_path / "root/usr/share/python-bridged/file"
        assert bridged.read_text().split()[1] == "1"
        dnf("--refresh", "upgrade")
        assert bridged.read_text().split()[1] == "2"
