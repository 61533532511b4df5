"""The queue of messages, and how it is sent.

Each message is marked as sent at once. A kill in between repeats one message, under the same
Message-ID. A recipient or server that cannot be reached costs a line of the log: the message is
retried after the next round.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from rdo import lock
from rdo.errors import RefusedError, UserError
from rdo.model.dates import minute
from rdo.notify.mailer import Mailer
from rdo.notify.story import Story
from rdo.notify.way import AwayError, Refused, Way
from rdo.store import Store
from rdo.store.deliveries import Delivery

log = logging.getLogger(__name__)

MAIL = "mail"
GIVE_UP_AFTER = timedelta(days=5)
"""How long a message is retried, which is as long as mail servers do."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of sending: numbers of deliveries, and why some are left."""

    sent: int = 0
    refused: int = 0
    left: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """One event for one recipient that is not sent yet, and why its last try failed.

    `way` is how it is sent, such as mail; `due` is the minute from which it may be sent.
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
    """The configured ways, by name, and the queue; `run` sends what is due."""

    store: Store
    ways: Mapping[str, Way]
    now: Callable[[], datetime]
    lock_file: Path
    _counts: dict[str, int] = field(default_factory=dict)
    _problems: list[str] = field(default_factory=list)

    def run(self) -> Sent:
        """Send what is due, unless another process is sending already."""
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
        parts = list(_messages(deliveries))
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

    Retries come last: a message that breaks the server must not stop all others.
    """
    what = delivery.recipient if delivery.digest else f"{delivery.event.id:012}"
    return delivery.way, delivery.tries, delivery.due, delivery.digest, what, delivery.id


def _messages(deliveries: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    """Yield the deliveries that one message covers, in the order of `_by_way`."""
    for _, group in groupby(deliveries, key=lambda one: _by_way(one)[:5]):
        yield list(group)


def _send(way: Way, part: Sequence[Delivery]) -> dict[int, Refused]:
    stories = [Story.from_json(one.event.payload) for one in part]
    if part[0].digest and isinstance(way, Mailer):
        return way.send_digest(stories, part, part[0].due)
    return way.send(stories[0], part)
