"""Wake another process on this machine that waits for news, through a FIFO."""

import contextlib
import errno
import os
import select
import stat
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rdo.errors import RefusedError

_NOBODY = {errno.ENXIO, errno.ENOENT, errno.EAGAIN}
"""No process waits, none ever has, or so many signals are unread that one more changes nothing."""


def ring(path: Path) -> None:
    """Wake the process that waits on this FIFO, if any; the news must be in the store by then."""
    try:
        opened = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno in _NOBODY:
            return
        raise
    try:
        if stat.S_ISFIFO(os.fstat(opened).st_mode):
            os.write(opened, b"\0")
    except OSError as error:
        if error.errno not in {errno.EAGAIN, errno.EPIPE}:
            raise
    finally:
        os.close(opened)


class Bell:
    """Waits on several FIFOs at once. A signal between two waits is noticed by the next wait."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._opened: dict[int, Path] = {}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            for path in self._paths:
                opened = _open(path)
                stack.callback(os.close, opened)
                self._opened[opened] = path
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def wait(self, seconds: float) -> set[Path]:
        """Wait for a signal, or until the time is over; return the FIFOs that were signalled."""
        heard, _, _ = select.select(list(self._opened), [], [], max(seconds, 0.0))
        for opened in heard:
            with contextlib.suppress(BlockingIOError):  # another process waits there too
                os.read(opened, 65536)
        return {self._opened[opened] for opened in heard}


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path, 0o660)
    opened = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW)  # it never reaches its end
    if not stat.S_ISFIFO(os.fstat(opened).st_mode):
        os.close(opened)
        raise RefusedError(f"{path} is not a FIFO", hint="move it away")
    return opened
