"""Cancelling work, including the programs that a worker thread waits for.

A worker registers once what cancels it; each program that it runs then ends within a moment of
that, however long it would have taken. Otherwise Ctrl-C would have to wait for a download.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar

current: ContextVar[Callable[[], bool]] = ContextVar("is_cancelled", default=bool)
"""Called while a program runs; `bool` itself, which returns False, if nothing can cancel it."""


@contextlib.contextmanager
def cancelled_by(is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let `is_cancelled` end what this thread runs in the block.

    `run` then raises CancelledError.
    """
    token = current.set(is_cancelled)
    try:
        yield
    finally:
        current.reset(token)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay SIGINT and SIGTERM until the end of the block, so that its work is completed.

    For short operations. Outside the main thread, where no signal arrives, it does nothing.
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
