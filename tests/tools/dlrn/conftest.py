"""DLRN 0.26.1 in a virtual environment of its own, and instances that it makes."""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.publishing import RpmShelf
from tests.tools.dlrn import plans

REPOSITORY = Path(__file__).parents[3]
REQUIREMENTS = REPOSITORY / "tests/data/dlrn/requirements.txt"
PROGRAM = Path(__file__).with_name("instance.py")


@pytest.fixture(scope="session")
def dlrn_python() -> Path:
    """The Python of a virtual environment with DLRN, which is made once for its requirements."""
    name = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = REPOSITORY / ".cache" / f"dlrn-{name}"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "dlrn.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            pip = [f"{folder}/bin/pip", "install", "--quiet", "-r", str(REQUIREMENTS)]
            subprocess.run(pip, check=True, capture_output=True, timeout=600)
            (folder / "ready").touch()
    return folder / "bin/python"


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> RpmShelf:
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    return RpmShelf(tmp_path_factory.mktemp("shelf"))


@dataclass(frozen=True)
class Instance:
    """A DLRN instance: its folder, and each request with the answer that its API gave."""

    folder: Path
    changes: list[dict[str, Any]]
    reads: list[dict[str, Any]]
    server: str = ""

    @property
    def database(self) -> str:
        return self.server or f"sqlite:///{self.folder}/commits.sqlite"

    @property
    def tree(self) -> Path:
        return self.folder / "repos"


def make_instance(python: Path, folder: Path, plan: plans.Plan, *, server: str = "") -> Instance:
    """Have DLRN make an instance; `server` is the URL of its database, if it is not a file."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    file = folder.with_suffix(".json")
    file.write_text(json.dumps({"folder": str(folder), "database": server, **plan}))
    done = subprocess.run(
        [python, PROGRAM, file], check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers = json.loads((folder / "answers.json").read_text())
    return Instance(folder, **answers, server=server)


@pytest.fixture(scope="session")
def plain(dlrn_python: Path, shelf: RpmShelf, tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """An instance without components. Tests only read it."""
    folder = tmp_path_factory.mktemp("plain") / "dlrn"
    return make_instance(dlrn_python, folder, plans.plain(shelf, folder.parent / "rpms"))


@pytest.fixture(scope="session")
def parted(
    dlrn_python: Path, shelf: RpmShelf, tmp_path_factory: pytest.TempPathFactory
) -> Instance:
    """An instance with components. Tests only read it."""
    folder = tmp_path_factory.mktemp("parted") / "dlrn"
    return make_instance(dlrn_python, folder, plans.parted(shelf, folder.parent / "rpms"))
