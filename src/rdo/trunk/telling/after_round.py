"""Turn recorded events into stories after a round, and queue them for their recipients."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rdo.errors import is_of_the_machine
from rdo.model.audiences import Audiences
from rdo.notify.mail import is_address
from rdo.notify.story import Audience, EventKind, Problem, Story
from rdo.store import Transaction
from rdo.store.messages.events import Event
from rdo.trunk.care.acks import end_those_well
from rdo.trunk.context import Trunk
from rdo.trunk.telling.events import (
    audience_of,
    awaited,
    note_stale,
    note_waiting,
    with_ack,
)
from rdo.trunk.telling.stories import build_story, empty_story
from rdo.trunk.views.report import Report

log = logging.getLogger(__name__)


def tell_round(trunk: Trunk, report: Report) -> None:
    """Record events that only the whole round shows, and queue all recorded ones.

    The caller holds the round lock. Data that cannot be gathered is left out of the messages.
    """
    waiting = _waiting(report)
    end_those_well(trunk)
    with trunk.store.write() as at:
        note_waiting(at, trunk.name, waiting, now=trunk.now())
        note_stale(at, trunk.name, trunk.packages, now=trunk.now())
        events = at.events.undescribed(trunk.name)
    for group in _groups(events):
        story = _story_of_group(trunk, group, waiting)
        with trunk.store.write() as at:
            _describe(at, group, story, trunk.audiences, trunk.now())


def _waiting(report: Report) -> dict[str, set[str]]:
    """Return, for each package that fails, the packages that wait for it, also through others."""
    behind = {held.build.package: set(held.packages) for held in report.held}
    found: dict[str, set[str]] = {}
    for package in behind:
        seen: set[str] = set()
        todo = list(behind[package])
        while todo:
            name = todo.pop()
            if name in seen or name == package:
                continue
            seen.add(name)
            if name in report.ftbfs:
                found.setdefault(name, set()).add(package)
            else:
                todo += behind.get(name, ())
    return found


def _groups(events: Sequence[Event]) -> list[list[Event]]:
    """Group events for one message: waiting packages with the failure, all stale ones."""
    groups: dict[tuple[object, ...], list[Event]] = {}
    for event in sorted(events, key=lambda one: (one.kind != EventKind.BROKEN, one.id)):
        match EventKind(event.kind):
            case EventKind.STALE:
                key: tuple[object, ...] = (EventKind.STALE,)
            case EventKind.WAITS:
                key = (EventKind.WAITS, event.package)
            case EventKind.WAITED_FOR | EventKind.BROKEN if _is_for_maintainers(event):
                key = (event.package, event.break_id)
            case _:
                key = (event.key,)
        groups.setdefault(key, []).append(event)
    return list(groups.values())


def _is_for_maintainers(event: Event) -> bool:
    is_break = event.kind == EventKind.BROKEN
    return not is_break or audience_of(event.key) is Audience.MAINTAINERS


def _story_of_group(
    trunk: Trunk, group: Sequence[Event], waiting: Mapping[str, Iterable[str]]
) -> Story:
    """Return the story of a group of events; data that cannot be read is left out."""
    try:
        return _story(trunk, group, waiting)
    except Exception as error:
        if is_of_the_machine(error):
            raise
        first = group[0]
        log.warning("the notification about %s has no details", first.package, exc_info=error)
        is_break = first.kind in {EventKind.BROKEN, EventKind.MENDED}
        return empty_story(trunk, first, audience_of(first.key) if is_break else Audience.OPERATOR)


def _story(trunk: Trunk, group: Sequence[Event], waiting: Mapping[str, Iterable[str]]) -> Story:
    first = group[0]
    match EventKind(first.kind):
        case EventKind.STALE:
            with trunk.store.read() as at:
                heads = at.heads.all(trunk.name)
                problems = [
                    Problem(event.package, _stale(at, event, head.error), head.error_since)
                    for event in group
                    if (head := heads.get(event.package)) and head.error_since
                ]
            return empty_story(trunk, first, Audience.OPERATOR, problems=tuple(problems))
        case EventKind.WAITS:
            with trunk.store.read() as at:
                behind = tuple(awaited(at, event) for event in group)
            return empty_story(trunk, first, Audience.MAINTAINERS, problems=behind)
        case EventKind.WAITED_FOR:
            names = sorted(event.key.rpartition(":")[2] for event in group)
            return build_story(trunk, first, Audience.MAINTAINERS, waiting=tuple(names))
    names = sorted(waiting.get(first.package, ())) if first.kind == EventKind.BROKEN else []
    return build_story(trunk, first, audience_of(first.key), waiting=tuple(names))


def _stale(at: Transaction, event: Event, error: str) -> str:
    return with_ack(at, event.target, event.package, error)


def _describe(
    at: Transaction, group: Sequence[Event], story: Story, audiences: Audiences, now: datetime
) -> None:
    """Store the story with the first event; the message for it covers the others."""
    first, *rest = group
    at.events.describe(first.id, story.to_json(), now=now)
    for event in rest:
        at.events.describe(event.id, {}, now=now)
    if story.kind is EventKind.STALE and not story.problems:
        return  # it can be followed again
    if audiences.mail:
        for address in _addresses(story, audiences):
            digest = audiences.wants_digest(address)
            due = audiences.digest_due(now) if digest else now
            at.deliveries.add(first.id, "mail", address, due=due, digest=digest)
    if (
        audiences.gerrit
        and story.kind is EventKind.BROKEN
        and story.audience is Audience.MAINTAINERS
    ):
        at.deliveries.add(first.id, "gerrit", story.package, due=now)
    for name in audiences.webhooks_for(story.target, story.kind):
        at.deliveries.add(first.id, f"webhook:{name}", name, due=now)


def _addresses(story: Story, audiences: Audiences) -> list[str]:
    if story.audience is Audience.OPERATOR:
        return list(audiences.operator)
    good = [name for name in story.maintainers if is_address(name)]
    for bad in set(story.maintainers) - set(good):
        log.warning("%s: maintainer %r has no address to send mail to", story.package, bad)
    if not good:
        log.warning("%s has no maintainer with a mail address", story.package)
    return list(dict.fromkeys(good)) or list(audiences.operator)
