"""The builds that are running, shown below the log lines of a terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rdo.model.terminal_text import on_terminal
from rdo.trunk.progress import RoundProgress, Watcher, nobody_watches

if TYPE_CHECKING:
    from rich.text import Text


class _Display:
    """The newest state, drawn again several times a second for the clocks in it."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}
        self._progress = RoundProgress({}, 0, 0)

    def watch(self, progress: RoundProgress) -> None:
        now = time.monotonic()
        self._since = {number: self._since.get(number, now) for number in progress.running}
        self._progress = progress

    def __rich__(self) -> Text:
        from rich.text import Text

        text, now = Text(), self._progress
        if not now.running:
            return text
        text.append(f"building {len(now.running)}, {now.queued} queued, {now.ended} done", "bold")
        for number, commit in now.running.items():
            seconds = time.monotonic() - self._since[number]
            text.append(f"\n  {on_terminal(str(commit))}  {seconds:.0f} s")
        return text


@contextlib.contextmanager
def live() -> Iterator[Watcher]:
    """Show a display on a terminal; elsewhere the log lines are enough."""
    if not sys.stderr.isatty():
        yield nobody_watches
        return
    from rich.console import Console
    from rich.live import Live

    display = _Display()
    console = Console(stderr=True)
    with Live(display, console=console, transient=True, redirect_stdout=False):
        yield display.watch
