"""Packages that a promotion name keeps at an older build, each with a reason and an end."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from rdo.model.text.dates import minute_utc
from rdo.store.moments import moment, seconds
from rdo.store.schema import HeldBackRow

EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A package that a promotion holds back, at `build_id`, instead of taking build `newer_id`.

    Without a `build_id` the package is left out; without a `newer_id` the candidate lacks it. From
    `until` on it is no longer held back. `ended` and `ending` say when and why the entry ended.
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
        """Return what a name holds back, by package, including expired entries."""
        return {row.package: _held_back(row) for row in self._open(target, name)}

    def history(self, target: str, name: str, *, limit: int = 20) -> tuple[HeldBack, ...]:
        """Return what a name has held back, newest first."""
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
        part_of: str = "",
        besides: Collection[str] = (),
    ) -> None:
        """Hold back exactly these packages from now on; an unchanged entry keeps its row.

        They are held back from the candidate with the hash `part_of`. Entries past their time are
        marked as expired; all others that are no longer wanted end with the reason `ending`. The
        packages in `besides` stay as they are.
        """
        kept = {(one.package, one.since, one.until) for one in wanted}
        there = set()
        for row in self._open(target, name):
            key = row.package, moment(row.since), moment(row.until)
            if row.package in besides:
                continue
            if key in kept:
                there.add(key)
                row.part_of = part_of
                continue
            row.ended = seconds(now)
            row.ending = EXPIRED if row.until <= seconds(now) else ending
        for one in wanted:
            if (one.package, one.since, one.until) not in there:
                self.session.add(_row(target, one, part_of))
        self.session.flush()

    def lift_expired(self, target: str, name: str, *, now: datetime) -> tuple[HeldBack, ...]:
        """End the expired entries of a name, and return them."""
        over = [row for row in self._open(target, name) if row.until <= seconds(now)]
        for row in over:
            row.ended, row.ending = seconds(now), EXPIRED
        self.session.flush()
        return tuple(map(_held_back, over))

    def has_part_of(self, target: str, name: str, candidate: str) -> bool:
        """Whether a name has ever pointed to a part of the candidate with this hash."""
        query = select(HeldBackRow.id).where(
            HeldBackRow.target == target,
            HeldBackRow.name == name,
            HeldBackRow.part_of == candidate,
        )
        return self.session.scalar(query.limit(1)) is not None

    def _open(self, target: str, name: str) -> list[HeldBackRow]:
        """Return the rows that have not ended, by package."""
        query = select(HeldBackRow).where(
            HeldBackRow.target == target, HeldBackRow.name == name, HeldBackRow.ended.is_(None)
        )
        return list(self.session.scalars(query.order_by(HeldBackRow.package)))


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


def _row(target: str, one: HeldBack, part_of: str) -> HeldBackRow:
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
        part_of=part_of,
    )
