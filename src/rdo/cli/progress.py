"""The live display below the log on a terminal: running builds, or the current act."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rdo.logs.reader import phase_of
from rdo.model.text.terminal_text import on_terminal
from rdo.trunk.progress import RoundProgress, Watcher, nobody_watches

if TYPE_CHECKING:
    from rich.text import Text


def spent(seconds: float) -> str:
    """Return a duration as text.

    >>> spent(9.4), spent(75), spent(3725)
    ('9 s', '1 min 15 s', '1 h 2 min')
    """
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class _Display(logging.Handler):
    """The newest state, redrawn several times a second so that its clocks run.

    As a log handler it keeps the newest log line, which names the phase while nothing is built.
    """

    def __init__(self, first: str) -> None:
        super().__init__(logging.INFO)
        self._begun = self._phase_begun = time.monotonic()
        self._since: dict[int, float] = {}
        self._phases: dict[int, tuple[int, str]] = {}
        self._progress = RoundProgress({}, 0, 0)
        self._phase = first

    def emit(self, record: logging.LogRecord) -> None:
        self._phase, self._phase_begun = record.getMessage(), time.monotonic()

    def watch(self, progress: RoundProgress) -> None:
        now = time.monotonic()
        self._since = {number: self._since.get(number, now) for number in progress.running}
        self._progress = progress

    def _phase_of(self, number: int) -> str:
        """Return the phase of a build; its log is read again only if it has grown."""
        file = self._progress.logs.get(number)
        if file is None:
            return ""
        try:
            size = file.stat().st_size
        except OSError:  # there is no log yet, or the build has just ended
            return ""
        if self._phases.get(number, (0, ""))[0] != size:
            self._phases[number] = (size, phase_of(file) or "preparing")
        return self._phases[number][1]

    def __rich__(self) -> Text:
        from rich.text import Text

        text, now, clock = Text(), self._progress, time.monotonic()
        whole = spent(clock - self._begun)
        if not now.running:
            phase = on_terminal(self._phase).partition("\n")[0][:100]
            text.append(f"{phase}: {spent(clock - self._phase_begun)}", "bold")
            return text.append(f", {whole} in all")
        total = now.ended + len(now.running) + now.queued
        text.append(f"{now.ended} of {total} done", "bold")
        text.append(f", {len(now.running)} running, {now.queued} queued, {whole}")
        for number, commit in now.running.items():
            text.append(f"\n  {on_terminal(str(commit))}  {spent(clock - self._since[number])}")
            text.append(f"  {self._phase_of(number)}")
        return text


@contextlib.contextmanager
def live(first: str = "beginning") -> Iterator[Watcher]:
    """Show a display on a terminal during a long act; elsewhere the log lines are enough.

    `first` is the first phase; after that, each line of the log names the phase.
    """
    if not sys.stderr.isatty():
        yield nobody_watches
        return
    from rich.console import Console
    from rich.live import Live

    display = _Display(first)
    console = Console(stderr=True)
    ours = logging.getLogger("rdo")
    ours.addHandler(display)
    try:
        with Live(display, console=console, transient=True, redirect_stdout=False):
            yield display.watch
    finally:
        ours.removeHandler(display)
