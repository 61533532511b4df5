"""Take RPMs and logs out of the place where a build ran, into the build's own folder."""

import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from rdo.log_tail import close_holes

_MOST_LEVELS = 16
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^-]*\.(rpm|log)")


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and its subfolders, at most as deep as build systems put results.

    No link is followed.
    """
    level = [folder]
    for _ in range(_MOST_LEVELS):
        found = [path for one in level for path in _entries(one)]
        level = [path for path in found if stat.S_ISDIR(path.lstat().st_mode)]
        yield from (path for path in found if not stat.S_ISDIR(path.lstat().st_mode))


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # it does not exist, or we may not read it
        return []


def move_files(found: Iterable[Path], folder: Path) -> list[Path]:
    """Move the RPMs and logs of a build to `folder`, and return the new paths, each once.

    The build is not trusted: only regular files with plain names are taken, and only the written
    part of a sparse log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    moved: dict[Path, None] = {}
    for path in sorted(found):
        if not (_PLAIN.fullmatch(path.name) and stat.S_ISREG(path.lstat().st_mode)):
            continue
        place = folder / path.name
        shutil.move(path, place)
        place.chmod(0o644)
        if os.geteuid() == 0:  # it may belong to the build's user
            shutil.chown(place, 0, 0)
        if place.suffix == ".log":
            close_holes(place)
        moved[place] = None
    return list(moved)
