"""Queries of API clients about a target's builds: counts, filters and pages."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, literal_column, or_, select
from sqlalchemy.orm import Session, aliased

from rdo.store.moments import seconds
from rdo.store.newest import newest_first
from rdo.store.schema import (
    OPEN_BUILD,
    PUBLISHED,
    ArtifactRow,
    BuildCountRow,
    BuildRow,
    CommitRow,
    PackageRow,
)
from rdo.store.work.builds import SELECTION, SPURIOUS, Build, BuildState, read_builds

_DAY = 86_400
_Counted = tuple[str, str, int]
"""An outcome, the reason of a failure, and how many builds ended like this."""


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
    """The wanted ended builds; None means any value.

    `spurious` separates failures that are tried again from the others; it has an effect only with
    the outcome `failed`. `extended_pattern` may have SQL's wildcards; with `has_outcome` only
    builds that succeeded or failed are included.
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
            CommitRow.package: self.package,
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
            found.append(CommitRow.extended_hash != "")  # empty means none, but matches %
        if self.has_outcome:
            found.append(BuildRow.outcome.in_(("built", "failed")))
        if self.ended is not None:
            is_done = BuildRow.state == BuildState.DONE
            found.append(is_done if self.ended else ~is_done)
        return found


@dataclass(frozen=True, slots=True)
class BuildHistory:
    """Queries about all builds of a target, within one transaction."""

    session: Session

    def counts(
        self,
        target: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        package: str = "",
    ) -> Counts:
        """Count the builds by outcome, with release dates from `since` to before `until`.

        Both are the first moments of a day (UTC).
        """
        first = seconds(since) // _DAY if since else None
        end = seconds(until) // _DAY if until else None
        if package:
            rows = self._of_package(target, package, first, end)
        else:
            rows = self._of_days(target, first, end)
        built = failed = spurious = 0
        for outcome, reason, number in rows:
            if outcome == "built":
                built += number
            elif reason in SPURIOUS:
                spurious += number
            else:
                failed += number
        return Counts(built, failed, spurious)

    def _of_days(self, target: str, first: int | None, end: int | None) -> list[_Counted]:
        """Return the counts kept by the database, whatever the length of the history."""
        query = select(
            BuildCountRow.outcome, BuildCountRow.reason, func.sum(BuildCountRow.number)
        ).where(BuildCountRow.target == target)
        query = query.where(BuildCountRow.day >= first) if first is not None else query
        query = query.where(BuildCountRow.day < end) if end is not None else query
        rows = self.session.execute(query.group_by(BuildCountRow.outcome, BuildCountRow.reason))
        return [(outcome, reason, int(number)) for outcome, reason, number in rows]

    def _of_package(
        self, target: str, package: str, first: int | None, end: int | None
    ) -> list[_Counted]:
        """Count the builds of one package, which are not many."""
        query = select(BuildRow.outcome, BuildRow.reason, func.count()).where(
            BuildRow.target == target,
            BuildRow.package == package,
            BuildRow.outcome.in_(("built", "failed")),
        )
        query = query.where(BuildRow.release_date >= first * _DAY) if first is not None else query
        query = query.where(BuildRow.release_date < end * _DAY) if end is not None else query
        rows = self.session.execute(query.group_by(BuildRow.outcome, BuildRow.reason))
        return [(outcome or "", reason or "", number) for outcome, reason, number in rows]

    def failing_count(self, target: str) -> int:
        """Return how many packages fail now."""
        query = select(func.count()).where(
            PackageRow.target == target, PackageRow.broken_id.is_not(None)
        )
        return self.session.scalar(query) or 0

    def has_builds(self, target: str) -> bool:
        """Whether the target has ever had a build."""
        query = newest_first(
            self.session,
            select(BuildRow.id).where(BuildRow.id > literal_column("0")),
            BuildRow.id,
            {BuildRow.target: target},
        )
        return self.session.scalar(query.limit(1)) is not None

    def listed(
        self,
        target: str,
        wanted: BuildFilter | None = None,
        *,
        before: int | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[Build, ...]:
        """Return builds, newest first; `before` is the last id of the previous page."""
        wanted = wanted or BuildFilter()
        query = SELECTION.where(*wanted.conditions())
        if wanted.upstream_hash is not None:
            # by the few commits with a hash; no index of builds may be used for the target
            query = query.where(BuildRow.target.concat("") == target, CommitRow.target == target)
            query = query.where(BuildRow.id < before) if before is not None else query
            query = query.order_by(BuildRow.id.desc())
        else:
            # by an index that exists only for this, newest first
            query = query.where(BuildRow.id > literal_column("0"))
            values = {BuildRow.target: target}
            values |= {BuildRow.package: wanted.package} if wanted.package is not None else {}
            query = newest_first(self.session, query, BuildRow.id, values, before=before)
        return read_builds(self.session, query.offset(offset).limit(limit))

    def last_tries(self, target: str, package: str = "") -> dict[str, Build]:
        """Return each package's build that was started last and has an outcome, final or not.

        If `package` is not empty, only for that package.
        """
        known = select(PackageRow.package).where(PackageRow.target == target)
        # by the index of open builds; no index of all builds may be used for the target
        is_of_target = BuildRow.target.concat("") == target
        waiting = select(BuildRow.package).where(is_of_target, OPEN_BUILD)
        if package:
            known = known.where(PackageRow.package == package)
            waiting = waiting.where(BuildRow.package == package)
        packages, tries = known.union(waiting).subquery(), aliased(BuildRow)
        last = (
            select(tries.id)
            .where(tries.target == target, tries.package == packages.c.package)
            .where(tries.outcome.in_(("built", "failed")), tries.bootstrap.is_(False))
            .order_by(tries.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        query = SELECTION.where(BuildRow.id.in_(select(last).select_from(packages)))
        return {build.package: build for build in read_builds(self.session, query)}

    def get(self, target: str, build_id: int) -> Build | None:
        """Return a build of this target; None if there is none with this id."""
        query = SELECTION.where(BuildRow.target == target, BuildRow.id == build_id)
        return next(iter(read_builds(self.session, query)), None)

    def of_ids(self, target: str, build_ids: Collection[int]) -> tuple[Build, ...]:
        """Return those of the builds that belong to this target, in no particular order."""
        query = SELECTION.where(BuildRow.id.in_(build_ids), BuildRow.target.concat("") == target)
        return read_builds(self.session, query)

    def published(self, target: str, package: str) -> tuple[Build, ...]:
        """Return the published builds of a package, in the order of its commits."""
        query = self._published(target, package)
        return read_builds(self.session, query.order_by(CommitRow.position, BuildRow.id))

    def of_version(self, target: str, package: str, version: str) -> tuple[Build, ...]:
        """Return the published builds of a package with a version, which may have more to it.

        That is an epoch, as in `1:2.0`, and a release, as in `2.0-1`.
        """
        epoch, colon, version = version.rpartition(":")
        name = ArtifactRow.version + "-" + ArtifactRow.release
        query = (
            self._published(target, package)
            .join(ArtifactRow, ArtifactRow.build_id == BuildRow.id)
            .where(ArtifactRow.is_source.is_(True))
            .where(or_(ArtifactRow.version == version, name == version))
        )
        if colon:
            number = int(epoch) if re.fullmatch("[0-9]{1,9}", epoch) else -1
            query = query.where(ArtifactRow.epoch == number)
        return read_builds(self.session, query.order_by(CommitRow.position, BuildRow.id))

    def of_hash(self, target: str, start: str) -> tuple[Build, ...]:
        """Return the published builds of a commit, by its upstream hash or else its distgit hash.

        The start of the hash is enough, if it is not the start of several.
        """
        for column in (CommitRow.upstream_hash, CommitRow.distgit_hash):
            is_meant = (column >= start) & (column < start + "g")  # above every digit: a range
            commits = select(CommitRow.id, column).where(CommitRow.target == target, is_meant)
            rows = self.session.execute(commits).all()
            if len({row[1] for row in rows}) == 1:
                query = SELECTION.where(
                    BuildRow.commit_id.in_([row[0] for row in rows]),
                    PUBLISHED,
                    BuildRow.bootstrap.is_(False),
                )
                return read_builds(self.session, query.order_by(BuildRow.id))
        return ()

    @staticmethod
    def _published(target: str, package: str) -> Select[BuildRow, CommitRow]:
        return SELECTION.where(
            BuildRow.target == target,
            BuildRow.package == package,
            PUBLISHED,
            BuildRow.bootstrap.is_(False),
        )
