"""The disk usage of folders."""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

_FULL_BYTES = 1_000_000


def allocated_bytes(folder: Path) -> int:
    """Return the disk usage of the files below a folder; hard links are counted once."""
    found = {(one.st_dev, one.st_ino): one.st_blocks * 512 for one in _files(folder)}
    return sum(found.values())


def freed_bytes(places: Iterable[Path]) -> int:
    """Return how much space removing these would free; a file with another name elsewhere stays."""
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
    """Yield a folder and the files and folders below it; what vanishes meanwhile is skipped."""
    with contextlib.suppress(FileNotFoundError):
        yield folder.lstat()
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with contextlib.suppress(OSError):  # it is being removed
                yield os.lstat(f"{parent}/{name}")


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder has practically no space left."""
    return shutil.disk_usage(folder).free < _FULL_BYTES
