"""`rdo trunk run` with `detached = true`: the command outlives it and runs once."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.e2e.command import rdo
from tests.e2e.trunk.test_trunk_cli import METADATA
from tests.patience import until
from tests.rpms import make_rpms

CONFIG = """\
data = "data"
[metadata]
source = "info"
[targets.one-deb12]
release = "master"
platform = "deb12-x86_64"
builder = "command"
command = ["sh", "FOLDER/build", "{resultdir}"]
detached = true
"""
BUILD = """\
echo $$ >> runs
while [ ! -e gate ]; do sleep 0.05; done
cp shelf/*.rpm "$1"
"""


@pytest.fixture
def site(tmp_path: Path, upstream: GitRepository, distgit: GitRepository) -> Path:
    """A folder whose only package is copied from a shelf, once there is a file `gate`."""
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    folder = tmp_path / "site"
    upstream.commit("one")
    distgit.commit("spec", {"python-foo.spec": "Name: python-foo\n"})
    (folder / "info").mkdir(parents=True)
    make_rpms(folder / "shelf", "python-foo")
    (folder / "build").write_text(f"cd {folder}\n{BUILD}")
    (folder / "rdo.toml").write_text(CONFIG.replace("FOLDER", str(folder)))
    text = METADATA.replace("UPSTREAM", upstream.url).replace("DISTGIT", distgit.url)
    (folder / "info/rdo.yml").write_text(text)
    return folder


def end_round(site: Path, number: signal.Signals) -> None:
    """Do a round and send its process group a signal while the command runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rdo", "trunk", "run"],
        cwd=site,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until((site / "runs").exists)
    until(lambda: running(site) == ["python-foo"])
    os.killpg(process.pid, number)
    process.wait(60)


def running(site: Path) -> list[str]:
    (target,) = rdo("trunk", "status", "--json", cwd=site).json
    return [row["package"] for row in target["packages"] if row["condition"] == "running"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_command_outlives_its_round_and_is_published_by_the_next(
    site: Path, number: signal.Signals
) -> None:
    end_round(site, number)
    assert running(site) == ["python-foo"]
    (site / "gate").touch()

    done = rdo("trunk", "run", cwd=site)

    assert done.code == 0, done.stderr
    assert len((site / "runs").read_text().split()) == 1
    assert (site / "data/one-deb12/repos/consistent/repodata").is_dir()
    assert running(site) == []


def test_a_command_that_died_with_its_round_is_run_again(site: Path) -> None:
    end_round(site, signal.SIGKILL)
    [client] = (site / "runs").read_text().split()
    parent = Path(f"/proc/{client}/stat").read_text().rpartition(")")[2].split()[1]
    os.kill(int(parent), signal.SIGKILL)
    (site / "gate").touch()

    done = rdo("trunk", "run", cwd=site)

    assert done.code == 0, done.stderr
    assert len((site / "runs").read_text().split()) == 2
