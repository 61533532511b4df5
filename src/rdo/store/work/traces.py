"""Traces: the git commits and ids in the sources of builds, by which the builds are found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from rdo.model.commit import Commit
from rdo.store.batches import batches
from rdo.store.schema import PUBLISHED, UNTRACED, BuildRow, CommitRow, TracedSourceRow, TraceRow
from rdo.store.work.builds import SELECTION, Build, read_builds
from rdo.store.work.commits import commit_of

_NEWEST = 2**62  # above every position


@dataclass(frozen=True, slots=True)
class TracedSource:
    """A history from which a package's commits are taken: of its distgit, or of one upstream.

    `upstream` is as in a commit, and empty for the distgit.
    """

    is_distgit: bool = False
    upstream: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """The position from which on a source contains a name: the hash of a git commit, or an id.

    If `is_there` is false, the source no longer contains it from there on, because its branch was
    rewritten.
    """

    source: TracedSource
    name: str
    position: int
    is_there: bool = True


@dataclass(frozen=True, slots=True)
class UntracedCommit:
    """A commit whose sources were not read yet, and its position among its package's commits."""

    id: int
    position: int
    commit: Commit


@dataclass(frozen=True, slots=True)
class Traces:
    """The tables of traces and of their sources, within one transaction."""

    session: Session

    def untraced_packages(self, target: str) -> frozenset[str]:
        """Return the packages with commits whose sources were not read yet."""
        query = select(CommitRow.package).where(CommitRow.target == target, UNTRACED).distinct()
        return frozenset(self.session.scalars(query))

    def untraced(self, target: str, package: str) -> tuple[UntracedCommit, ...]:
        """Return the commits of a package whose sources were not read yet, in order."""
        query = select(CommitRow).where(
            CommitRow.target == target, CommitRow.package == package, UNTRACED
        )
        rows = self.session.scalars(query.order_by(CommitRow.position))
        return tuple(UntracedCommit(row.id, row.position, commit_of(row)) for row in rows)

    def heads(self, target: str, package: str) -> dict[TracedSource, str]:
        """Return the sources of a package that were read, each with its head at that time."""
        query = select(TracedSourceRow).where(
            TracedSourceRow.target == target, TracedSourceRow.package == package
        )
        rows = self.session.scalars(query)
        return {TracedSource(row.is_distgit, row.upstream): row.head for row in rows}

    def keep(
        self,
        target: str,
        package: str,
        *,
        heads: Mapping[TracedSource, str],
        traces: Sequence[Trace],
        commits: Collection[UntracedCommit],
    ) -> None:
        """Store what was read about a package: its sources up to `heads`, for these commits.

        A commit that got another position meanwhile is read again.
        """
        ids = {
            source: self._source(target, package, source, head) for source, head in heads.items()
        }
        rows = {
            (one.name, ids[one.source], one.position): {
                "name": one.name,
                "source_id": ids[one.source],
                "position": one.position,
                "is_there": one.is_there,
            }
            for one in traces
        }
        if rows:
            self.session.execute(insert(TraceRow), list(rows.values()))
        positions = {one.id: one.position for one in commits}
        for some in batches(positions):
            known = select(CommitRow.id, CommitRow.position).where(CommitRow.id.in_(some))
            done = [id_ for id_, now in self.session.execute(known) if positions[id_] == now]
            is_done = CommitRow.id.in_(done)
            self.session.execute(update(CommitRow).where(is_done).values(traced=True))

    def names_beginning(self, target: str, start: str, *, limit: int = 2) -> tuple[str, ...]:
        """Return the hashes of git commits that begin with `start`."""
        query = (
            select(TraceRow.name)
            .join(TracedSourceRow)
            .where(TracedSourceRow.target == target)
            .where(TraceRow.name >= start, TraceRow.name < start + "g")  # above every digit
            .where(TraceRow.name.startswith(start))  # whatever the database's collation
            .distinct()
        )
        return tuple(self.session.scalars(query.limit(limit)))

    def builds(self, target: str, name: str) -> tuple[Build, ...]:
        """Return the published builds whose sources contain a name, in commit order."""
        query = (
            select(TracedSourceRow, TraceRow.position, TraceRow.is_there)
            .join(TraceRow, TraceRow.source_id == TracedSourceRow.id)
            .where(TraceRow.name == name, TracedSourceRow.target == target)
            .order_by(TracedSourceRow.id, TraceRow.position)
        )
        found: dict[int, Build] = {}
        rows = self.session.execute(query).all()
        for source, changes in groupby(rows, lambda row: row[0]):
            spans = _spans([(position, is_there) for _, position, is_there in changes])
            found |= {build.id: build for build in self._of_source(source, spans)}
        return tuple(sorted(found.values(), key=lambda one: (one.package, one.position, one.id)))

    def _of_source(
        self, source: TracedSourceRow, spans: Sequence[tuple[int, int]]
    ) -> tuple[Build, ...]:
        is_within = [CommitRow.position.between(*span) for span in spans]
        query = SELECTION.where(
            BuildRow.target == source.target,
            BuildRow.package == source.package,
            PUBLISHED,
            BuildRow.bootstrap.is_(False),
            or_(*is_within),
        )
        if not source.is_distgit:
            query = query.where(CommitRow.upstream == source.upstream)
        return read_builds(self.session, query)

    def _source(self, target: str, package: str, source: TracedSource, head: str) -> int:
        query = select(TracedSourceRow).where(
            TracedSourceRow.target == target,
            TracedSourceRow.package == package,
            TracedSourceRow.is_distgit.is_(source.is_distgit),
            TracedSourceRow.upstream == source.upstream,
        )
        row = self.session.scalar(query)
        if row is None:
            row = TracedSourceRow(
                target=target,
                package=package,
                is_distgit=source.is_distgit,
                upstream=source.upstream,
            )
            self.session.add(row)
        row.head = head
        self.session.flush()
        return row.id


def _spans(changes: Sequence[tuple[int, bool]]) -> list[tuple[int, int]]:
    """Return the ranges of positions in which something is contained.

    >>> _spans([(1, True), (3, True), (5, False), (9, True)]) == [(1, 4), (9, _NEWEST)]
    True
    """
    spans: list[tuple[int, int]] = []
    for position, is_there in changes:
        is_open = bool(spans) and spans[-1][1] == _NEWEST
        if is_there and not is_open:
            spans.append((position, _NEWEST))
        elif not is_there and is_open:
            spans[-1] = spans[-1][0], position - 1
    return spans
