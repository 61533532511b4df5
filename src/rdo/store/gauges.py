"""Numbers for whoever watches a factory: its queue, polls, publications and messages."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from rdo.store.moments import maybe_moment, seconds
from rdo.store.schema import (
    OPEN_BUILD,
    UNDELIVERED,
    BuildRow,
    DeliveryRow,
    HeadRow,
    RepositoryRow,
)


@dataclass(frozen=True, slots=True)
class PollCounts:
    """How many packages were reached by their last poll, and when any was last."""

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
    """Questions about now, within one transaction; none reads through the history."""

    session: Session

    def first_planned(self, target: str) -> datetime | None:
        """Return when the oldest open build was planned; None without any."""
        query = select(BuildRow.created).where(BuildRow.target == target, OPEN_BUILD)
        return maybe_moment(self.session.scalar(query.order_by(BuildRow.id).limit(1)))

    def last_finished(self, target: str) -> datetime | None:
        """Return when a build ended last."""
        query = select(func.max(BuildRow.finished)).where(BuildRow.target == target)
        return maybe_moment(self.session.scalar(query))

    def polls(self, target: str) -> PollCounts:
        """Return how the last poll of each package went."""
        failed = func.sum(case((HeadRow.error != "", 1), else_=0))
        query = select(func.count(), failed, func.max(HeadRow.seen))
        every, unreachable, last = self.session.execute(query.where(HeadRow.target == target)).one()
        return PollCounts(every - int(unreachable or 0), int(unreachable or 0), maybe_moment(last))

    def published_after(self, target: str, since: datetime) -> list[int]:
        """Return how many seconds after its end each build since then was in a repository."""
        query = (
            select(RepositoryRow.created - BuildRow.finished)
            .join(BuildRow, RepositoryRow.build_id == BuildRow.id)
            .where(
                BuildRow.target == target,
                BuildRow.finished >= seconds(since),
                BuildRow.outcome == "built",
                RepositoryRow.target == target,
            )
        )
        return [max(number, 0) for number in self.session.scalars(query) if number is not None]

    def messages(self) -> list[WaitingMessages]:
        """Return what waits to be sent, by way."""
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
