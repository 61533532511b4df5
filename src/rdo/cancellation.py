"""Ending, from another thread, the programs that a worker thread waits for.

A worker says once by what it is cancelled; each program that it runs then ends within a moment
of that, however long it would have taken. Without this a Ctrl-C would wait for a download.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

current: ContextVar[Callable[[], bool]] = ContextVar("is_cancelled", default=bool)
"""Asked while a program runs; `bool` itself, which says no, where nobody may cancel."""


@contextlib.contextmanager
def cancelled_by(is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let `is_cancelled` end what this thread runs in the block; `run` raises CancelledError."""
    token = current.set(is_cancelled)
    try:
        yield
    finally:
        current.reset(token)
