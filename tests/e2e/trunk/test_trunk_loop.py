"""The real `rdo trunk run --loop`, with a command as the builder."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.e2e.trunk.test_trunk_cli import METADATA
from tests.rpms import make_rpms

CONFIG = """\
data = "data"
[metadata]
source = "info"
[targets.one-deb12]
release = "master"
platform = "deb12-x86_64"
builder = "command"
command = ["cp", "-a", "shelf", "{resultdir}"]
"""


@pytest.fixture
def site(tmp_path: Path, upstream: GitRepository, distgit: GitRepository) -> Path:
    """A folder whose only package is copied from a shelf."""
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    folder = tmp_path / "site"
    upstream.commit("one")
    distgit.commit("spec", {"python-foo.spec": "Name: python-foo\n"})
    (folder / "info").mkdir(parents=True)
    make_rpms(folder / "shelf", "python-foo")
    shelf = str(folder / "shelf")
    (folder / "rdo.toml").write_text(CONFIG.replace('"shelf"', f'"{shelf}"'))
    text = METADATA.replace("UPSTREAM", upstream.url).replace("DISTGIT", distgit.url)
    (folder / "info/rdo.yml").write_text(text)
    return folder


def start(folder: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rdo", "-C", str(folder), "trunk", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ},
    )


def wait_for(condition: "list[Path]", seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not all(path.exists() for path in condition):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_loop_follows_and_ends_well_when_it_is_told_to(
    site: Path, upstream: GitRepository
) -> None:
    repos = site / "data/one-deb12/repos"
    with start(site, "run", "--loop", "1") as running:
        wait_for([repos / "current/repodata/repomd.xml"])
        head = upstream.commit("two")
        wait_for([repos / head[:2] / head[2:4]])
        running.send_signal(signal.SIGTERM)
        output, _ = running.communicate(timeout=300)

    assert running.returncode == 0, output
    assert "the next round begins in" in output
    with start(site, "verify") as verified:
        output, _ = verified.communicate(timeout=300)
    assert verified.returncode == 0, output
