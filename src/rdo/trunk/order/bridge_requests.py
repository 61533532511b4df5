"""Requests of builds to the bridge: one at a time, with all requirements collected meanwhile.

Each resolution takes nearly the same time, whatever it contains. So predicted requirements of many
builds are sent first in a small share, so that something can be built soon, and then in much larger
ones. Requirements of started builds are collected as long as there is something else to build.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from rdo.bridge.protocol import Bridge, Provision
from rdo.builders.failure import failure_of
from rdo.cancellation import cancelled_by
from rdo.errors import UserError, in_short
from rdo.model.build import Failed, FailureReason
from rdo.store.work.builds import Build

log = logging.getLogger(__name__)

FIRST_SHARE, GROWTH = 8, 8
"""The number of builds in the first predicted share, and the factor for each next one."""

_BROKEN = frozenset({FailureReason.BUILDER, FailureReason.UNKNOWN})
"""Failures that a smaller request may avoid, unlike a network fault or a full disk."""


@dataclass(frozen=True, slots=True)
class BridgeRequest:
    """The requirements of one build that only the bridge can meet, and packages it also waits for.

    `for_bootstrap`: the release itself packages them, but they are in a cycle; see `cycles`.
    `for_users`: the build has ended, and its packages require them once installed. `is_foreseen`:
    the build has not started; whatever the answer, it may start then.
    """

    build: Build
    needs: tuple[str, ...]
    behind: frozenset[str]
    for_bootstrap: bool = False
    for_users: bool = False
    is_foreseen: bool = False


@dataclass(frozen=True, slots=True)
class BridgeAnswer:
    """The answer to a request; `failure` is set if some of its requirements remain unmet."""

    request: BridgeRequest
    failure: Failed | None = None


@dataclass(slots=True)
class Requests:
    """The requests of a round.

    A running request ends soon after `is_cancelled` is true; `on_answer` is called, from the
    worker, when one has ended.
    """

    bridge: Bridge
    last_resort: Bridge | None = None
    is_cancelled: Callable[[], bool] = bool
    on_answer: Callable[[], None] = lambda: None
    running: Future[Provision | Failed] | None = None
    _collected: list[BridgeRequest] = field(default_factory=list)
    _foreseen: list[tuple[BridgeRequest, ...]] = field(default_factory=list)
    _share: int = FIRST_SHARE
    _apart: list[BridgeRequest] = field(default_factory=list)
    _sent: list[BridgeRequest] = field(default_factory=list)
    _granted: dict[int, set[str]] = field(default_factory=dict)

    def add(self, request: BridgeRequest) -> BridgeAnswer | None:
        """Add a request; answer it at once if the same build has made the same request before."""
        again = self._granted.get(request.build.id, set()) & set(request.needs)
        if again:
            shown = ", ".join(sorted(again))
            detail = f"{shown} (was brought in from outside, and does not meet it)"
            return BridgeAnswer(request, Failed(FailureReason.MISSING_DEPENDENCY, detail))
        self._collected.append(request)
        return None

    def foresee(self, groups: Iterable[tuple[BridgeRequest, ...]]) -> None:
        """Add predicted requirements of builds, in groups; the first group is built first."""
        self._foreseen += groups

    def forget(self, build_id: int) -> None:
        """Drop the predicted requirements of a build that left the queue."""
        left = (tuple(x for x in group if x.build.id != build_id) for group in self._foreseen)
        self._foreseen = [group for group in left if group]

    def send(self, pool: Executor, *, in_advance: bool = True, is_idle: bool = True) -> None:
        """Send everything of one kind that was collected, unless a request is running.

        `in_advance`: also for builds that have not started. Other collected requirements wait until
        `is_idle`, that is, until a worker has nothing to build.
        """
        is_due = bool(self._apart or (in_advance and self._foreseen))
        if self.running is not None or not (is_idle or is_due):
            return
        if self._apart:
            self._sent = [self._apart.pop(0)]
        else:
            kind = bool(self._collected) and self._collected[0].for_bootstrap
            self._sent = [one for one in self._collected if one.for_bootstrap == kind]
            self._collected = [one for one in self._collected if one.for_bootstrap != kind]
            self._sent += self._next_share() if in_advance and not kind else []
        if not self._sent:
            return
        bridge = self.last_resort if self._sent[0].for_bootstrap else self.bridge
        assert bridge is not None
        needs = tuple(dict.fromkeys(need for one in self._sent for need in one.needs))
        if foreseen := sum(one.is_foreseen for one in self._sent):
            log.info("asks the bridge for %d dependencies of %d packages", len(needs), foreseen)
        self.running = pool.submit(provide, bridge, needs, self.is_cancelled)
        self.running.add_done_callback(lambda _: self.on_answer())

    def _next_share(self) -> list[BridgeRequest]:
        share: list[BridgeRequest] = []
        while self._foreseen and len(share) < self._share:
            share += self._foreseen.pop(0)
        self._share *= GROWTH if share else 1
        return share

    @property
    def is_answered(self) -> bool:
        """Whether the request that was sent has ended, so that `receive` can be called."""
        return self.running is not None and self.running.done()

    @property
    def are_bootstrapping(self) -> bool:
        """Whether an outside package was requested to bootstrap a build, and is not there yet."""
        sent = self._sent if self.running is not None else []
        return any(one.for_bootstrap for one in (*self._collected, *self._apart, *sent))

    def receive(self) -> list[BridgeAnswer]:
        """Return the answers to everything that was sent; call it when `is_answered`.

        If the bridge failed on several requests together, a wheel that one of them needs must not
        spoil the others: each is sent again alone and answered later. This is not done for builds
        that have not started, because they ask when they need it.
        """
        assert self.running is not None
        result, self.running = self.running.result(), None
        if isinstance(result, Failed) and result.reason in _BROKEN and len(self._sent) > 1:
            foreseen = [one for one in self._sent if one.is_foreseen]
            self._apart += [one for one in self._sent if not one.is_foreseen]
            return [self._answer(request, result) for request in foreseen]
        return [self._answer(request, result) for request in self._sent]

    def _answer(self, request: BridgeRequest, result: Provision | Failed) -> BridgeAnswer:
        if isinstance(result, Failed):
            return BridgeAnswer(request, result)
        missing = [need for need in request.needs if need not in result.provided]
        if missing:
            return BridgeAnswer(
                request, Failed(FailureReason.MISSING_DEPENDENCY, ", ".join(missing))
            )
        if not request.is_foreseen:
            self._granted.setdefault(request.build.id, set()).update(request.needs)
        return BridgeAnswer(request)


def provide(
    bridge: Bridge, needs: Sequence[str], is_cancelled: Callable[[], bool]
) -> Provision | Failed:
    """Call the bridge in a worker; if the bridge itself fails, no package is blamed."""
    try:
        with cancelled_by(is_cancelled):
            return bridge.provide(needs)
    except (UserError, OSError) as error:
        return failure_of(error)
    except Exception as error:
        log.exception("the bridge failed on %s", ", ".join(needs))
        return Failed(FailureReason.UNKNOWN, f"a bug in the bridge: {in_short(error)}")
