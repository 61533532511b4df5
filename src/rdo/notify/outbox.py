"""The queue of messages, and how it is sent.

Each message is marked as sent right after it was sent. A kill in between repeats one message, under
the same Message-ID. If a recipient or server cannot be reached, this is logged, and the message is
retried after the next round.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from rdo import lock
from rdo.errors import RefusedError, UserError
from rdo.model.audiences import Audiences
from rdo.model.text.dates import minute
from rdo.notify.mailer import Mailer
from rdo.notify.promotions import PromotionStory, is_about_promotion, queue_promotions
from rdo.notify.story import EventKind, Story
from rdo.notify.way import AwayError, Refused, Way
from rdo.notify.webhook import Webhook
from rdo.store import Store
from rdo.store.messages.deliveries import Delivery

log = logging.getLogger(__name__)

MAIL = "mail"
_TOLD_TOGETHER = {EventKind.BROKEN, EventKind.MENDED}
GIVE_UP_AFTER = timedelta(days=5)
"""How long a message is retried: as long as mail servers do."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of sending: how many were delivered, and why some are left."""

    sent: int = 0
    refused: int = 0
    left: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """One event for one recipient that is not sent yet, and why its last try failed.

    `way` is how it is sent, such as mail; `due` is the earliest time to send it.
    """

    target: str
    package: str
    event: str
    way: str
    to: str
    due: str
    tries: int
    error: str


def queued_messages(store: Store) -> list[QueuedMessage]:
    """Return the messages that wait to be sent."""
    with store.read() as at:
        waiting = at.deliveries.open()
    return [
        QueuedMessage(
            one.event.target,
            one.event.package,
            one.event.kind,
            one.way,
            one.recipient,
            minute(one.due),
            one.tries,
            one.error,
        )
        for one in waiting
    ]


@dataclass(slots=True)
class Outbox:
    """The configured ways, by name, and the queue; `run` sends what is due.

    `audiences` are the recipients of events that have not been queued yet.
    """

    store: Store
    ways: Mapping[str, Way]
    now: Callable[[], datetime]
    lock_file: Path
    audiences: Audiences = field(default_factory=Audiences)
    _counts: dict[str, int] = field(default_factory=dict)
    _problems: list[str] = field(default_factory=list)

    def run(self) -> Sent:
        """Send what is due, unless another process is already sending."""
        try:
            with lock.hold(self.lock_file, purpose="sending notifications"):
                return self._work_off()
        except RefusedError as error:
            log.debug("%s", error)
            return Sent()

    def _work_off(self) -> Sent:
        self._counts, self._problems = {"sent": 0, "refused": 0, "left": 0}, []
        now = self.now()
        with self.store.read() as at:
            is_news = bool(at.events.unqueued())
        if is_news:
            with self.store.write() as at:
                queue_promotions(at, self.audiences, now=now)
        with self.store.read() as at:
            due = at.deliveries.due(now)
        for way, group in groupby(sorted(due, key=_by_way), key=lambda one: one.way):
            self._by_one_way(way, list(group), now)
        return Sent(**self._counts, problems=tuple(self._problems))

    def _by_one_way(self, name: str, deliveries: list[Delivery], now: datetime) -> None:
        way = self.ways.get(name)
        if way is None:
            answer = Refused(f"{name} is no longer configured", for_good=True)
            self._note(deliveries, dict.fromkeys((one.id for one in deliveries), answer), now)
            return
        parts = _messages(deliveries)
        for number, part in enumerate(parts):
            try:
                refused = _send(way, part)
            except (AwayError, UserError) as error:
                answer = Refused(str(error), for_good=False)
                self._note(part, dict.fromkeys((one.id for one in part), answer), now)
                self._counts["left"] += sum(map(len, parts[number + 1 :]))
                return
            self._note(part, refused, now)

    def _note(
        self, part: Sequence[Delivery], refused: Mapping[int, Refused], now: datetime
    ) -> None:
        for one in part:
            answer = refused.get(one.id)
            with self.store.write() as at:
                if answer is None:
                    at.deliveries.sent([one.id], now=now)
                    self._counts["sent"] += 1
                elif answer.for_good or now - one.due > GIVE_UP_AFTER:
                    at.deliveries.give_up([one.id], answer.reason, now=now)
                    self._counts["refused"] += 1
                else:
                    at.deliveries.failed([one.id], answer.reason)
                    self._counts["left"] += 1
            if answer:
                self._complain(f"{one.recipient} was not notified: {answer.reason}")

    def _complain(self, text: str) -> None:
        self._problems.append(text)
        log.warning("%s", text)


def _by_way(delivery: Delivery) -> tuple[object, ...]:
    """Return a sort key: by message, oldest first; digests by recipient and day.

    Retries come last, so that a message that breaks the server does not stop all others.
    """
    what = delivery.recipient if delivery.digest else f"{delivery.event.id:012}"
    return delivery.way, delivery.tries, delivery.due, delivery.digest, what, delivery.id


def _messages(deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """Return, for each message, the deliveries that it covers, in order."""
    recipients: dict[int, list[str]] = {}
    for one in deliveries:
        recipients.setdefault(one.event.id, []).append(one.recipient)
    messages: dict[tuple[object, ...], list[Delivery]] = {}
    for one in deliveries:
        told = tuple(recipients[one.event.id])
        messages.setdefault((one.tries, *_message_of(one, told)), []).append(one)
    return list(messages.values())


def _message_of(delivery: Delivery, told: tuple[str, ...]) -> tuple[object, ...]:
    """Return the content that the deliveries of one message share.

    One mail lists for all recipients the targets on which a commit fails, or builds again.
    """
    event = delivery.event
    if delivery.digest:
        return "digest", delivery.recipient, delivery.due
    if delivery.way == MAIL and event.kind in _TOLD_TOGETHER:
        story = Story.from_json(event.payload)
        commit = story.commit, story.distgit_commit
        return event.kind, story.release, story.package, *commit, story.audience, told
    return "event", event.id


def _send(way: Way, part: Sequence[Delivery]) -> dict[int, Refused]:
    first = part[0].event
    if isinstance(way, Webhook) and is_about_promotion(first.kind):
        return way.send_promotion(PromotionStory.from_json(first.payload), part)
    if part[0].digest and isinstance(way, Mailer):
        stories = [Story.from_json(one.event.payload) for one in part]
        return way.send_digest(stories, part, part[0].due)
    events = {one.event.id: one.event for one in part}
    if len(events) > 1 and isinstance(way, Mailer):
        return way.send_together(tuple(events.values()), part)
    return way.send(Story.from_json(first.payload), part)
