"""A round with an upstream that has a submodule: its files are in the RPM, or the build fails."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.e2e.distribution import TARGET, Distribution


@pytest.fixture
def site(tmp_path: Path) -> Distribution:
    made = Distribution(tmp_path)
    made.add("subdemo")
    return made


def add_submodule(site: Distribution, url: str, commit: str) -> None:
    upstream = site.upstreams["subdemo"]
    path = "subdemo/vendor"
    pyproject = upstream.path / "pyproject.toml"
    data = '[tool.setuptools.package-data]\nsubdemo = ["vendor/*.txt"]\n'
    pyproject.write_text(pyproject.read_text() + data)
    (upstream.path / "MANIFEST.in").write_text("include subdemo/vendor/*.txt\n")
    text = f'[submodule "vendor"]\n\tpath = {path}\n\turl = {url}\n'
    (upstream.path / ".gitmodules").write_text(text)
    upstream.git("add", ".gitmodules", "MANIFEST.in", "pyproject.toml")
    upstream.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    upstream.git("commit", "--quiet", "--message", "vendor the library")


def test_the_submodules_files_are_in_the_rpm(site: Distribution) -> None:
    library = GitRepository(site.folder / "upstream" / "library")
    recorded = library.commit("one", {"lib.txt": "recorded"})
    library.commit("two", {"lib.txt": "newer"})
    add_submodule(site, "../library", recorded)

    done = site.rdo("trunk", "run")

    assert done.code == 0, done.stderr
    [rpm] = site.folder.glob(f"data/{TARGET}/repos/pool/*/python3-subdemo-*.rpm")
    archive = subprocess.run(["rpm2cpio", rpm], capture_output=True, check=True).stdout
    command = ["cpio", "--quiet", "-i", "--to-stdout", "*/subdemo/vendor/lib.txt"]
    told = subprocess.run(command, input=archive, capture_output=True, check=True)
    assert told.stdout == b"recorded"


def test_a_submodule_that_may_not_be_used_fails_the_build_by_name(site: Distribution) -> None:
    add_submodule(site, "ext::sh -c 'touch PROOF'", "1" * 40)

    done = site.rdo("trunk", "run")

    assert "submodule subdemo/vendor: not a git URL" in done.stdout + done.stderr
    assert done.code != 0
    assert not list(site.folder.rglob("PROOF"))
