"""A target as pages read it: shared by requests, and read again when it is too old."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from rdo.app import App
from rdo.errors import UserError
from rdo.pages.charts import Chart
from rdo.trunk.context import Trunk, open_trunk
from rdo.trunk.views.dashboard.numbers import all_charts
from rdo.trunk.views.dashboard.overview import with_forecast
from rdo.trunk.views.dashboard.subjects import Subjects
from rdo.trunk.views.gathered import Gathered, gather
from rdo.trunk.views.package_page import Needs
from rdo.trunk.views.state import read_target

log = logging.getLogger(__name__)

_METADATA_SECONDS = 60.0
_STATE_SECONDS = 2.0
_NEEDS_SECONDS = 300.0
_CHART_SECONDS = 60.0
CHART_DAYS = (30, 90, 365)
"""The time spans that charts can show."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Read(Generic[Value]):
    value: Value
    at: float


class Shared(Generic[Value]):
    """A value that is read again once it is older than `seconds`.

    One request reads it; others meanwhile get the previous value. With `stays`, a value that cannot
    be read again stays as it was, and the error is logged; otherwise the caller gets the error.
    """

    def __init__(self, read: Callable[[], Value], seconds: float, *, stays: bool = False) -> None:
        self._stays = stays
        self._ask = read
        self._seconds = seconds
        self._reading = threading.Lock()
        self._last: _Read[Value] | None = None

    def get(self) -> Value:
        """Return the value; only the first time, wait for it."""
        last = self._last
        if last and time.monotonic() - last.at < self._seconds:
            return last.value
        if not self._reading.acquire(blocking=last is None):
            assert last
            return last.value
        try:
            return self._renewed()
        finally:
            self._reading.release()

    def forget(self) -> None:
        """Make the next request read the value again."""
        self._last = None

    def _renewed(self) -> Value:
        last = self._last
        if last and time.monotonic() - last.at < self._seconds:
            return last.value  # another request was faster
        try:
            value = self._ask()
        except UserError as error:
            if last is None or not self._stays:
                raise
            log.warning("what is shown may be old: %s", error)
            value = last.value
        self._last = _Read(value, time.monotonic())
        return value


class Watched:
    """A target that pages are made from."""

    def __init__(self, app: App, name: str) -> None:
        self.name = name
        self.subjects = Subjects()
        self._trunk = Shared(
            lambda: open_trunk(app.for_request(), name), _METADATA_SECONDS, stays=True
        )
        self._gathered = Shared(self._gather, _STATE_SECONDS)
        self._needs = Shared(lambda: Needs.of(self.trunk), _NEEDS_SECONDS)
        self._charts = {days: Shared(self._ask_charts(days), _CHART_SECONDS) for days in CHART_DAYS}

    @property
    def trunk(self) -> Trunk:
        """The target, with metadata that is at most a minute old."""
        return self._trunk.get()

    @property
    def gathered(self) -> Gathered:
        """The state of the target, at most a moment old."""
        return self._gathered.get()

    def forget(self) -> None:
        """Make the next request read the state again, because somebody has changed it."""
        self._gathered.forget()

    @property
    def needs(self) -> Needs:
        """Which package requires which."""
        return self._needs.get()

    def charts(self, days: int) -> tuple[Chart, ...]:
        """Return the statistics of the last days, one of `CHART_DAYS`, at most a minute old."""
        return self._charts[days].get()

    def _ask_charts(self, days: int) -> Callable[[], tuple[Chart, ...]]:
        return lambda: all_charts(self.trunk, days)

    def _gather(self) -> Gathered:
        trunk = self.trunk
        return with_forecast(trunk, gather(trunk, read_target(trunk, in_round=trunk.in_round)))
