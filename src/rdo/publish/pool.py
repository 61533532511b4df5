"""The pool: each RPM of a tree once, in a folder named after the hash of the file."""

import errno
import os
import shutil
from pathlib import Path

from rdo import atomic
from rdo.model.artifact import Artifact

NAME = "pool"


def href(artifact: Artifact) -> str:
    """Return the path at which a repository finds the RPM, through its link `pool`.

    An href with `../` would break when the repository is reached by a name, and `dnf reposync`
    refuses it.
    """
    return f"{NAME}/{artifact.sha256}/{artifact.file_name}"


def place(pool: Path, artifact: Artifact) -> Path:
    """Return the path of the RPM in the pool."""
    return pool / artifact.sha256 / artifact.file_name


def add(pool: Path, rpm: Path, artifact: Artifact) -> Path:
    """Add the RPM to the pool, synced to the disk, and return its path there.

    It is a hard link if the file system allows it, so that it takes no space.
    """
    there = place(pool, artifact)
    there.parent.mkdir(parents=True, exist_ok=True)
    if not there.exists():
        link(rpm, there)
        there.chmod(0o644)
        atomic.sync(there, there.parent)
    return there


def link(file: Path, place: Path) -> None:
    """Hard-link `file` to `place`, or copy it if that is on another file system."""
    try:
        os.link(file, place, follow_symlinks=False)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EMLINK, errno.EPERM}:
            raise
        new = place.with_name(f".{place.name}.new")
        shutil.copyfile(file, new, follow_symlinks=False)
        new.replace(place)
