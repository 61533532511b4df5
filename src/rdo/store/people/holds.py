"""Holds and pauses: packages that stay at an older build, and targets that build nothing."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from rdo.model.text.dates import minute_utc
from rdo.store.moments import moment, seconds
from rdo.store.schema import HoldRow, PauseRow


@dataclass(frozen=True, slots=True)
class Hold:
    """A package that is not built for now; `build_id` is the build that it stays at, if any."""

    package: str
    build_id: int | None
    since: datetime
    by: str
    why: str

    def __str__(self) -> str:
        """`held by me since 2026-08-01 12:00 UTC: it hangs`."""
        return f"held {_origin(self)}"


@dataclass(frozen=True, slots=True)
class Pause:
    """A target that builds nothing until somebody resumes it."""

    target: str
    since: datetime
    by: str
    why: str

    def __str__(self) -> str:
        """`paused by me since 2026-08-01 12:00 UTC: a new disk`."""
        return f"paused {_origin(self)}"


def _origin(stop: Hold | Pause) -> str:
    return f"by {stop.by} since {minute_utc(stop.since)}: {stop.why}"


@dataclass(frozen=True, slots=True)
class Holds:
    """The tables of holds and pauses, within one transaction."""

    session: Session

    def all(self, target: str) -> dict[str, Hold]:
        """Return the held packages of a target, by name."""
        query = select(HoldRow).where(HoldRow.target == target).order_by(HoldRow.package)
        return {
            row.package: Hold(row.package, row.build_id, moment(row.since), row.held_by, row.why)
            for row in self.session.scalars(query)
        }

    def hold(
        self, target: str, package: str, build_id: int | None, *, now: datetime, by: str, why: str
    ) -> None:
        """Hold a package, or replace its current hold."""
        self.release(target, package)
        row = HoldRow(target=target, package=package, build_id=build_id, held_by=by, why=why)
        row.since = seconds(now)
        self.session.add(row)
        self.session.flush()

    def release(self, target: str, package: str) -> bool:
        """End a hold; return False if there was none."""
        found = self.session.get(HoldRow, (target, package))
        condition = (HoldRow.target == target) & (HoldRow.package == package)
        self.session.execute(delete(HoldRow).where(condition))
        self.session.expire_all()
        return found is not None

    def pause_of(self, target: str) -> Pause | None:
        """Return the target's pause; None if it is not paused."""
        row = self.session.get(PauseRow, target)
        return Pause(row.target, moment(row.since), row.paused_by, row.why) if row else None

    def pause(self, target: str, *, now: datetime, by: str, why: str) -> None:
        """Pause a target; if it is paused already, only the reason changes."""
        row = self.session.get(PauseRow, target)
        if row is None:
            row = PauseRow(target=target, since=seconds(now))
            self.session.add(row)
        row.paused_by, row.why = by, why
        self.session.flush()

    def resume(self, target: str) -> bool:
        """End a pause; return False if there was none."""
        row = self.session.get(PauseRow, target)
        if row is not None:
            self.session.delete(row)
            self.session.flush()
        return row is not None
