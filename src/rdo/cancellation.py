"""When work may be ended, and how the programs that a worker thread waits for are ended too.

A worker says once by what it is cancelled; each program that it runs then ends within a moment
of that, however long it would have taken. Without this a Ctrl-C would wait for a download.
"""

import contextlib
import signal
import threading
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


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let SIGINT and SIGTERM wait until the end of the block: what is begun there is finished.

    For short acts; outside the main thread, where no signal arrives, nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: heard.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if heard:
        signal.raise_signal(heard[0])
