"""When the builds of the queue are expected to begin and to end, from how long the last ones took.

Values in, values out: the queue is played through with the target's workers.
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
"""How long a build that takes longer than the last one is expected to go on."""
_STOPPED = frozenset({PackageState.HELD, PackageState.PAUSED, PackageState.FAULTY})


@dataclass(frozen=True, slots=True)
class ExpectedTimes:
    """When a build is expected to begin, or has begun, and to end."""

    begins: datetime
    ends: datetime


def forecast(view: TargetView, workers: int, now: datetime) -> dict[int, ExpectedTimes]:
    """Return what is expected of the open builds, by number, if a round goes on from now.

    Left out is what cannot be told: a build that is held or paused, one that waits for something
    outside the queue, and every queued build where no package has ever been built.
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
    """The queue as it is played through: when workers are free, and when packages are there."""

    def __init__(self, usual: Mapping[str, timedelta], otherwise: timedelta, now: datetime) -> None:
        self._usual, self._otherwise, self._now = usual, otherwise, now
        self._there: dict[str, datetime] = {}
        self.free: list[datetime] = []
        self.queued: Counter[str] = Counter()
        self.expected: dict[int, ExpectedTimes] = {}

    def goes_on(self, view: PackageView) -> None:
        """Note a build that runs."""
        build = view.facts.pending
        assert build
        begun = build.started or self._now
        ends = max(begun + self._time_of(view.package), self._now + _AT_LEAST)
        self.free.append(ends)
        self._note(view, begun, ends)

    def start(self, view: PackageView) -> bool:
        """Start a queued build if what it waits for is known; return whether it was."""
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
