"""How much of a disk a folder takes."""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

_FULL_BYTES = 1_000_000


def allocated_bytes(folder: Path) -> int:
    """What the files below a folder take of the disk, each once."""
    found = {(one.st_dev, one.st_ino): one.st_blocks * 512 for one in _files(folder)}
    return sum(found.values())


def freed_bytes(places: Iterable[Path]) -> int:
    """What the disk would win if these were removed: a file with a name elsewhere stays."""
    seen: dict[tuple[int, int], int] = {}
    found: dict[tuple[int, int], os.stat_result] = {}
    for place in places:
        for one in _files(place):
            key = one.st_dev, one.st_ino
            seen[key] = seen.get(key, 0) + 1
            found[key] = one
    return sum(
        one.st_blocks * 512
        for key, one in found.items()
        if seen[key] >= one.st_nlink or stat.S_ISDIR(one.st_mode)
    )


def _files(folder: Path) -> Iterator[os.stat_result]:
    """The files and folders below a folder, and itself; what vanishes meanwhile is left out."""
    with contextlib.suppress(FileNotFoundError):
        yield folder.lstat()
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with contextlib.suppress(OSError):  # it is just being removed
                yield os.lstat(f"{parent}/{name}")


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder has no space worth the name any more."""
    return shutil.disk_usage(folder).free < _FULL_BYTES
