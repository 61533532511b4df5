"""The builds of a target as an outsider asks for them: counted, filtered and in pages."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from rdo.store.builds import SPURIOUS, Build, BuildState, read_builds, selection
from rdo.store.moments import seconds
from rdo.store.schema import OPEN_BUILD, BuildRow, CommitRow, PackageRow


@dataclass(frozen=True, slots=True)
class Counts:
    """How many builds succeeded, failed, and failed for a reason that is tried again."""

    built: int = 0
    failed: int = 0
    spurious: int = 0

    @property
    def all(self) -> int:
        """The sum of the three."""
        return self.built + self.failed + self.spurious


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFilter:
    """Which ended builds are asked for; what is None does not matter.

    `spurious` separates failures that are tried again from the others; it has an effect only with
    the outcome `failed`. `extended_pattern` may have SQL's wildcards; with `has_outcome` only
    builds that succeeded or failed are meant.
    """

    package: str | None = None
    component: str | None = None
    outcome: str | None = None
    spurious: bool | None = None
    upstream_hash: str | None = None
    distgit_hash: str | None = None
    extended_pattern: str | None = None
    bootstrap: bool | None = None
    ended: bool | None = None
    has_outcome: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions on a row."""
        wanted = {
            BuildRow.package: self.package,
            CommitRow.component: self.component,
            BuildRow.outcome: self.outcome,
            CommitRow.upstream_hash: self.upstream_hash,
            CommitRow.distgit_hash: self.distgit_hash,
            BuildRow.bootstrap: self.bootstrap,
        }
        found = [column == value for column, value in wanted.items() if value is not None]
        if self.spurious is not None and self.outcome == "failed":
            is_spurious = BuildRow.reason.in_(SPURIOUS)
            found.append(is_spurious if self.spurious else ~is_spurious)
        if self.extended_pattern is not None:
            found.append(CommitRow.extended_hash.like(self.extended_pattern))
        if self.has_outcome:
            found.append(BuildRow.outcome.in_(("built", "failed")))
        if self.ended is not None:
            is_done = BuildRow.state == BuildState.DONE
            found.append(is_done if self.ended else ~is_done)
        return found


@dataclass(frozen=True, slots=True)
class BuildHistory:
    """Questions about all builds of a target, within one transaction."""

    session: Session

    def counts(
        self,
        target: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        package: str = "",
    ) -> Counts:
        """Count the builds by their outcome; by release date from `since` to before `until`."""
        conditions: list[ColumnElement[bool]] = [BuildRow.target == target]
        conditions += [BuildRow.package == package] if package else []
        conditions += [BuildRow.release_date >= seconds(since)] if since else []
        conditions += [BuildRow.release_date < seconds(until)] if until else []
        query = (
            select(BuildRow.outcome, BuildRow.reason, func.count())
            .where(*conditions, BuildRow.outcome.in_(("built", "failed")))
            .group_by(BuildRow.outcome, BuildRow.reason)
        )
        built = failed = spurious = 0
        for outcome, reason, number in self.session.execute(query):
            if outcome == "built":
                built += number
            elif reason in SPURIOUS:
                spurious += number
            else:
                failed += number
        return Counts(built, failed, spurious)

    def open_counts(self, target: str) -> dict[str, int]:
        """Return how many builds are queued and running."""
        query = select(BuildRow.state, func.count()).where(BuildRow.target == target, OPEN_BUILD)
        rows = self.session.execute(query.group_by(BuildRow.state))
        found: dict[str, int] = dict(list(rows))
        running = sum(number for state, number in found.items() if state != BuildState.QUEUED)
        return {"queued": found.get(BuildState.QUEUED, 0), "running": running}

    def failing_count(self, target: str) -> int:
        """Return how many packages are broken now."""
        query = select(func.count()).where(
            PackageRow.target == target, PackageRow.broken_id.is_not(None)
        )
        return self.session.scalar(query) or 0

    def has_builds(self, target: str) -> bool:
        """Whether the target has had a build."""
        query = select(BuildRow.id).where(BuildRow.target == target).limit(1)
        return self.session.scalar(query) is not None

    def listed(
        self,
        target: str,
        wanted: BuildFilter | None = None,
        *,
        before: int | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[Build, ...]:
        """Return builds, newest first; `before` is the id that a page ended with."""
        wanted = wanted or BuildFilter()
        # By id from the newest on; where `target` alone could choose an index, SQLite would sort
        # all builds of the target by their ids first.
        is_narrow = wanted.package is not None
        of_target = BuildRow.target if is_narrow else BuildRow.target.concat("")
        conditions = [of_target == target, *wanted.conditions()]
        if wanted.upstream_hash is not None:
            conditions.append(CommitRow.target == target)
        query = selection().where(*conditions)
        if before is not None:
            query = query.where(BuildRow.id < before)
        query = query.order_by(BuildRow.id.desc()).offset(offset).limit(limit)
        return read_builds(self.session, query)

    def get(self, target: str, build_id: int) -> Build | None:
        """Return a build of this target; None if there is none with this id."""
        query = selection().where(BuildRow.target == target, BuildRow.id == build_id)
        return next(iter(read_builds(self.session, query)), None)
