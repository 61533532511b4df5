"""Read builds for display in a few light queries: the states of packages, and their history."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, literal_column, select
from sqlalchemy.orm import Session

from rdo.model.build import FailureReason
from rdo.model.commit import Commit
from rdo.store.moments import maybe_moment, moment
from rdo.store.schema import ArtifactRow, BuildRow, CommitRow, PackageRow
from rdo.store.work.commits import commit_of


@dataclass(frozen=True, slots=True)
class BuildLine:
    """A build that has ended, without the parts that only a round needs.

    `reason` is None for a build that made RPMs. `asked` are the dependencies that its last try
    waited for. `taken_from` and `not_taken` are as in `Built`.
    """

    id: int
    commit: Commit
    release_date: datetime
    attempt: int
    bootstrap: bool
    reason: FailureReason | None
    detail: str
    started: datetime | None
    finished: datetime | None
    published: int | None
    asked: tuple[str, ...] = ()
    taken_from: str = ""
    not_taken: str = ""


@dataclass(frozen=True, slots=True)
class Reports:
    """The queries of views and pages, within one transaction."""

    session: Session

    def newest(self, target: str, *, limit: int, before: int | None = None) -> list[BuildLine]:
        """Return the builds that ended, newest first; with `before`, only lower numbers."""
        newest_first = BuildRow.id > literal_column("0")  # by the index that exists only for this
        query = _builds().where(BuildRow.target == target, newest_first, _ENDED)
        query = query.where(BuildRow.id < before) if before is not None else query
        return self._lines(query.order_by(BuildRow.id.desc()).limit(limit))

    def history(self, target: str, package: str, *, limit: int) -> list[BuildLine]:
        """Return the builds of a package that ended, newest first."""
        query = _builds().where(BuildRow.target == target, BuildRow.package == package, _ENDED)
        return self._lines(query.order_by(BuildRow.id.desc()).limit(limit))

    def pointed_at(self, target: str) -> dict[int, BuildLine]:
        """Return the newest, good and first failed builds of all packages, by number."""
        found: dict[int, BuildLine] = {}
        for column in (PackageRow.newest_id, PackageRow.good_id, PackageRow.broken_id):
            query = _builds().join(PackageRow, column == BuildRow.id)
            lines = self._lines(query.where(PackageRow.target == target))
            found |= {line.id: line for line in lines}
        return found

    def files(self, target: str) -> dict[int, list[str]]:
        """Return the RPMs of the newest good builds by build number, the source RPM first."""
        query = (
            select(ArtifactRow.build_id, ArtifactRow.file_name)
            .join(PackageRow, PackageRow.good_id == ArtifactRow.build_id)
            .where(PackageRow.target == target)
            .order_by(ArtifactRow.is_source.desc(), ArtifactRow.file_name)
        )
        return _grouped((row.build_id, row.file_name) for row in self.session.execute(query))

    def _lines(self, query: Select[*tuple[Any, ...]]) -> list[BuildLine]:
        return [_line(row) for row in self.session.execute(query)]


_ENDED = BuildRow.outcome.in_(("built", "failed"))


def _builds() -> Select[*tuple[Any, ...]]:
    """Select columns instead of objects: hundreds of builds are read after each change."""
    columns = (
        BuildRow.id.label("build_id"),
        BuildRow.release_date,
        BuildRow.attempt,
        BuildRow.bootstrap,
        BuildRow.outcome,
        BuildRow.reason,
        BuildRow.detail,
        BuildRow.started,
        BuildRow.finished,
        BuildRow.published,
        BuildRow.needs,
        BuildRow.taken_from,
        BuildRow.not_taken,
        CommitRow.package,
        CommitRow.upstream_hash,
        CommitRow.distgit_hash,
        CommitRow.extended_hash,
        CommitRow.upstream_time,
        CommitRow.distgit_time,
        CommitRow.extended_time,
        CommitRow.upstream_branch,
        CommitRow.component,
        CommitRow.upstream,
    )
    return select(*columns).join(CommitRow, CommitRow.id == BuildRow.commit_id)


def _line(row: Row[*tuple[Any, ...]]) -> BuildLine:
    return BuildLine(
        id=row.build_id,
        commit=commit_of(row),
        release_date=moment(row.release_date),
        attempt=row.attempt,
        bootstrap=row.bootstrap,
        reason=FailureReason(row.reason) if row.outcome == "failed" and row.reason else None,
        detail=row.detail,
        started=maybe_moment(row.started),
        finished=maybe_moment(row.finished),
        published=row.published,
        asked=tuple(json.loads(row.needs)) if row.needs != "[]" else (),
        taken_from=row.taken_from,
        not_taken=row.not_taken,
    )


def _grouped(rows: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for build_id, name in rows:
        found.setdefault(build_id, []).append(name)
    return found
