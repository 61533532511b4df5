"""The commits of a target, in each package's own order."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, literal_column, select
from sqlalchemy.orm import Session

from rdo.model.commit import Commit
from rdo.store.moments import maybe_moment, moment, seconds
from rdo.store.newest import newest_first
from rdo.store.schema import CommitRow


@dataclass(frozen=True, slots=True)
class Commits:
    """The table of commits, within one transaction."""

    session: Session

    def newest(
        self,
        target: str,
        package: str,
        *,
        of: Collection[str] | None = None,
        but: Collection[str] = (),
        upstream_hash: str = "",
    ) -> Commit | None:
        """Return the newest commit that was ever planned, by position, whatever its branch.

        The search can be limited to some of the package's upstreams (`of`), to upstreams other than
        some (`but`), and to one upstream hash.
        """
        conditions = [CommitRow.target == target, CommitRow.package == package]
        conditions += [CommitRow.upstream.in_(of)] if of is not None else []
        conditions += [CommitRow.upstream.not_in(but)] if but else []
        conditions += [CommitRow.upstream_hash == upstream_hash] if upstream_hash else []
        query = select(CommitRow).where(*conditions).order_by(CommitRow.position.desc()).limit(1)
        row = self.session.scalar(query)
        return commit_of(row) if row else None

    def listed(
        self, target: str, *, package: str | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[tuple[int, Commit], ...]:
        """Return commits with their ids, last planned first; only those before the id `before`."""
        if package is not None:
            query = select(CommitRow).where(
                CommitRow.target == target, CommitRow.package == package
            )
            query = query.where(CommitRow.id < before) if before is not None else query
            query = query.order_by(CommitRow.id.desc())
        else:
            # by an index that exists only for this, newest first
            query = select(CommitRow).where(CommitRow.id > literal_column("0"))
            values = {CommitRow.target: target}
            query = newest_first(self.session, query, CommitRow.id, values, before=before)
        rows = self.session.scalars(query.limit(limit))
        return tuple((row.id, commit_of(row)) for row in rows)

    def is_known(self, target: str, commit: Commit) -> bool:
        """Whether this commit was planned before."""
        return self.row_of(target, commit) is not None

    def owner(self, target: str, upstream_hash: str, distgit_hash: str) -> str | None:
        """Return the package that has these two hashes without an extended one.

        A second package with the same two hashes needs an extended hash, so that the two do not use
        the same hash directory.
        """
        query = select(CommitRow.package).where(
            CommitRow.target == target,
            CommitRow.upstream_hash == upstream_hash,
            CommitRow.distgit_hash == distgit_hash,
            CommitRow.extended_hash == "",
        )
        return self.session.scalar(query.limit(1))

    def add(self, target: str, commit: Commit, *, as_newest: bool = False) -> CommitRow:
        """Return the row of `commit`, added at the end of the package's order if it is new.

        A known commit keeps its place, unless `as_newest`: then a force-push or a switched branch
        has made it the head again.
        """
        row = self.row_of(target, commit)
        last = self._last_position(target, commit.package)
        if row is None:
            row = _row(target, commit, last + 1)
            self.session.add(row)
        elif as_newest:
            row.upstream = commit.upstream
            if row.position < last:
                row.position, row.traced = last + 1, False
        self.session.flush()
        return row

    def row_of(self, target: str, commit: Commit) -> CommitRow | None:
        """Return the row of a commit; None if it is unknown."""
        query = select(CommitRow).where(
            CommitRow.target == target,
            CommitRow.package == commit.package,
            CommitRow.upstream_hash == commit.upstream_hash,
            CommitRow.distgit_hash == commit.distgit_hash,
            CommitRow.extended_hash == (commit.extended_hash or ""),
        )
        return self.session.scalar(query)

    def _last_position(self, target: str, package: str) -> int:
        query = select(func.max(CommitRow.position)).where(
            CommitRow.target == target, CommitRow.package == package
        )
        return self.session.scalar(query) or 0


def commit_of(row: CommitRow | Row[*tuple[Any, ...]]) -> Commit:
    """Return the commit of a row, or of any result with the same columns."""
    return Commit(
        package=row.package,
        upstream_hash=row.upstream_hash,
        distgit_hash=row.distgit_hash,
        upstream_time=moment(row.upstream_time),
        distgit_time=moment(row.distgit_time),
        upstream_branch=row.upstream_branch,
        extended_hash=row.extended_hash or None,
        extended_time=maybe_moment(row.extended_time),
        component=row.component,
        upstream=row.upstream,
    )


def _row(target: str, commit: Commit, position: int) -> CommitRow:
    return CommitRow(
        target=target,
        package=commit.package,
        position=position,
        upstream_hash=commit.upstream_hash,
        distgit_hash=commit.distgit_hash,
        extended_hash=commit.extended_hash or "",
        upstream_time=seconds(commit.upstream_time),
        distgit_time=seconds(commit.distgit_time),
        extended_time=seconds(commit.extended_time) if commit.extended_time else None,
        upstream_branch=commit.upstream_branch,
        component=commit.component,
        upstream=commit.upstream,
    )
