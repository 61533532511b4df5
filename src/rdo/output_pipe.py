"""Read the output of a program through our own pipes, within limits.

A program that has its log open could enlarge it without writing, or empty it. Through a pipe it can
only write.
"""

import contextlib
import os
import selectors
import threading
import time
from collections.abc import Iterator, Mapping
from io import RawIOBase
from typing import IO

_CHUNK = 1 << 16
_POLL_SECONDS = 0.1


class TooMuchOutputError(Exception):
    """A program printed more than its caller accepts."""


def exchange(
    stdin: IO[bytes],
    text: bytes,
    outputs: Mapping[str, IO[bytes]],
    *,
    limit: int,
    timeout: float | None,
) -> dict[str, bytes]:
    """Write `text` to a program and return everything it prints, by the names of its outputs.

    Closes `stdin`. Raises TooMuchOutputError above `limit` bytes, and TimeoutError.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    found = {name: bytearray() for name in outputs}
    left = memoryview(text)
    with selectors.DefaultSelector() as ready:
        for name, output in outputs.items():
            ready.register(output, selectors.EVENT_READ, name)
        if left:
            os.set_blocking(stdin.fileno(), False)
            ready.register(stdin, selectors.EVENT_WRITE)
        else:
            _close(stdin)
        while ready.get_map():
            for key, _ in ready.select(_left(deadline)):
                if key.fileobj is stdin:
                    left = left[_write(key.fd, left) :]
                    if not left:
                        ready.unregister(stdin)
                        _close(stdin)
                elif chunk := os.read(key.fd, _CHUNK):
                    found[key.data] += chunk
                else:
                    ready.unregister(key.fileobj)
            if sum(map(len, found.values())) > limit:
                raise TooMuchOutputError
    return {name: bytes(content) for name, content in found.items()}


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _write(number: int, text: memoryview) -> int:
    """Return how much of the text was accepted; a program that no longer reads accepts all."""
    try:
        return os.write(number, text[:_CHUNK])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(text)


def _close(stdin: IO[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the program has ended without reading
        stdin.close()


class LogPipe:
    """Copies the output of a program to its log, up to a number of bytes.

    Further output is read and discarded, so that the program can still end cleanly. `error` is why
    the log could not be written.
    """

    def __init__(self, log: RawIOBase, limit: int | None, reader: int, writer: int) -> None:
        self.writer = writer
        """The writing end, which the program gets as its output."""
        self.is_exceeded = False
        self.error: OSError | None = None
        self._log = log
        self._limit = limit
        self._reader = reader
        self._written = 0
        self._is_over = threading.Event()

    @contextlib.contextmanager
    def copying(self) -> Iterator[None]:
        """Copy while the block runs, and then the rest; the program must already run."""
        self.close_writer()
        thread = threading.Thread(target=self._copy, name="log")
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()

    def close_writer(self) -> None:
        """Close our copy of the end that the program writes to."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def _copy(self) -> None:
        """Read to the end; a program that outlives the one we started is not waited for."""
        with selectors.DefaultSelector() as ready:
            ready.register(self._reader, selectors.EVENT_READ)
            while True:
                was_over = self._is_over.is_set()
                if ready.select(0 if was_over else _POLL_SECONDS):
                    chunk = os.read(self._reader, _CHUNK)
                    if not chunk:
                        return
                    self._keep(chunk)
                    if was_over and self.is_exceeded:
                        return  # it might print forever
                elif was_over:
                    return

    def _keep(self, chunk: bytes) -> None:
        room = len(chunk) if self._limit is None else self._limit - self._written
        self.is_exceeded = self.is_exceeded or len(chunk) > room
        if self.error or room <= 0:
            return
        left = memoryview(chunk)[:room]
        try:
            while left:
                left = left[self._log.write(left) or 0 :]
        except OSError as error:
            self.error = error
        self._written += min(len(chunk), room)


@contextlib.contextmanager
def log_pipe(log: RawIOBase, limit: int | None) -> Iterator[LogPipe]:
    """Open a pipe whose content goes to `log`, at most `limit` bytes of it."""
    reader, writer = os.pipe()
    pipe = LogPipe(log, limit, reader, writer)
    try:
        yield pipe
    finally:
        pipe.close_writer()
        os.close(reader)
