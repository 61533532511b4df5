"""Record, in the transaction that records an outcome, that people must be notified of it.

The content is gathered later, so that a record costs nothing and a kill loses none.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from rdo.model.build import Built, Failed, Outcome
from rdo.notify.story import Audience, EventKind, Problem
from rdo.store import Transaction
from rdo.store.messages.events import Event
from rdo.store.work.builds import Build
from rdo.store.work.packages import PackageBuilds

log = logging.getLogger(__name__)

STALE_AFTER = timedelta(days=1)
WAITS_AFTER = timedelta(days=1)


def settle(
    at: Transaction, build: Build, outcome: Outcome, *, now: datetime, final: bool = True
) -> Build:
    """Record how a build ended, and an event if its package now fails to build or is fixed.

    A good build ends the ack of its package.
    """
    before = at.packages.state(build.target, build.package)
    settled = at.builds.settle(build.id, outcome, now=now, final=final)
    after = at.packages.state(build.target, build.package)
    if after.newest and after.newest.id == build.id:
        _note_break(at, settled, after, now)
        _note_mend(at, settled, before, after, now)
        if isinstance(settled.outcome, Built):
            _end_ack(at, settled, now)
    return settled


def spoil(at: Transaction, build: Build, failure: Failed, *, now: datetime) -> Build:
    """Record that a build has failed after all, and an event that its package fails."""
    spoilt = at.builds.spoil(build.id, failure, now=now)
    after = at.packages.state(build.target, build.package)
    if after.newest and after.newest.id == build.id:
        _note_break(at, spoilt, after, now)
    return spoilt


def _note_break(at: Transaction, build: Build, after: PackageBuilds, now: datetime) -> None:
    """Record one event per failure and audience.

    What fails because of the network first may later fail for a reason of its own.
    """
    if not isinstance(build.outcome, Failed) or after.broken_by is None:
        return
    audience = Audience.OPERATOR if build.outcome.reason.is_spurious else Audience.MAINTAINERS
    break_id = after.broken_by.id
    at.events.add(
        build.target,
        build.package,
        EventKind.BROKEN,
        break_key(EventKind.BROKEN, break_id, audience),
        now=now,
        build_id=build.id,
        break_id=break_id,
    )


def _note_mend(
    at: Transaction, build: Build, before: PackageBuilds, after: PackageBuilds, now: datetime
) -> None:
    if before.broken_by is None or after.broken_by is not None:
        return
    break_id = before.broken_by.id
    told = {event.key for event in at.events.of_break(build.target, build.package, break_id)}
    for audience in Audience:
        if break_key(EventKind.BROKEN, break_id, audience) in told:
            key = break_key(EventKind.MENDED, break_id, audience)
            at.events.add(
                build.target,
                build.package,
                EventKind.MENDED,
                key,
                now=now,
                build_id=build.id,
                break_id=break_id,
            )


def _end_ack(at: Transaction, build: Build, now: datetime) -> None:
    ended = at.acks.end(build.target, build.package, now=now, ending=f"build {build.id} is good")
    if ended:
        log.info("%s builds: the ack of %s has ended", build.package, ended.by)


def break_key(kind: EventKind, break_id: int, audience: Audience) -> str:
    return f"{kind}:{break_id}:{audience}"


def audience_of(key: str) -> Audience:
    """Return the audience in a key of `break_key`.

    >>> str(audience_of("broken:17:operator"))
    'operator'
    """
    return Audience(key.rpartition(":")[2])


def note_waiting(
    at: Transaction, target: str, waiting: Mapping[str, Iterable[str]], *, now: datetime
) -> None:
    """Record which packages wait for a failing one; `waiting` has theirs by its name.

    Only if its maintainers were notified of the failure; each waiting package counts once. After a
    day, its own maintainers are notified too.
    """
    for package, others in waiting.items():
        state = at.packages.state(target, package)
        if state.broken_by is None:
            continue
        break_id = state.broken_by.id
        told = {event.key: event for event in at.events.of_break(target, package, break_id)}
        if break_key(EventKind.BROKEN, break_id, Audience.MAINTAINERS) not in told:
            continue
        for other in sorted(others):
            key = f"{EventKind.WAITED_FOR}:{break_id}:{other}"
            if key in told and abs(now - told[key].created) >= WAITS_AFTER:
                own = f"{EventKind.WAITS}:{break_id}:{other}:{package}"
                at.events.add(target, other, EventKind.WAITS, own, now=now, break_id=break_id)
            if key not in told:
                at.events.add(
                    target,
                    package,
                    EventKind.WAITED_FOR,
                    key,
                    now=now,
                    break_id=break_id,
                    build_id=state.newest.id if state.newest else break_id,
                )


def awaited(at: Transaction, event: Event) -> Problem:
    """Return the package that an event of the kind `WAITS` is about, and since when they wait."""
    assert event.break_id is not None
    package = event.key.rpartition(":")[2]
    key = f"{EventKind.WAITED_FOR}:{event.break_id}:{event.package}"
    noted = at.events.of_break(event.target, package, event.break_id)
    since = next((one.created for one in noted if one.key == key), event.created)
    return Problem(package, with_ack(at, event.target, package, "does not build"), since)


def with_ack(at: Transaction, target: str, package: str, what: str) -> str:
    """Add who is working on a package, if anybody is, to the description of its problem."""
    ack = at.acks.all(target).get(package)
    return f"{what}; {ack}" if ack else what


def note_stale(at: Transaction, target: str, known: Iterable[str], *, now: datetime) -> None:
    """Record what could not be followed for a day."""
    packages = set(known)
    for name, head in at.heads.all(target).items():
        if name in packages and head.error_since and abs(now - head.error_since) >= STALE_AFTER:
            key = f"{EventKind.STALE}:{name}:{int(head.error_since.timestamp())}"
            at.events.add(target, name, EventKind.STALE, key, now=now)
