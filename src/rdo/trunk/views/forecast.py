"""Estimate when the builds in the queue will start and end, from the times of the last ones.

Values in, values out: the queue is simulated with the target's workers.
"""

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from rdo.trunk.order.retry import rests_until
from rdo.trunk.views.state import PackageState, PackageView, TargetView

_AT_LEAST = timedelta(seconds=5)
"""How much longer a build is expected to take if it has exceeded the last one's time."""
_STOPPED = frozenset({PackageState.HELD, PackageState.PAUSED, PackageState.FAULTY})


@dataclass(frozen=True, slots=True)
class ExpectedTimes:
    """The expected start of a build (or its actual one), and its expected end."""

    begins: datetime
    ends: datetime


def forecast(view: TargetView, workers: int, now: datetime) -> dict[int, ExpectedTimes]:
    """Return the expected times of the open builds, by number, if a round continues from now.

    Builds that cannot be estimated are left out: held or paused ones, those that wait for something
    outside the queue, and all queued builds if no package has ever been built.
    """
    usual = {name: took for name, one in view.packages.items() if (took := _took(one))}
    if not usual:
        return {}
    otherwise = timedelta(seconds=median(one.total_seconds() for one in usual.values()))
    play = _Play(usual, otherwise, now)
    for one in view.queue:
        if one.facts.pending and one.facts.pending.is_running:
            play.goes_on(one)
    play.free = play.free[:workers] + [now] * (workers - len(play.free))
    heapq.heapify(play.free)
    left = [one for one in view.queue if _can_start(one)]
    play.queued = Counter(one.package for one in left)
    while left:
        later = [one for one in left if not play.start(one)]
        if len(later) == len(left):
            break
        left = later
    return play.expected


def _took(view: PackageView) -> timedelta | None:
    good = view.facts.good
    return good.finished - good.started if good and good.started and good.finished else None


def _can_start(view: PackageView) -> bool:
    pending = view.facts.pending
    return bool(pending and not pending.is_running) and view.state not in _STOPPED


class _Play:
    """The simulation: when workers are free, and when packages are available."""

    def __init__(self, usual: Mapping[str, timedelta], otherwise: timedelta, now: datetime) -> None:
        self._usual, self._otherwise, self._now = usual, otherwise, now
        self._there: dict[str, datetime] = {}
        self.free: list[datetime] = []
        self.queued: Counter[str] = Counter()
        self.expected: dict[int, ExpectedTimes] = {}

    def goes_on(self, view: PackageView) -> None:
        """Add a running build."""
        build = view.facts.pending
        assert build
        begun = build.started or self._now
        ends = max(begun + self._time_of(view.package), self._now + _AT_LEAST)
        self.free.append(ends)
        self._note(view, begun, ends)

    def start(self, view: PackageView) -> bool:
        """Start a queued build if what it waits for is known; return whether it was started."""
        build = view.facts.pending
        assert build
        if any(self.queued[name] or name not in self._there for name in view.waits_for):
            return False
        rests = max(self._now, rests_until(build, self._now))
        ready = (rests, *(self._there[name] for name in view.waits_for))
        begins = max(heapq.heappop(self.free), *ready)
        ends = begins + self._time_of(view.package)
        heapq.heappush(self.free, ends)
        self.queued[view.package] -= 1
        self._note(view, begins, ends)
        return True

    def _note(self, view: PackageView, begins: datetime, ends: datetime) -> None:
        assert view.facts.pending
        self.expected[view.facts.pending.id] = ExpectedTimes(begins, ends)
        self._there[view.package] = ends

    def _time_of(self, package: str) -> timedelta:
        return self._usual.get(package, self._otherwise)
