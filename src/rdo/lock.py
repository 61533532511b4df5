"""Locks between processes, that end with the process and name their holder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from rdo.errors import RefusedError


@contextlib.contextmanager
def hold(path: Path, *, purpose: str, wait: bool = False) -> Iterator[None]:
    """Own the lock `path` inside the block.

    With `wait` one stands in line, else a second asker is refused and told who holds it. The
    kernel frees the lock of a dead process; the file stays, its text is only for people.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise RefusedError(
                f"{path.parent.name} is busy: {holder}", hint="try again when it has ended"
            ) from error
        file.truncate(0)
        file.write(f"{purpose}, process {os.getpid()}, since {datetime.now(UTC):%F %T} UTC\n")
        file.flush()
        yield
        file.truncate(0)
