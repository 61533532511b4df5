"""Requests to poll packages now, and messages of webhooks that were received."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from rdo.store.moments import moment, seconds
from rdo.store.schema import PollRow, ReceiptRow

REMEMBERED = timedelta(days=7)
"""How long a message is remembered, so that nobody can send it again."""


@dataclass(frozen=True, slots=True)
class AskedPoll:
    """A package that somebody wants polled, since when, and who."""

    id: int
    package: str
    asked: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Polls:
    """The tables of polls and receipts, within one transaction."""

    session: Session

    def ask(self, target: str, packages: Iterable[str], by: str, *, now: datetime) -> None:
        """Request a poll of packages; it also answers earlier requests."""
        wanted = sorted(set(packages))
        self.session.execute(
            delete(PollRow).where(PollRow.target == target, PollRow.package.in_(wanted))
        )
        self.session.add_all(
            PollRow(target=target, package=name, asked=seconds(now), asked_by=by) for name in wanted
        )
        self.session.flush()

    def asked(self, target: str) -> tuple[AskedPoll, ...]:
        """Return the requested polls that are not done yet, oldest first."""
        query = select(PollRow).where(PollRow.target == target).order_by(PollRow.id)
        return tuple(
            AskedPoll(row.id, row.package, moment(row.asked), row.asked_by)
            for row in self.session.scalars(query)
        )

    def done(self, ids: Collection[int]) -> None:
        """Remove polls that were done; one that was requested again meanwhile has another id."""
        if ids:
            self.session.execute(delete(PollRow).where(PollRow.id.in_(ids)))

    def receive(self, hook: str, digest: str, *, now: datetime) -> bool:
        """Record the message of a webhook; return False if it was received before."""
        oldest = seconds(now - REMEMBERED)
        self.session.execute(delete(ReceiptRow).where(ReceiptRow.received < oldest))
        if self.session.get(ReceiptRow, (hook, digest)) is not None:
            return False
        self.session.add(ReceiptRow(hook=hook, digest=digest, received=seconds(now)))
        self.session.flush()
        return True
