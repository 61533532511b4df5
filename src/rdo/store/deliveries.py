"""The queue of what is to be sent: it survives whoever should receive it being away."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from rdo.store.events import Event, event_of
from rdo.store.moments import moment, seconds
from rdo.store.schema import UNDELIVERED, DeliveryRow, EventRow


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one recipient. `way` is how it goes out, such as mail.

    With `digest` it goes out at `due` together with all else for the same recipient.
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
    session: Session

    def add(
        self, event_id: int, way: str, recipient: str, *, due: datetime, digest: bool = False
    ) -> None:
        """Queue an event for a recipient; a second time is none."""
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
        """What is to be sent now, oldest first."""
        return tuple(one for one in self.open() if one.due <= now)

    def open(self) -> tuple[Delivery, ...]:
        """All that waits to be sent, oldest first."""
        query = (
            select(DeliveryRow, EventRow)
            .join(EventRow, EventRow.id == DeliveryRow.event_id)
            .where(UNDELIVERED)
            .order_by(DeliveryRow.due, DeliveryRow.id)
        )
        return tuple(_delivery(row, event) for row, event in self.session.execute(query))

    def recipients(self, event_id: int, way: str) -> tuple[str, ...]:
        """Everybody who was or is to be told of an event by one way, digests left out."""
        query = select(DeliveryRow.recipient).where(
            DeliveryRow.event_id == event_id,
            DeliveryRow.way == way,
            DeliveryRow.digest.is_(False),
        )
        return tuple(self.session.scalars(query.order_by(DeliveryRow.id)))

    def sent(self, ids: Collection[int], *, now: datetime) -> None:
        for row in self._rows(ids):
            row.ended, row.sent, row.error = seconds(now), True, ""
            row.tries += 1

    def failed(self, ids: Collection[int], error: str) -> None:
        """Note a try that failed; it stays in the queue."""
        for row in self._rows(ids):
            row.error = error
            row.tries += 1

    def give_up(self, ids: Collection[int], error: str, *, now: datetime) -> None:
        """Take out of the queue what nobody will ever accept."""
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
