"""The look ahead of a round: workers read what new packages need while others are built.

Until then these packages are set aside; what could not be read is learned from their builds.
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
    outlook_of,
    read_ahead,
    unknown_builds,
)
from rdo.trunk.order.queue import Queue
from rdo.trunk.order.standing import Standing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Builds of which a worker reads what they need, since a moment of the monotonic clock."""

    builds: tuple[Build, ...]
    started: float
    future: Future[Read]


@dataclass(frozen=True, slots=True)
class _Look:
    """Builds of which a worker asks what they will lack when they start, by their ids."""

    builds: tuple[Build, ...]
    future: Future[dict[int, tuple[str, ...]]]


@dataclass(slots=True)
class LookingAhead:
    """What a round reads ahead; only its main thread calls the methods.

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
        """Whether a worker still reads or asks."""
        return bool(self._reading or self._looks)

    def begin(self, pool: Executor) -> None:
        """Begin to read what new packages need; until then they are set aside."""
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
        """Take what the workers have found since the last call."""
        if self._reading and self._reading.future.done():
            reading, self._reading = self._reading, None
            self._order(reading, pool)
        ended = [one for one in self._looks if one.future.done()]
        self._looks = [one for one in self._looks if one not in ended]
        for look in ended:
            self._let_start(look)

    def look_again(self, builds: Iterable[Build], pool: Executor) -> None:
        """Ask what builds will still lack, now that the bridge has nothing more for them."""
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
        """Order the new packages by what was read, and ask the bridge for it.

        What the bridge cannot bring is asked for again by the build that really needs it.
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
        outlook = outlook_of(builds, read, self.standing.providers)
        for package, packages in outlook.behind.items():
            self.queue.foresee(package, packages)
        self.requests.foresee(outlook.requests)
        self._foreseen = dict(read.found)
        requests = [one for group in outlook.requests for one in group]
        self._asked = {one.build.id: set(one.needs) for one in requests}
        asking = self._asked.keys()
        self.look_again([build for build in builds if build.id not in asking], pool)

    def _let_start(self, look: _Look) -> None:
        """Let builds start, behind the packages of which they will lack something."""
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
        """Put a build behind the packages of which it will lack something.

        Return what else it will lack, such as a requirement of what was bridged for it, if that was
        not asked for yet.
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
