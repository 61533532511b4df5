"""A program that has to run as long as we do, and is restarted whenever it ends."""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rdo.run import Beside, start_beside

log = logging.getLogger(__name__)

# What was started ends cleanly when we are killed, as it would under systemd.
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")
_LOOK_SECONDS = 0.25
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0
_STEADY_SECONDS = 600.0
"""A program that ran for this long is restarted without delay."""


class Supervised:
    """A program that runs beside us during the block.

    If it ends, whatever the reason, an error is logged and it is restarted: after 5 s, and after
    twice as long each time that it does not run for 10 minutes, up to 5 minutes. At the end of the
    block it gets SIGTERM and `grace` seconds to end cleanly.
    """

    def __init__(
        self,
        name: str,
        *argv: str,
        grace: float = 110.0,
        first_pause: float = _FIRST_PAUSE,
        start: Callable[..., Beside] = start_beside,
    ) -> None:
        self.name = name
        self.starts = 0
        self.is_running = False
        self._argv = argv
        self._grace = grace
        self._first_pause = first_pause
        self._start = start
        self._is_over = threading.Event()
        # the kernel signals a child when the thread that started it ends, so this thread stays
        self._thread = threading.Thread(target=self._supervise, name=name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._thread.join()

    def stop(self) -> None:
        """Let the program end cleanly, and do not restart it; returns at once."""
        self._is_over.set()

    def _supervise(self) -> None:
        pause = self._first_pause
        while not self._is_over.is_set():
            begun = time.monotonic()
            try:
                status = self._run()
            except Exception:
                log.exception("%s cannot be started", self.name)
                status = None
            if self._is_over.is_set():
                return
            if time.monotonic() - begun > _STEADY_SECONDS:
                pause = self._first_pause
            log.error("%s: %s; starting again in %.0f s", self.name, _ended(status), pause)
            self._is_over.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _run(self) -> int:
        beside = self._start(*_ENDS_WITH_US, *self._argv)
        self.starts += 1
        self.is_running = True
        try:
            while (status := beside.wait(_LOOK_SECONDS)) is None:
                if self._is_over.is_set():
                    return beside.end(self._grace)
        finally:
            self.is_running = False
        return status


def _ended(status: int | None) -> str:
    if status is None:
        return "not started"
    return f"killed by signal {-status}" if status < 0 else f"ended with exit code {status}"
