"""Numbers for monitoring a factory: its queue, polls, publications and messages."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from rdo.store.moments import maybe_moment, moment
from rdo.store.schema import (
    OPEN_BUILD,
    UNDELIVERED,
    BuildRow,
    DeliveryRow,
    HeadRow,
)
from rdo.store.work.builds import BuildState


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many builds wait and run, and when the oldest of them was planned."""

    queued: int
    running: int
    first_planned: datetime | None


@dataclass(frozen=True, slots=True)
class PollCounts:
    """How many packages their last poll reached, and when the last poll was."""

    reached: int
    unreachable: int
    last: datetime | None


@dataclass(frozen=True, slots=True)
class WaitingMessages:
    """How many messages of one way wait, and since when the first of them is due."""

    way: str
    waiting: int
    failing: int
    first_due: datetime | None


@dataclass(frozen=True, slots=True)
class Gauges:
    """Queries about the present, within one transaction; none reads the whole history."""

    session: Session

    def queue(self, target: str) -> QueueCounts:
        """Return how many builds wait and run."""
        # counted in Python: to group them, SQLite would read all builds of the target by another
        # index
        query = select(BuildRow.state, BuildRow.created).where(
            BuildRow.target == target, OPEN_BUILD
        )
        rows = self.session.execute(query.order_by(BuildRow.id)).all()
        queued = sum(row.state == BuildState.QUEUED for row in rows)
        first = moment(rows[0].created) if rows else None
        return QueueCounts(queued, len(rows) - queued, first)

    def last_finished(self, target: str) -> datetime | None:
        """Return when a build last ended."""
        query = select(func.max(BuildRow.finished)).where(BuildRow.target == target)
        return maybe_moment(self.session.scalar(query))

    def polls(self, target: str) -> PollCounts:
        """Return the results of the last polls of all packages."""
        failed = func.sum(case((HeadRow.error != "", 1), else_=0))
        query = select(func.count(), failed, func.max(HeadRow.seen))
        every, unreachable, last = self.session.execute(query.where(HeadRow.target == target)).one()
        return PollCounts(every - int(unreachable or 0), int(unreachable or 0), maybe_moment(last))

    def messages(self) -> list[WaitingMessages]:
        """Return the messages that wait to be sent, by way."""
        query = (
            select(
                DeliveryRow.way,
                func.count(),
                func.sum(case((DeliveryRow.tries > 0, 1), else_=0)),
                func.min(DeliveryRow.due),
            )
            .where(UNDELIVERED)
            .group_by(DeliveryRow.way)
        )
        return [
            WaitingMessages(way, waiting, int(failing or 0), maybe_moment(due))
            for way, waiting, failing, due in self.session.execute(query)
        ]
