"""The names that lead to a repository, and their history."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from rdo.store.moments import moment, seconds
from rdo.store.repositories import Repository, repository_of
from rdo.store.schema import MoveRow, NameRow, RepositoryRow


@dataclass(frozen=True, slots=True)
class Move:
    """One move of a name; `old_id` is None for the first one."""

    component: str | None
    name: str
    old_id: int | None
    new_id: int
    moved: datetime
    moved_by: str
    why: str


@dataclass(frozen=True, slots=True)
class Names:
    """The tables of names and moves, within one transaction."""

    session: Session

    def repository(self, target: str, component: str | None, name: str) -> Repository | None:
        """Return the repository that the name leads to now."""
        query = (
            select(RepositoryRow)
            .join(NameRow, NameRow.repository_id == RepositoryRow.id)
            .where(
                NameRow.target == target,
                NameRow.component == (component or ""),
                NameRow.name == name,
            )
        )
        row = self.session.scalar(query)
        return repository_of(row) if row else None

    def components(self, target: str, name: str) -> dict[str | None, Repository]:
        """Return the repository of each component that has the name.

        The key None: no components.
        """
        query = (
            select(NameRow.component, RepositoryRow)
            .join(RepositoryRow, NameRow.repository_id == RepositoryRow.id)
            .where(NameRow.target == target, NameRow.name == name)
            .order_by(NameRow.component)
        )
        rows = self.session.execute(query)
        return {component or None: repository_of(row) for component, row in rows}

    def components_at(
        self, target: str, name: str, moment: datetime
    ) -> dict[str | None, Repository]:
        """Return where the name led at a moment, by component; empty before its first move."""
        query = select(NameRow.component).where(NameRow.target == target, NameRow.name == name)
        found: dict[str | None, Repository] = {}
        for component in self.session.scalars(query.order_by(NameRow.component)):
            last = (
                select(RepositoryRow)
                .join(MoveRow, MoveRow.new_id == RepositoryRow.id)
                .where(
                    MoveRow.target == target,
                    MoveRow.component == component,
                    MoveRow.name == name,
                    MoveRow.moved <= seconds(moment),
                )
                .order_by(MoveRow.id.desc())
                .limit(1)
            )
            if row := self.session.scalar(last):
                found[component or None] = repository_of(row)
        return found

    def all(self, target: str) -> tuple[tuple[str, Repository], ...]:
        """Return every name of the target with its repository."""
        query = (
            select(NameRow.name, RepositoryRow)
            .join(RepositoryRow, NameRow.repository_id == RepositoryRow.id)
            .where(NameRow.target == target)
            .order_by(NameRow.component, NameRow.name)
        )
        return tuple((name, repository_of(row)) for name, row in self.session.execute(query))

    def left_since(self, target: str, moment: datetime) -> frozenset[int]:
        """Return the ids of the repositories that some name has left since `moment`."""
        query = select(MoveRow.old_id).where(
            MoveRow.target == target, MoveRow.moved >= seconds(moment), MoveRow.old_id.is_not(None)
        )
        return frozenset(id_ for id_ in self.session.scalars(query) if id_ is not None)

    def left_for(self, target: str, moment: datetime) -> tuple[Repository, ...]:
        """Return the repositories that some name has left for others since `moment`."""
        ids = self.left_since(target, moment)
        query = select(RepositoryRow).where(RepositoryRow.id.in_(ids))
        return tuple(map(repository_of, self.session.scalars(query)))

    def move(
        self,
        target: str,
        component: str | None,
        name: str,
        repository: Repository,
        *,
        now: datetime,
        by: str,
        why: str,
    ) -> None:
        """Point the name at `repository` and record the move in its history."""
        row = self.session.get(NameRow, (target, component or "", name))
        move = MoveRow(
            target=target,
            component=component or "",
            name=name,
            old_id=row.repository_id if row else None,
            new_id=repository.id,
            moved=seconds(now),
            moved_by=by,
            why=why,
        )
        self.session.add(move)
        self.session.flush()
        if row is None:
            row = NameRow(target=target, component=component or "", name=name)
            self.session.add(row)
        row.repository_id, row.move_id = repository.id, move.id
        self.session.flush()

    def last_moves(self, target: str) -> list[tuple[Move, str]]:
        """Return every name by component, with its last move and the path that it leads to now."""
        query = (
            select(MoveRow, RepositoryRow.path)
            .join(NameRow, NameRow.move_id == MoveRow.id)
            .join(RepositoryRow, NameRow.repository_id == RepositoryRow.id)
            .where(NameRow.target == target)
            .order_by(NameRow.component, NameRow.name)
        )
        return [(_move(row), path) for row, path in self.session.execute(query)]

    def history(
        self, target: str, component: str | None, name: str, *, limit: int = 20
    ) -> tuple[Move, ...]:
        """Return the moves of a name, newest first."""
        query = (
            select(MoveRow)
            .where(
                MoveRow.target == target,
                MoveRow.component == (component or ""),
                MoveRow.name == name,
            )
            .order_by(MoveRow.id.desc())
            .limit(limit)
        )
        return tuple(_move(row) for row in self.session.scalars(query))


def _move(row: MoveRow) -> Move:
    return Move(
        component=row.component or None,
        name=row.name,
        old_id=row.old_id,
        new_id=row.new_id,
        moved=moment(row.moved),
        moved_by=row.moved_by,
        why=row.why,
    )
