"""The state of each package of a target: its newest outcome, its newest good build, FTBFS."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from rdo.model.build import Failed, FailureReason
from rdo.store.moments import maybe_moment
from rdo.store.schema import BuildRow, PackageRow
from rdo.store.work.builds import SELECTION, Build, by_id, read_builds


@dataclass(frozen=True, slots=True)
class PackageBuilds:
    """The builds that decide the state of a package.

    `newest` is the newest outcome by commit order, `good` the newest build that was published; the
    two are the same build while the package is good. `broken_by` is the first failure since the
    last good build; a failure that will be tried again is left out.
    """

    package: str
    newest: Build | None
    good: Build | None
    broken_by: Build | None = None
    broken_since: datetime | None = None

    @property
    def is_ftbfs(self) -> bool:
        """Whether the newest outcome is a failure."""
        return self.newest is not None and isinstance(self.newest.outcome, Failed)


@dataclass(frozen=True, slots=True)
class Pointers:
    """The numbers of the builds in `PackageBuilds`, cheap to read for all packages at once.

    `failure` is the reason of the newest outcome, None unless that is a failure.
    """

    package: str
    newest_id: int | None
    newest_finished: datetime | None
    failure: FailureReason | None
    good_id: int | None
    broken_since: datetime | None
    broken_id: int | None = None


@dataclass(frozen=True, slots=True)
class Packages:
    """The table of packages, within one transaction."""

    session: Session

    def pointers(self, target: str) -> dict[str, Pointers]:
        """Return every package of the target that has had an outcome, by name."""
        query = (
            select(
                PackageRow.package,
                PackageRow.newest_id,
                BuildRow.finished,
                BuildRow.outcome,
                BuildRow.reason,
                PackageRow.good_id,
                PackageRow.broken_since,
                PackageRow.broken_id,
            )
            .outerjoin(BuildRow, BuildRow.id == PackageRow.newest_id)
            .where(PackageRow.target == target)
            .order_by(PackageRow.package)
        )
        return {
            package: Pointers(
                package,
                newest,
                maybe_moment(finished),
                FailureReason(reason) if reason and outcome == "failed" else None,
                good,
                maybe_moment(since),
                broken,
            )
            for package, newest, finished, outcome, reason, good, since, broken in (
                self.session.execute(query)
            )
        }

    def build_ids(self, target: str) -> frozenset[int]:
        """Return the builds that decide the states of packages, including bootstrap builds."""
        columns = (
            PackageRow.newest_id,
            PackageRow.good_id,
            PackageRow.bootstrap_id,
            PackageRow.broken_id,
        )
        rows = self.session.execute(select(*columns).where(PackageRow.target == target))
        return frozenset(id_ for row in rows for id_ in row if id_ is not None)

    def states(self, target: str) -> tuple[PackageBuilds, ...]:
        """Return every package of the target that has had an outcome, by name."""
        query = select(PackageRow).where(PackageRow.target == target).order_by(PackageRow.package)
        rows = self.session.scalars(query).all()
        pointers = select(PackageRow).where(PackageRow.target == target).subquery()
        wanted = or_(
            BuildRow.id.in_(select(pointers.c.newest_id)),
            BuildRow.id.in_(select(pointers.c.good_id)),
            BuildRow.id.in_(select(pointers.c.broken_id)),
        )
        builds = by_id(read_builds(self.session, SELECTION.where(wanted)))
        return tuple(_state(row, builds) for row in rows)

    def state(self, target: str, package: str) -> PackageBuilds:
        """Return the builds of one package; one without an outcome has none."""
        row = self.session.get(PackageRow, (target, package))
        if row is None:
            return PackageBuilds(package, newest=None, good=None)
        pointers = [row.newest_id, row.good_id, row.broken_id]
        wanted = BuildRow.id.in_([pointer for pointer in pointers if pointer])
        return _state(row, by_id(read_builds(self.session, SELECTION.where(wanted))))

    def ftbfs(self, target: str) -> tuple[PackageBuilds, ...]:
        """Return the packages whose newest outcome is a failure, by name."""
        return tuple(state for state in self.states(target) if state.is_ftbfs)


def _state(row: PackageRow, builds: dict[int, Build]) -> PackageBuilds:
    return PackageBuilds(
        package=row.package,
        newest=builds.get(row.newest_id or 0),
        good=builds.get(row.good_id or 0),
        broken_by=builds.get(row.broken_id or 0),
        broken_since=maybe_moment(row.broken_since),
    )
