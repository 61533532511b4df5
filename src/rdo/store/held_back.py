"""Packages that a promotion name has at an older build, each with its reason and its end."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from rdo.model.dates import minute_utc
from rdo.store.moments import moment, seconds
from rdo.store.schema import HeldBackRow


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A package that a promotion holds back, at `build_id`, instead of taking build `newer_id`.

    Without a `build_id` the package is left out; without a `newer_id` it would be gone. From
    `until` on it is not held back any more. `ended` and `ending` say when and why it was lifted.
    """

    name: str
    package: str
    build_id: int | None
    newer_id: int | None
    since: datetime
    until: datetime
    by: str
    why: str
    ended: datetime | None = None
    ending: str = ""

    def is_in_force(self, now: datetime) -> bool:
        """Whether promotions hold the package back at this moment."""
        return self.ended is None and now < self.until

    def __str__(self) -> str:
        """`held back by me since 2026-08-01 12:00 UTC until 2026-08-15 12:00 UTC: it hangs`."""
        span = f"since {minute_utc(self.since)} until {minute_utc(self.until)}"
        return f"held back by {self.by} {span}: {self.why}"


@dataclass(frozen=True, slots=True)
class HeldBacks:
    """The table of packages that are held back, within one transaction."""

    session: Session

    def of_name(self, target: str, name: str) -> dict[str, HeldBack]:
        """Return what a name holds back and nobody has lifted, by package, also if it is over."""
        query = select(HeldBackRow).where(
            HeldBackRow.target == target, HeldBackRow.name == name, HeldBackRow.ended.is_(None)
        )
        rows = self.session.scalars(query.order_by(HeldBackRow.package))
        return {row.package: _held_back(row) for row in rows}

    def history(self, target: str, name: str, *, limit: int = 20) -> tuple[HeldBack, ...]:
        """Return what a name has held back, the newest first."""
        query = select(HeldBackRow).where(HeldBackRow.target == target, HeldBackRow.name == name)
        rows = self.session.scalars(query.order_by(HeldBackRow.id.desc()).limit(limit))
        return tuple(map(_held_back, rows))

    def replace(
        self,
        target: str,
        name: str,
        wanted: Collection[HeldBack],
        *,
        now: datetime,
        ending: str = "mended",
    ) -> None:
        """Hold exactly these back from now on; what stays as it is keeps its row.

        What is over has expired; all else that is not wanted any more ends as `ending` says.
        """
        kept = {(one.package, one.since, one.until) for one in wanted}
        query = select(HeldBackRow).where(
            HeldBackRow.target == target, HeldBackRow.name == name, HeldBackRow.ended.is_(None)
        )
        there = set()
        for row in self.session.scalars(query):
            key = row.package, moment(row.since), moment(row.until)
            if key in kept:
                there.add(key)
                continue
            row.ended = seconds(now)
            row.ending = "expired" if row.until <= seconds(now) else ending
        for one in wanted:
            if (one.package, one.since, one.until) not in there:
                self.session.add(_row(target, one))
        self.session.flush()


def _held_back(row: HeldBackRow) -> HeldBack:
    return HeldBack(
        name=row.name,
        package=row.package,
        build_id=row.build_id,
        newer_id=row.newer_id,
        since=moment(row.since),
        until=moment(row.until),
        by=row.held_by,
        why=row.why,
        ended=moment(row.ended) if row.ended is not None else None,
        ending=row.ending,
    )


def _row(target: str, one: HeldBack) -> HeldBackRow:
    return HeldBackRow(
        target=target,
        name=one.name,
        package=one.package,
        build_id=one.build_id,
        newer_id=one.newer_id,
        since=seconds(one.since),
        until=seconds(one.until),
        held_by=one.by,
        why=one.why,
        ended=None,
        ending="",
    )
