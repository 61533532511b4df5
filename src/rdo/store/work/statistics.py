"""Statistics over a span of time: builds by day, failing packages, and the time to a repository."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from rdo.store.moments import moment, seconds
from rdo.store.schema import BuildRow, CommitRow, PackageRow, RepositoryRow
from rdo.store.work.builds import SPURIOUS

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class BuildsOfDay:
    """How many builds ended on a day (UTC), by outcome."""

    built: int = 0
    failed: int = 0
    spurious: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """A build that decided whether its package fails."""

    package: str
    when: datetime
    is_good: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """A commit that got a repository of its own, after a build."""

    committed: datetime
    finished: datetime
    published: datetime


@dataclass(frozen=True, slots=True)
class Statistics:
    """Queries about the builds that ended since a moment, within one transaction.

    Each reads only that span, by an index, whatever the length of the history.
    """

    session: Session

    def builds_by_day(self, target: str, since: datetime) -> dict[int, BuildsOfDay]:
        """Count the builds of each day; the key is the number of days since the epoch."""
        day = BuildRow.finished // _DAY
        query = (
            select(day, BuildRow.outcome, BuildRow.reason, func.count())
            .where(
                BuildRow.target == target,
                BuildRow.finished >= seconds(since),
                BuildRow.outcome.in_(("built", "failed")),
            )
            .group_by(day, BuildRow.outcome, BuildRow.reason)
        )
        counted: dict[int, list[int]] = {}
        for number, outcome, reason, count in self.session.execute(query):
            kind = 0 if outcome == "built" else 2 if reason in SPURIOUS else 1
            counted.setdefault(int(number or 0), [0, 0, 0])[kind] += count
        return {number: BuildsOfDay(*counts) for number, counts in counted.items()}

    def turns(self, target: str, since: datetime) -> list[Turn]:
        """Return the builds that decide the states of their packages, oldest first.

        A spurious failure is not included, because it is tried again.
        """
        query = (
            select(BuildRow.package, BuildRow.finished, BuildRow.outcome)
            .where(
                BuildRow.target == target,
                BuildRow.finished >= seconds(since),
                BuildRow.outcome.in_(("built", "failed")),
                or_(BuildRow.outcome == "built", BuildRow.reason.not_in(SPURIOUS)),
            )
            .order_by(BuildRow.finished)
        )
        rows = self.session.execute(query)
        return [
            Turn(package, moment(when or 0), outcome == "built") for package, when, outcome in rows
        ]

    def failing_at(self, target: str, when: datetime) -> Mapping[str, bool]:
        """Return whether each package that had been built by then was failing."""
        last = (
            select(BuildRow.outcome)
            .where(
                BuildRow.target == PackageRow.target,
                BuildRow.package == PackageRow.package,
                BuildRow.finished < seconds(when),
                BuildRow.outcome.in_(("built", "failed")),
                or_(BuildRow.outcome == "built", BuildRow.reason.not_in(SPURIOUS)),
            )
            .order_by(BuildRow.id.desc())
            .limit(1)
            .correlate(PackageRow)
            .scalar_subquery()
        )
        query = select(PackageRow.package, last).where(PackageRow.target == target)
        rows = self.session.execute(query)
        return {package: outcome == "failed" for package, outcome in rows if outcome}

    def arrivals(self, target: str, since: datetime) -> list[Arrival]:
        """Return the commits that got a repository, with their times, in no particular order.

        A commit's time is that of its upstream or its distgit, whichever is later.
        """
        query = (
            select(
                CommitRow.upstream_time,
                CommitRow.distgit_time,
                BuildRow.finished,
                RepositoryRow.created,
            )
            .join(BuildRow, BuildRow.commit_id == CommitRow.id)
            .join(RepositoryRow, RepositoryRow.build_id == BuildRow.id)
            .where(
                BuildRow.target == target,
                BuildRow.finished >= seconds(since),
                BuildRow.outcome == "built",
                RepositoryRow.target == target,
            )
        )
        return [
            Arrival(moment(max(upstream, distgit)), moment(finished or 0), moment(created))
            for upstream, distgit, finished, created in self.session.execute(query)
        ]
