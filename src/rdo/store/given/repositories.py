"""Published repositories: their paths, and the set of builds in each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from rdo.store.batches import batches
from rdo.store.moments import maybe_moment, moment, seconds
from rdo.store.schema import RepositoryRow


@dataclass(frozen=True, slots=True)
class Repository:
    """A published repository; `path` is relative to the published tree.

    `build_id` is None for a composed one. `digest` names the set of builds, so two repositories
    with the same content have the same digest. `removed` is when retention removed it.
    """

    id: int
    target: str
    component: str | None
    path: str
    build_id: int | None
    digest: str
    created: datetime
    removed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Repositories:
    """The table of repositories, within one transaction."""

    session: Session

    def add(
        self,
        target: str,
        *,
        component: str | None,
        path: str,
        build_id: int | None,
        digest: str,
        now: datetime,
    ) -> Repository:
        """Record a repository that is about to be published; `build_id` is None if composed."""
        row = RepositoryRow(
            target=target,
            component=component or "",
            path=path,
            build_id=build_id,
            digest=digest,
            created=seconds(now),
        )
        self.session.add(row)
        self.session.flush()
        return repository_of(row)

    def get(self, repository_id: int) -> Repository:
        """Return a repository by its id."""
        return repository_of(self.session.get_one(RepositoryRow, repository_id))

    def paths(self, repository_ids: Collection[int]) -> dict[int, str]:
        """Return the paths of repositories by id, including removed ones."""
        columns = select(RepositoryRow.id, RepositoryRow.path)
        rows = self.session.execute(columns.where(RepositoryRow.id.in_(repository_ids)))
        return {row.id: row.path for row in rows}

    def at_path(self, target: str, path: str) -> Repository | None:
        """Return the repository now at `path`; a recheck may have replaced an older one."""
        query = (
            select(RepositoryRow)
            .where(
                RepositoryRow.target == target,
                RepositoryRow.path == path,
                RepositoryRow.removed.is_(None),
            )
            .order_by(RepositoryRow.id.desc())
            .limit(1)
        )
        row = self.session.scalar(query)
        return repository_of(row) if row else None

    def of_build(self, target: str, build_id: int) -> Repository | None:
        """Return the newest hash repository of a build, even if it was removed."""
        query = select(RepositoryRow).where(
            RepositoryRow.build_id == build_id, RepositoryRow.target == target
        )
        row = self.session.scalar(query.order_by(RepositoryRow.id.desc()).limit(1))
        return repository_of(row) if row else None

    def first_of(self, build_ids: Collection[int]) -> int | None:
        """Return the id of the oldest repository that was made for one of these builds."""
        firsts = []
        for part in batches(build_ids):
            query = select(func.min(RepositoryRow.id)).where(RepositoryRow.build_id.in_(part))
            firsts.append(self.session.scalar(query))
        return min((one for one in firsts if one is not None), default=None)

    def builds_in_tree(self, target: str, build_ids: Collection[int]) -> frozenset[int]:
        """Return those of the builds whose hash repository is in the tree."""
        query = select(RepositoryRow.build_id).where(
            RepositoryRow.build_id.in_(build_ids),
            # not by an index of the target, which would read all of its repositories
            RepositoryRow.target.concat("") == target,
            RepositoryRow.removed.is_(None),
        )
        return frozenset(id_ for id_ in self.session.scalars(query) if id_ is not None)

    def newest_of(self, target: str, component: str | None, digest: str) -> Repository | None:
        """Return the newest repository that contains exactly the builds with this `digest`."""
        query = (
            select(RepositoryRow)
            .where(
                RepositoryRow.target == target,
                RepositoryRow.component == (component or ""),
                RepositoryRow.digest == digest,
                RepositoryRow.removed.is_(None),
            )
            .order_by(RepositoryRow.id.desc())
            .limit(1)
        )
        row = self.session.scalar(query)
        return repository_of(row) if row else None

    def paths_of(self, build_ids: Collection[int]) -> dict[int, str]:
        """Return the path of each build's repository, even if it was removed."""
        query = select(RepositoryRow.build_id, RepositoryRow.path).where(
            RepositoryRow.build_id.in_(build_ids)
        )
        rows = self.session.execute(query.order_by(RepositoryRow.id))
        return {build_id: path for build_id, path in rows if build_id is not None}

    def find(self, target: str, repository_id: int) -> Repository | None:
        """Return a repository of a target by its id; None if the target has none with this id."""
        row = self.session.get(RepositoryRow, repository_id)
        return repository_of(row) if row and row.target == target else None

    def with_prefix(self, target: str, path: str, *, limit: int) -> tuple[Repository, ...]:
        """Return the repositories in the tree whose path begins with `path`, sorted by path."""
        upper = path + "\x7f"  # above every character of a path: the index can serve a range
        query = (
            select(RepositoryRow)
            .where(
                RepositoryRow.target == target,
                RepositoryRow.path >= path,
                RepositoryRow.path < upper,
                RepositoryRow.removed.is_(None),
            )
            .order_by(RepositoryRow.path, RepositoryRow.id)
            .limit(limit)
        )
        return tuple(map(repository_of, self.session.scalars(query)))

    def in_tree(self, target: str) -> tuple[Repository, ...]:
        """Return the repositories in the tree now, oldest first.

        If a path was replaced, only the newest one.
        """
        query = select(RepositoryRow).where(
            RepositoryRow.target == target, RepositoryRow.removed.is_(None)
        )
        rows = self.session.scalars(query.order_by(RepositoryRow.id))
        found = {row.path: repository_of(row) for row in rows}
        return tuple(sorted(found.values(), key=lambda one: one.id))

    def remove(self, target: str, paths: Collection[str], *, now: datetime) -> None:
        """Record that the repositories at these paths are no longer in the tree."""
        rows = update(RepositoryRow).where(
            RepositoryRow.target == target,
            RepositoryRow.path.in_(paths),
            RepositoryRow.removed.is_(None),
        )
        self.session.execute(rows.values(removed=seconds(now)))

    def put_back(self, repository_id: int) -> None:
        """Record that a repository that was removed is in the tree again."""
        self.session.get_one(RepositoryRow, repository_id).removed = None
        self.session.flush()


def repository_of(row: RepositoryRow) -> Repository:
    """Return the repository of a row."""
    return Repository(
        id=row.id,
        target=row.target,
        component=row.component or None,
        path=row.path,
        build_id=row.build_id,
        digest=row.digest,
        created=moment(row.created),
        removed=maybe_moment(row.removed),
    )
