"""Programs of Debian packages that are unpacked for the tests, and never installed.

Some exclude what rdo needs, others would start a server at their installation.
`packaging/apt-unpacked.txt` lists them.
"""

import os
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
CACHE = REPOSITORY / ".cache/unpacked"
_LIST = REPOSITORY / "packaging/apt-unpacked.txt"


class NotFetchedError(Exception):
    """A package cannot be fetched here; the text says why."""


def unpacked(name: str) -> Path:
    """Return the folder with a listed package and those of its dependencies that are not installed.

    It is fetched once, and kept. Raises NotFetchedError.
    """
    listed = [line.split("#")[0].strip() for line in _LIST.read_text().splitlines()]
    assert name in listed, f"{_LIST} does not list {name}"
    folder = CACHE / name
    if not folder.exists():
        _fetch(name, folder)
    return folder


def libraries(folder: Path) -> str:
    """Return the value of `LD_LIBRARY_PATH` for programs of an unpacked package."""
    return str(next(folder.glob("usr/lib/*-linux-gnu*"), folder))


def _fetch(name: str, folder: Path) -> None:
    if not shutil.which("apt-get"):
        raise NotFetchedError(f"{name} is not installed, and there is no apt-get to fetch it")
    new = folder.with_name(f"{name}.{os.getpid()}")
    archives = new / "archives"
    (archives / "partial").mkdir(parents=True)
    command = [
        *("apt-get", "install", "--download-only", "--yes", "--no-install-recommends"),
        *("-o", "Debug::NoLocking=1", "-o", f"Dir::Cache::archives={archives}"),
        *("-o", "APT::Sandbox::User="),
        name,
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            raise NotFetchedError(f"{name} cannot be fetched: {done.stderr.strip()}")
        for archive in archives.glob("*.deb"):
            subprocess.run(["dpkg", "--extract", archive, new], check=True)
        shutil.rmtree(archives)
        if not folder.exists():
            new.rename(folder)
    except subprocess.TimeoutExpired as error:
        raise NotFetchedError(f"{name} cannot be fetched: apt-get does not end") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
