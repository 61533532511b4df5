"""How much of a disk a folder takes."""

import contextlib
import os
from pathlib import Path


def allocated_bytes(folder: Path) -> int:
    """What the files below a folder take of the disk, each once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with contextlib.suppress(OSError):  # it is just being removed
                found = os.lstat(f"{parent}/{name}")
                if (found.st_dev, found.st_ino) not in seen:
                    seen.add((found.st_dev, found.st_ino))
                    total += found.st_blocks * 512
    return total
