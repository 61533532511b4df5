"""Locks between processes, which end with the process and name their holder."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from rdo.errors import RefusedError


@contextlib.contextmanager
def hold(path: Path, *, purpose: str, wait: bool = False) -> Iterator[None]:
    """Hold the lock `path` inside the block.

    With `wait` it waits in line, otherwise it raises RefusedError that names the holder. The kernel
    frees the lock of a dead process; the file stays, and its text is only for people.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if wait:
            fcntl.flock(file, fcntl.LOCK_EX)
        elif not _try(file):
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise RefusedError(
                f"{path.parent.name} is busy: {holder}", hint="try again when it has finished"
            )
        file.truncate(0)
        file.write(f"{purpose}, process {os.getpid()}, since {datetime.now(UTC):%F %T} UTC\n")
        file.flush()
        yield
        file.truncate(0)


def is_held(path: Path) -> bool:
    """Whether any process holds the lock `path` now; takes nothing, and needs no write access.

    >>> is_held(Path("no/such/lock"))
    False
    """
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _try(file: IO[str]) -> bool:
    """Take the lock at once or within moments, and return whether that worked.

    If the holder was killed while starting a program, the new process still has the lock for some
    milliseconds, until the program is executed.
    """
    for pause in (0.0, 0.02, 0.05, 0.1, 0.2):
        time.sleep(pause)
        with contextlib.suppress(BlockingIOError):  # the loop continues
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False
