"""What runs now, below the log lines of a terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rdo.trunk.building import Watcher, nobody_watches

if TYPE_CHECKING:
    from rich.text import Text

    from rdo.store.builds import Build
    from rdo.trunk.views.report import Ended


class _Display:
    """The newest state, drawn again several times a second for the clocks in it."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}
        self._running: Sequence[Build] = ()
        self._queued = self._done = 0

    def watch(self, running: Sequence[Build], queued: int, ended: Sequence[Ended]) -> None:
        now = time.monotonic()
        self._since = {build.id: self._since.get(build.id, now) for build in running}
        self._running, self._queued, self._done = list(running), queued, len(ended)

    def __rich__(self) -> Text:
        from rich.text import Text

        text = Text()
        if not self._running:
            return text
        text.append(
            f"{len(self._running)} running, {self._queued} to come, {self._done} done", "bold"
        )
        for build in self._running:
            seconds = time.monotonic() - self._since[build.id]
            text.append(f"\n  {build.commit}  {seconds:.0f} s")
        return text


@contextlib.contextmanager
def live() -> Iterator[Watcher]:
    """A display on a terminal; elsewhere the log lines say everything."""
    if not sys.stderr.isatty():
        yield nobody_watches
        return
    from rich.console import Console
    from rich.live import Live

    display = _Display()
    console = Console(stderr=True)
    with Live(display, console=console, transient=True, redirect_stdout=False):
        yield display.watch
