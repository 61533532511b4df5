"""The result of the last poll of each package."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from rdo.store.moments import maybe_moment, seconds
from rdo.store.schema import HeadRow


@dataclass(frozen=True, slots=True)
class Head:
    """The heads of a package's two branches when they were last seen.

    A package that cannot be reached keeps the old values; `error` is the reason, and `error_since`
    is when that began.
    """

    package: str
    upstream_hash: str | None
    distgit_hash: str | None
    seen: datetime | None
    error: str = ""
    error_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Heads:
    """The table of heads, within one transaction."""

    session: Session

    def all(self, target: str) -> dict[str, Head]:
        """Return the heads of the target's packages, by package name."""
        rows = self.session.scalars(select(HeadRow).where(HeadRow.target == target))
        return {row.package: _head(row) for row in rows}

    def seen(
        self, target: str, package: str, *, upstream_hash: str, distgit_hash: str, now: datetime
    ) -> None:
        """Record a successful poll; this clears any error."""
        row = self._row(target, package)
        row.upstream_hash, row.distgit_hash, row.seen = upstream_hash, distgit_hash, seconds(now)
        row.error, row.error_since = "", None

    def unreachable(self, target: str, package: str, error: str, *, now: datetime) -> None:
        """Record a failed poll; of several in a row, the time of the first one is kept."""
        row = self._row(target, package)
        row.error = error
        row.error_since = row.error_since or seconds(now)

    def _row(self, target: str, package: str) -> HeadRow:
        row = self.session.get(HeadRow, (target, package))
        if row is None:
            row = HeadRow(target=target, package=package, error="")
            self.session.add(row)
        return row


def _head(row: HeadRow) -> Head:
    return Head(
        package=row.package,
        upstream_hash=row.upstream_hash,
        distgit_hash=row.distgit_hash,
        seen=maybe_moment(row.seen),
        error=row.error,
        error_since=maybe_moment(row.error_since),
    )
