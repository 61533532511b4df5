"""The disk usage of folders."""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

_FULL_BYTES = 1_000_000
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def allocated_bytes(folder: Path) -> int:
    """Return the disk usage of the files in a folder; hard links are counted once."""
    found = {(one.st_dev, one.st_ino): one.st_blocks * 512 for one in _files(folder)}
    return sum(found.values())


def freed_bytes(places: Iterable[Path]) -> int:
    """Return how much space removing these would free; a file with another link elsewhere stays."""
    return sum(
        one.st_blocks * 512
        for one, names in _names(places)
        if names >= one.st_nlink or stat.S_ISDIR(one.st_mode)
    )


def count_shared(places: Iterable[Path]) -> int:
    """Return how many files in these places, none inside another, have another link elsewhere."""
    return sum(
        names < one.st_nlink for one, names in _names(places) if not stat.S_ISDIR(one.st_mode)
    )


def _names(places: Iterable[Path]) -> Iterable[tuple[os.stat_result, int]]:
    """Return each file and folder in these places once, with the number of its links there."""
    seen: dict[tuple[int, int], int] = {}
    found: dict[tuple[int, int], os.stat_result] = {}
    for place in places:
        for one in _files(place):
            key = one.st_dev, one.st_ino
            seen[key] = seen.get(key, 0) + 1
            found[key] = one
    return [(one, seen[key]) for key, one in found.items()]


def _files(folder: Path) -> Iterator[os.stat_result]:
    """Yield a folder and everything in it; what vanishes meanwhile is skipped."""
    with contextlib.suppress(FileNotFoundError):
        yield folder.lstat()
    with contextlib.suppress(OSError):
        yield from _below(os.open(folder, _FOLDER))


def _below(here: int) -> Iterator[os.stat_result]:
    """Yield the entries below an open folder, at any depth; closes the folder.

    Only one folder is open at a time, and no path is longer than a name.
    """
    above: list[tuple[tuple[int, int], list[str]]] = []
    try:
        while True:
            folders = []
            for name in os.listdir(here):
                with contextlib.suppress(OSError):  # it is being removed
                    one = os.stat(name, dir_fd=here, follow_symlinks=False)
                    yield one
                    if stat.S_ISDIR(one.st_mode):
                        folders.append(name)
            above.append((_identity(here), folders))
            while not (below := _next(above[-1][1], here)):
                above.pop()
                if not above:
                    return
                here = _changed(here, os.open("..", _FOLDER, dir_fd=here))
                if _identity(here) != above[-1][0]:  # it was moved meanwhile
                    return
            here = _changed(here, below)
    finally:
        os.close(here)


def _next(folders: list[str], here: int) -> int | None:
    """Open the next folder that can be opened, and remove it from the list."""
    while folders:
        with contextlib.suppress(OSError):
            return os.open(folders.pop(), _FOLDER | os.O_NOFOLLOW, dir_fd=here)
    return None


def _changed(old: int, new: int) -> int:
    os.close(old)
    return new


def _identity(folder: int) -> tuple[int, int]:
    found = os.fstat(folder)
    return found.st_dev, found.st_ino


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder has practically no space left."""
    return shutil.disk_usage(folder).free < _FULL_BYTES
