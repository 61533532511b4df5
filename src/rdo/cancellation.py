"""Cancel work, including the programs that a worker thread waits for.

A worker registers once what cancels it; after that, each program that it runs ends within a moment
of a cancel, however long it would have taken. Without this, Ctrl-C would have to wait for a
download.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import ContextVar, copy_context
from typing import TypeVar

AT_ONCE = min(4, os.cpu_count() or 1)
"""How many programs that each use a whole processor run at the same time."""

_LOOK_SECONDS = 0.25
_MOST_SECONDS = 10**7  # the kernel refuses infinity
AskedT = TypeVar("AskedT")
AnswerT = TypeVar("AnswerT")

current: ContextVar[Callable[[], bool]] = ContextVar("is_cancelled", default=bool)
"""Called while a program runs; `bool` itself, which returns False, if nothing can cancel it."""


@contextlib.contextmanager
def cancelled_by(is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let `is_cancelled` end programs that this thread runs in the block.

    `run` then raises CancelledError.
    """
    token = current.set(is_cancelled)
    try:
        yield
    finally:
        current.reset(token)


def in_threads(
    function: Callable[[AskedT], AnswerT], items: Iterable[AskedT], *, at_once: int, name: str
) -> list[AnswerT]:
    """Call `function` with each item, several at the same time, and return the results.

    All calls are finished before the error of one is raised. If this thread is interrupted or
    cancelled, the programs that they wait for end at once.
    """
    is_stopped = threading.Event()
    is_cancelled = current.get()

    def call(item: AskedT) -> AnswerT:
        with cancelled_by(lambda: is_stopped.is_set() or is_cancelled()):
            return function(item)

    with ThreadPoolExecutor(at_once, thread_name_prefix=name) as pool:
        try:
            begun = [pool.submit(copy_context().run, call, item) for item in items]
            while wait(begun, _LOOK_SECONDS).not_done:
                pass  # a signal that another thread received is noticed only between two waits
        except BaseException:
            is_stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [one.result() for one in begun]


class TimeIsUpError(KeyboardInterrupt):
    """Raised by `time_limit`; whatever shuts down cleanly on Ctrl-C does so on this error too."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeIsUpError in the block as soon as `seconds` have passed.

    For the main thread of a command, one block at a time.
    """

    def end(_number: int, _frame: object) -> None:
        raise TimeIsUpError

    before = signal.signal(signal.SIGALRM, end)
    try:
        signal.setitimer(signal.ITIMER_REAL, min(max(seconds, 0.001), _MOST_SECONDS))
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def heed_lost_signals() -> None:
    """Repeat a signal whose exception Python ignored, so that Ctrl-C and SIGTERM always end us.

    Python ignores exceptions in destructors and in callbacks of weak references, and so also those
    that the handler of a signal raises there (`sys.unraisablehook`). For the start of a program.
    """
    sys.unraisablehook = _repeat_signal


def _repeat_signal(ignored: "sys.UnraisableHookArgs") -> None:
    if issubclass(ignored.exc_type, TimeIsUpError):
        number = signal.SIGALRM
    elif issubclass(ignored.exc_type, KeyboardInterrupt):
        is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        number = signal.SIGINT if is_heard else signal.SIGTERM
    else:
        sys.__unraisablehook__(ignored)
        return
    again = threading.Timer(_LOOK_SECONDS, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay SIGINT and SIGTERM until the end of the block, so that its work is completed.

    For short operations. Outside the main thread, which alone receives signals, programs in the
    block are not ended when the thread is cancelled.
    """
    if threading.current_thread() is not threading.main_thread():
        with cancelled_by(bool):
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
