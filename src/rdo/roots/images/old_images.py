"""Remove images that nobody uses any more.

The time of an image's file `in-use` is when it was last used. A running lab holds a shared lock on
that file.
"""

import contextlib
import fcntl
import logging
import time
from collections.abc import Iterator
from pathlib import Path

from rdo.tools.walls.removal import remove_tree

log = logging.getLogger(__name__)

IN_USE = "in-use"
KEPT_DAYS = 14


def mark_used(image: Path) -> None:
    """Record that the image in a folder is used now."""
    (image / IN_USE).touch()


def remove_old(folder: Path, pattern: str, *, now: float | None = None) -> list[str]:
    """Remove images in `folder` that no lab uses and that were unused for `KEPT_DAYS`.

    The caller holds the lock under which they are made. Returns their names. An image of an older
    version has no file `in-use` and gets one here.
    """
    until = (time.time() if now is None else now) - KEPT_DAYS * 86400
    removed = []
    for image in sorted(folder.glob(pattern)):
        with (image / IN_USE).open("a") as file:
            if (image / IN_USE).stat().st_mtime > until or not _is_free(file.fileno()):
                continue
            old = image.with_name(f".{image.name}.old")
            image.rename(old)
            remove_tree(old)
            removed.append(image.name)
    if removed:
        log.info("removed images that were not used for %d days: %s", KEPT_DAYS, " ".join(removed))
    return removed


def is_unused(image: Path, until: float) -> bool:
    """Whether no lab uses an image now, and it was last used before `until` (a time()).

    An image of an older version has no file `in-use`; it counts as used when it was made.
    """
    mark = image / IN_USE
    if not mark.exists():
        return image.stat().st_mtime <= until
    with mark.open() as file:
        return mark.stat().st_mtime <= until and _is_free(file.fileno())


@contextlib.contextmanager
def alone(mark: Path) -> Iterator[None]:
    """Keep labs from using the image with the file `in-use` inside the block.

    Raises BlockingIOError if one does.
    """
    with mark.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _is_free(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
