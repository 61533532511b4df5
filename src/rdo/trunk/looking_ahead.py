"""The look ahead of a round: workers read what new packages require while others are built.

Until then these packages are set aside; requirements that could not be read appear in their builds.
"""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from rdo.builders.protocol import Foreseen, Foresight
from rdo.errors import UserError, in_short, is_of_the_machine
from rdo.store.work.builds import Build
from rdo.trunk.context import Trunk
from rdo.trunk.jobs import build_job
from rdo.trunk.order.bridge_requests import BridgeRequest, Requests
from rdo.trunk.order.foresight import (
    Read,
    look_again,
    predictions_of,
    read_ahead,
    unknown_builds,
)
from rdo.trunk.order.queue import Queue
from rdo.trunk.order.standing import Standing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Builds whose requirements a worker reads, since a moment of the monotonic clock."""

    builds: tuple[Build, ...]
    started: float
    future: Future[Read]


@dataclass(frozen=True, slots=True)
class _Look:
    """Builds for which a worker finds out what they will lack when they start, by their ids."""

    builds: tuple[Build, ...]
    future: Future[dict[int, tuple[str, ...]]]


@dataclass(slots=True)
class LookingAhead:
    """The look ahead of one round; only the round's main thread calls the methods.

    A worker ends soon after `is_stopped` is true; it calls `tell` when it has ended. Without
    `foresight`, nothing is read.
    """

    trunk: Trunk
    foresight: Foresight | None
    queue: Queue
    standing: Standing
    requests: Requests
    is_stopped: Callable[[], bool]
    tell: Callable[[], None]
    _reading: _Reading | None = None
    _looks: list[_Look] = field(default_factory=list)
    _foreseen: dict[int, Foreseen] = field(default_factory=dict)
    _asked: dict[int, set[str]] = field(default_factory=dict)

    @property
    def is_at_work(self) -> bool:
        """Whether a worker is still reading or asking."""
        return bool(self._reading or self._looks)

    @property
    def is_looking(self) -> bool:
        """Whether more may soon be predicted, for the next request to the bridge."""
        return bool(self._looks)

    def begin(self, pool: Executor) -> None:
        """Start reading what new packages require; until then they are set aside."""
        builds = unknown_builds(self.queue.idle(), self.standing)
        if self.foresight is None or not builds:
            return
        log.info("%s: reading what %d new packages need", self.trunk.name, len(builds))
        self.queue.set_aside(build.id for build in builds)
        jobs = [build_job(self.trunk, build) for build in builds]
        own = self.trunk.tree.current_directories()
        future = pool.submit(read_ahead, self.foresight, jobs, own, self.is_stopped)
        future.add_done_callback(lambda _: self.tell())
        self._reading = _Reading(tuple(builds), time.monotonic(), future)

    def go_on(self, pool: Executor) -> None:
        """Use what the workers have found since the last call."""
        if self._reading and self._reading.future.done():
            reading, self._reading = self._reading, None
            self._order(reading, pool)
        ended = [one for one in self._looks if one.future.done()]
        self._looks = [one for one in self._looks if one not in ended]
        for look in ended:
            self._let_start(look)

    def look_again(self, builds: Iterable[Build], pool: Executor) -> None:
        """Find out what builds will still lack, now that the bridge has nothing more for them."""
        asked = tuple(builds)
        needs = {one.id: self._foreseen[one.id].build for one in asked if one.id in self._foreseen}
        if self.foresight is None or not needs:
            self.queue.take_back(build.id for build in asked)
            return
        own = self.trunk.tree.current_directories()
        future = pool.submit(look_again, self.foresight, needs, own, self.is_stopped)
        future.add_done_callback(lambda _: self.tell())
        self._looks.append(_Look(asked, future))

    def _order(self, reading: _Reading, pool: Executor) -> None:
        """Order the new packages by what was read, and ask the bridge for the rest.

        If the bridge cannot provide something, the build that really needs it asks again.
        """
        ids = {build.id for build in reading.builds}
        try:
            read = reading.future.result()
        except Exception as error:
            if is_of_the_machine(error):
                raise
            unexpected = None if isinstance(error, UserError | OSError) else error
            said = "what the packages need is learned from their builds: %s"
            log.warning(said, in_short(error), exc_info=unexpected)
            self.queue.take_back(ids)
            return
        seconds = time.monotonic() - reading.started
        log.info("%d of %d could be read, in %.1f s", len(read.found), len(ids), seconds)
        left = {build.id for build in self.queue.idle()}
        builds = [build for build in reading.builds if build.id in left]
        predictions = predictions_of(builds, read, self.standing.providers)
        for package, packages in predictions.behind.items():
            self.queue.foresee(package, packages)
        self.requests.foresee(predictions.requests)
        self._foreseen = dict(read.found)
        requests = [one for group in predictions.requests for one in group]
        self._asked = {one.build.id: set(one.needs) for one in requests}
        asking = self._asked.keys()
        self.look_again([build for build in builds if build.id not in asking], pool)

    def _let_start(self, look: _Look) -> None:
        """Let builds start, after the packages that will provide what they lack."""
        try:
            lacking = look.future.result()
        except Exception as error:
            if is_of_the_machine(error):
                raise
            log.debug("what the builds lack is learned from them", exc_info=error)
            lacking = {}
        found = (self._put_behind(build, lacking.get(build.id)) for build in look.builds)
        more = tuple(one for one in found if one)
        self.requests.foresee([more] if more else [])
        self.queue.take_back({one.id for one in look.builds} - {one.build.id for one in more})

    def _put_behind(self, build: Build, lacking: tuple[str, ...] | None) -> BridgeRequest | None:
        """Order a build after the packages that will provide what it lacks.

        Return what else it will lack, such as a requirement of a package that was bridged for it,
        unless that was requested before.
        """
        if lacking is None:
            return None
        owners = {need: self.standing.providers.of(need) for need in lacking}
        behind = frozenset[str]().union(*owners.values()) - {build.package}
        self.queue.foresee(build.package, behind)
        asked = self._asked.setdefault(build.id, set())
        new = tuple(need for need, names in owners.items() if not names and need not in asked)
        asked.update(new)
        return BridgeRequest(build, new, frozenset(), is_foreseen=True) if new else None
