"""The names that point to repositories, and their history."""

import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from rdo.model.commit import Commit
from rdo.store.columns import columns_of
from rdo.store.given.repositories import Repository, repository_of
from rdo.store.moments import moment, seconds
from rdo.store.newest import newest_first
from rdo.store.schema import (
    FOLLOWING,
    OF_AGGREGATE,
    PROMOTION,
    BuildRow,
    CommitRow,
    MoveRow,
    NameRow,
    RepositoryRow,
)
from rdo.store.work.commits import commit_of

_PROMOTIONS = (
    select(columns_of(MoveRow), columns_of(RepositoryRow), columns_of(CommitRow))
    .join(RepositoryRow, MoveRow.new_id == RepositoryRow.id)
    .outerjoin(BuildRow, RepositoryRow.build_id == BuildRow.id)
    .outerjoin(CommitRow, BuildRow.commit_id == CommitRow.id)
)


@dataclass(frozen=True, slots=True)
class Move:
    """One move of a name; `old_id` is None for the first move."""

    component: str | None
    name: str
    old_id: int | None
    new_id: int
    moved: datetime
    moved_by: str
    why: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """One move of a promotion name; `commit` is that of the build whose repository it points to.

    It is None for a composed repository. `aggregate` is the hash of the name's aggregate after the
    move: of several moves in one step only the last one has it.
    """

    id: int
    name: str
    repository: Repository
    commit: Commit | None
    aggregate: str
    moved: datetime
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class PastPlace:
    """Where a name has pointed since a moment: each component's repository, and the aggregate."""

    since: datetime
    repositories: tuple[Repository, ...]
    aggregate: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """The tables of names and moves, within one transaction."""

    session: Session

    def repository(self, target: str, component: str | None, name: str) -> Repository | None:
        """Return the repository that the name points to now."""
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
        """Return the repository in each component that has the name.

        In a target without components the key is None.
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
        """Return where the name pointed at a moment, by component; empty before its first move."""
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
        """Return the ids of the repositories that any name has left since `moment`."""
        query = select(MoveRow.old_id).where(
            MoveRow.target == target, MoveRow.moved >= seconds(moment), MoveRow.old_id.is_not(None)
        )
        return frozenset(id_ for id_ in self.session.scalars(query) if id_ is not None)

    def left_for(self, target: str, moment: datetime) -> tuple[Repository, ...]:
        """Return the repositories that any name has left for others since `moment`."""
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
    ) -> int:
        """Point the name to `repository`, with a move in its history; return the move's number."""
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
        return move.id

    def note_aggregate(self, move_id: int, aggregate: str) -> None:
        """Record the hash of the aggregate that a name has after a move."""
        self.session.get_one(MoveRow, move_id).aggregate = aggregate
        self.session.flush()

    def note_aggregate_now(self, target: str, name: str, aggregate: str) -> None:
        """Record the hash of the aggregate that a name has since its last move."""
        last = select(MoveRow).where(
            MoveRow.target == target, MoveRow.name == name, MoveRow.component != ""
        )
        row = self.session.scalar(last.order_by(MoveRow.id.desc()).limit(1))
        if row is not None:
            self.note_aggregate(row.id, aggregate)

    def aggregate(self, target: str, name: str, moment: datetime | None = None) -> str:
        """Return the hash of a name's aggregate now, or at a moment; empty if it has none."""
        query = select(MoveRow.aggregate).where(
            MoveRow.target == target, MoveRow.name == name, OF_AGGREGATE
        )
        if moment is not None:
            query = query.where(MoveRow.moved <= seconds(moment))
        return self.session.scalar(query.order_by(MoveRow.id.desc()).limit(1)) or ""

    def of_aggregate(self, target: str, aggregate: str) -> dict[str, Repository]:
        """Return the repositories in an aggregate, by component.

        Empty if no name has ever had this aggregate.
        """
        query = (
            select(MoveRow)
            .where(MoveRow.target == target, MoveRow.aggregate == aggregate, OF_AGGREGATE)
            .order_by(MoveRow.id.desc())
            .limit(1)
        )
        last = self.session.scalar(query)
        if last is None:
            return {}
        return self._parts_after(last)

    def _parts_after(self, last: MoveRow) -> dict[str, Repository]:
        """Return where a name pointed in each component after one of its moves."""
        components = select(NameRow.component).where(
            NameRow.target == last.target, NameRow.name == last.name, NameRow.component != ""
        )
        found = {}
        for component in self.session.scalars(components.order_by(NameRow.component)):
            newest = (
                select(RepositoryRow)
                .join(MoveRow, MoveRow.new_id == RepositoryRow.id)
                .where(
                    MoveRow.target == last.target,
                    MoveRow.component == component,
                    MoveRow.name == last.name,
                    MoveRow.id <= last.id,
                )
                .order_by(MoveRow.id.desc())
                .limit(1)
            )
            if row := self.session.scalar(newest):
                found[component] = repository_of(row)
        return found

    def led_to(
        self, target: str, component: str | None, name: str, *, limit: int
    ) -> tuple[PastPlace, ...]:
        """Return where a name has pointed in one component, newest first."""
        query = (
            select(MoveRow, RepositoryRow)
            .join(RepositoryRow, MoveRow.new_id == RepositoryRow.id)
            .where(
                MoveRow.target == target,
                MoveRow.component == (component or ""),
                MoveRow.name == name,
            )
            .order_by(MoveRow.id.desc())
            .limit(limit)
        )
        return tuple(
            PastPlace(moment(row.moved), (repository_of(place),))
            for row, place in self.session.execute(query)
        )

    def led_to_from(
        self, target: str, component: str | None, name: str, repository_id: int, *, limit: int
    ) -> tuple[PastPlace, ...]:
        """Return where a name has pointed since any name pointed to this repository or a later one.

        The oldest comes first.
        """
        first = select(MoveRow.id).where(MoveRow.new_id >= repository_id)
        start = self.session.scalar(first.order_by(MoveRow.new_id, MoveRow.id).limit(1))
        query = (
            select(MoveRow, RepositoryRow)
            .join(RepositoryRow, MoveRow.new_id == RepositoryRow.id)
            .where(
                MoveRow.target == target,
                MoveRow.component == (component or ""),
                MoveRow.name == name,
                MoveRow.id >= (start or 0),
            )
            .order_by(MoveRow.id)
            .limit(limit)
        )
        return tuple(
            PastPlace(moment(row.moved), (repository_of(place),))
            for row, place in self.session.execute(query)
        )

    def led_to_aggregates(self, target: str, name: str, *, limit: int) -> tuple[PastPlace, ...]:
        """Return the aggregates of a name, newest first.

        The moves are followed backwards from where the name points now: each one records where it
        pointed before.
        """
        query = select(NameRow.component, NameRow.repository_id).where(
            NameRow.target == target, NameRow.name == name, NameRow.component != ""
        )
        leads = {row.component: row.repository_id for row in self.session.execute(query)}
        moves = select(MoveRow).where(
            MoveRow.target == target, MoveRow.name == name, MoveRow.component != ""
        )
        moves = moves.order_by(MoveRow.id.desc()).execution_options(yield_per=200)
        found: list[tuple[MoveRow, list[int]]] = []
        with contextlib.closing(self.session.scalars(moves)) as backwards:
            for move in backwards:
                if move.aggregate:
                    found.append((move, [leads[key] for key in sorted(leads)]))
                if len(found) == limit:
                    break
                if move.old_id is None:
                    leads.pop(move.component, None)
                else:
                    leads[move.component] = move.old_id
        wanted = {one for _, ids in found for one in ids}
        rows = self.session.scalars(select(RepositoryRow).where(RepositoryRow.id.in_(wanted)))
        there = {row.id: repository_of(row) for row in rows}
        return tuple(
            PastPlace(moment(move.moved), tuple(there[one] for one in ids), move.aggregate)
            for move, ids in found
        )

    def has_led_to(self, target: str, name: str, place: PastPlace) -> bool:
        """Whether a name has ever pointed to the aggregate of `place`, or its only repository."""
        query = select(MoveRow.id).where(MoveRow.target == target, MoveRow.name == name)
        if place.aggregate:
            query = query.where(MoveRow.aggregate == place.aggregate, OF_AGGREGATE)
        else:
            query = query.where(MoveRow.new_id.in_([one.id for one in place.repositories]))
        return self.session.scalar(query.limit(1)) is not None

    def has_led_to_repository(self, target: str, name: str, repository_id: int) -> bool:
        """Whether a name has ever pointed to a repository, in the repository's component."""
        query = select(MoveRow.id).where(
            MoveRow.new_id == repository_id, MoveRow.target == target, MoveRow.name == name
        )
        return self.session.scalar(query.limit(1)) is not None

    def last_move_id(self, target: str, name: str) -> int:
        """Return the number of a name's last move; 0 if it has never moved."""
        values = {MoveRow.target: target, MoveRow.name: name}
        query = newest_first(self.session, select(MoveRow.id), MoveRow.id, values)
        return self.session.scalar(query.limit(1)) or 0

    def promotions(
        self,
        target: str,
        *,
        name: str | None = None,
        component: str | None = None,
        build_ids: Collection[int] | None = None,
        aggregate: str | None = None,
        of_builds: bool = False,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[Promotion, ...]:
        """Return the moves of promotion names, newest first; None means any value.

        `build_ids` are the builds whose repositories the names were moved to; with `of_builds`,
        moves to composed repositories are left out.
        """
        wanted = {MoveRow.component: component, MoveRow.name: name, MoveRow.aggregate: aggregate}
        values = {column: value for column, value in wanted.items() if value is not None}
        values = {MoveRow.target: target, **values}
        query = _PROMOTIONS.where(RepositoryRow.build_id.is_not(None)) if of_builds else _PROMOTIONS
        if build_ids is not None:
            query = query.where(*(column == value for column, value in values.items()))
            return self._promotions_of(build_ids, query)[offset : offset + limit]
        query = newest_first(self.session, query.where(PROMOTION), MoveRow.id, values)
        if aggregate is not None:
            query = query.where(OF_AGGREGATE)
        rows = self.session.execute(query.offset(offset).limit(limit))
        return tuple(map(_promotion, rows))

    def _promotions_of(
        self,
        build_ids: Collection[int],
        query: Select[MoveRow, RepositoryRow, CommitRow],
    ) -> tuple[Promotion, ...]:
        """Return those of a few builds; sorting first, SQLite would read all."""
        made = select(RepositoryRow.id).where(RepositoryRow.build_id.in_(build_ids))
        ids = list(self.session.scalars(made))
        rows = self.session.execute(query.where(MoveRow.new_id.in_(ids)))
        found = [one for one in map(_promotion, rows) if one.name not in FOLLOWING]
        return tuple(sorted(found, key=lambda one: -one.id))

    def promoted_components(self, target: str) -> tuple[str, ...]:
        """Return the components that have a promotion name, sorted."""
        query = select(NameRow.component).where(
            NameRow.target == target, NameRow.component != "", PROMOTION
        )
        return tuple(sorted(set(self.session.scalars(query))))

    def last_moves(self, target: str) -> list[tuple[Move, str]]:
        """Return every name by component, with its last move and the path that it points to now."""
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
        values = {
            MoveRow.target: target,
            MoveRow.component: component or "",
            MoveRow.name: name,
        }
        query = newest_first(self.session, select(MoveRow), MoveRow.id, values)
        return tuple(_move(row) for row in self.session.scalars(query.limit(limit)))


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


def _promotion(found: Row[MoveRow, RepositoryRow, CommitRow]) -> Promotion:
    row, repository, commit = found
    return Promotion(
        id=row.id,
        name=row.name,
        repository=repository_of(repository),
        commit=commit_of(commit) if commit is not None else None,
        aggregate=row.aggregate,
        moved=moment(row.moved),
        by=row.moved_by,
        why=row.why,
    )
