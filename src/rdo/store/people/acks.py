"""Acks: people who have said that they are working on a package with a problem."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from rdo.model.text.dates import minute_utc
from rdo.store.moments import maybe_moment, moment, seconds
from rdo.store.schema import OPEN_ACK, AckRow


@dataclass(frozen=True, slots=True)
class Ack:
    """A person's note that they are working on a package: who, since when, why, and a link.

    `link` may be empty. `ended` and `ending` say when and why it ended.
    """

    package: str
    since: datetime
    by: str
    why: str
    link: str = ""
    ended: datetime | None = None
    ending: str = ""

    def __str__(self) -> str:
        """`ann has been working on it since 2026-08-01 12:00 UTC: a fix waits (https://…)`."""
        link = f" ({self.link})" if self.link else ""
        return f"{self.by} has been working on it since {minute_utc(self.since)}: {self.why}{link}"


@dataclass(frozen=True, slots=True)
class Acks:
    """The table of acks, within one transaction. An ack that has ended keeps its row."""

    session: Session

    def all(self, target: str) -> dict[str, Ack]:
        """Return the newest ack of each package that has an open one."""
        query = select(AckRow).where(AckRow.target == target, OPEN_ACK).order_by(AckRow.id)
        return {row.package: _ack(row) for row in self.session.scalars(query)}

    def add(
        self, target: str, package: str, *, now: datetime, by: str, why: str, link: str = ""
    ) -> Ack:
        """Record that somebody is working on a package; an earlier open ack ends."""
        self.end(target, package, now=now, ending=f"{by} took over")
        row = AckRow(target=target, package=package, since=seconds(now))
        row.acked_by, row.why, row.link, row.ending = by, why, link, ""
        self.session.add(row)
        self.session.flush()
        return _ack(row)

    def end(self, target: str, package: str, *, now: datetime, ending: str) -> Ack | None:
        """End the ack of a package and return it; None if there is none."""
        query = select(AckRow).where(AckRow.target == target, AckRow.package == package, OPEN_ACK)
        found = None
        for row in self.session.scalars(query).all():
            row.ended, row.ending = seconds(now), ending
            found = _ack(row)
        self.session.flush()
        return found

    def at(self, target: str, package: str, when: datetime) -> Ack | None:
        """Return the newest ack that had not ended before a moment; it may be newer than that."""
        query = select(AckRow).where(
            AckRow.target == target,
            AckRow.package == package,
            or_(OPEN_ACK, AckRow.ended >= seconds(when)),
        )
        row = self.session.scalar(query.order_by(AckRow.id.desc()).limit(1))
        return _ack(row) if row else None

    def history(self, target: str, package: str, *, limit: int = 20) -> tuple[Ack, ...]:
        """Return all acks of a package, newest first."""
        query = select(AckRow).where(AckRow.target == target, AckRow.package == package)
        rows = self.session.scalars(query.order_by(AckRow.id.desc()).limit(limit))
        return tuple(map(_ack, rows))


def _ack(row: AckRow) -> Ack:
    return Ack(
        package=row.package,
        since=moment(row.since),
        by=row.acked_by,
        why=row.why,
        link=row.link,
        ended=maybe_moment(row.ended),
        ending=row.ending,
    )
