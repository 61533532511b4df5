"""The queue of messages to send; messages stay in it until recipients can be reached."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from rdo.store.messages.events import Event, event_of
from rdo.store.moments import moment, seconds
from rdo.store.schema import UNDELIVERED, DeliveryRow, EventRow

_LONGEST_WAIT = timedelta(days=2)  # a digest waits for a day at most


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one recipient. `way` is how it is sent, such as mail.

    With `digest` it is sent at `due`, together with everything else for the same recipient.
    """

    id: int
    event: Event
    way: str
    recipient: str
    digest: bool
    due: datetime
    tries: int
    error: str


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The table of deliveries, within one transaction."""

    session: Session

    def add(
        self, event_id: int, way: str, recipient: str, *, due: datetime, digest: bool = False
    ) -> None:
        """Queue an event for a recipient; queuing it twice has no effect."""
        query = select(DeliveryRow.id).where(
            DeliveryRow.event_id == event_id,
            DeliveryRow.way == way,
            DeliveryRow.recipient == recipient,
        )
        if self.session.scalar(query) is None:
            row = DeliveryRow(
                event_id=event_id,
                way=way,
                recipient=recipient,
                digest=digest,
                due=seconds(due),
                tries=0,
                error="",
                sent=False,
            )
            self.session.add(row)
            self.session.flush()

    def due(self, now: datetime) -> tuple[Delivery, ...]:
        """Return the deliveries to send now, oldest first.

        If one is due later than a digest can be, a clock was wrong when it was queued, and it is
        sent now.
        """
        late = now + _LONGEST_WAIT
        return tuple(one for one in self.open() if one.due <= now or one.due > late)

    def open(self) -> tuple[Delivery, ...]:
        """Return all unsent deliveries, oldest first."""
        query = (
            select(DeliveryRow, EventRow)
            .join(EventRow, EventRow.id == DeliveryRow.event_id)
            .where(UNDELIVERED)
            .order_by(DeliveryRow.due, DeliveryRow.id)
        )
        return tuple(_delivery(row, event) for row, event in self.session.execute(query))

    def recipients(self, event_id: int, way: str) -> tuple[str, ...]:
        """Return everybody who was or will be notified of an event by one way, without digests."""
        query = select(DeliveryRow.recipient).where(
            DeliveryRow.event_id == event_id,
            DeliveryRow.way == way,
            DeliveryRow.digest.is_(False),
        )
        return tuple(self.session.scalars(query.order_by(DeliveryRow.id)))

    def sent(self, ids: Collection[int], *, now: datetime) -> None:
        """Record that deliveries were sent."""
        for row in self._rows(ids):
            row.ended, row.sent, row.error = seconds(now), True, ""
            row.tries += 1

    def failed(self, ids: Collection[int], error: str) -> None:
        """Record a failed try; the deliveries stay in the queue."""
        for row in self._rows(ids):
            row.error = error
            row.tries += 1

    def give_up(self, ids: Collection[int], error: str, *, now: datetime) -> None:
        """Remove deliveries from the queue that no server will ever accept."""
        for row in self._rows(ids):
            row.ended, row.error = seconds(now), error
            row.tries += 1

    def _rows(self, ids: Collection[int]) -> list[DeliveryRow]:
        return list(self.session.scalars(select(DeliveryRow).where(DeliveryRow.id.in_(ids))))


def _delivery(row: DeliveryRow, event: EventRow) -> Delivery:
    return Delivery(
        id=row.id,
        event=event_of(event),
        way=row.way,
        recipient=row.recipient,
        digest=row.digest,
        due=moment(row.due),
        tries=row.tries,
        error=row.error,
    )
