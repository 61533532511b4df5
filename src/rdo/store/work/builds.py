"""Builds: the queue of a target, the running ones, and the outcome of each try."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from rdo.errors import NotFoundError
from rdo.model.build import Built, Failed, FailureReason, Outcome, Waiting
from rdo.model.commit import Commit
from rdo.store.columns import columns_of
from rdo.store.moments import maybe_moment, moment, seconds
from rdo.store.schema import (
    OPEN_BUILD,
    PUBLISHED,
    UNPUBLISHED,
    ArtifactRow,
    BuildRow,
    CommitRow,
    PackageRow,
    RepositoryRow,
)
from rdo.store.work.commits import Commits, commit_of

SELECTION = select(columns_of(BuildRow), columns_of(CommitRow)).join(
    CommitRow, BuildRow.commit_id == CommitRow.id
)
"""The query for builds with their commits."""
SPURIOUS = tuple(reason.value for reason in FailureReason if reason.is_spurious)


class BuildState(StrEnum):
    """The state of a build. A *starting* one may have been started: only its builder knows."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"


_RUNNING = (BuildState.STARTING, BuildState.RUNNING)


@dataclass(frozen=True, slots=True)
class Build:
    """One try of a commit, as recorded in the store.

    `release_date` is kept by the retries; the target makes a release number of it. `position`
    orders the commits of a package. `outcome` is None until there is one; a queued build whose
    outcome is Waiting has run and requested something. The paths of a stored Built are bare file
    names in the build's own folder. `published` is its number in the target's publish sequence;
    `superseded` means that a later commit of its package was published first. `dropped` is why it
    left the queue without an outcome, including when somebody cancelled it; `to_cancel` is why
    somebody wants to cancel it while it runs. `asked` are the dependencies that its last try waited
    for, even if it has failed since. `ticket` is the text by which its builder knows it, empty
    unless it is running.
    """

    id: int
    target: str
    commit: Commit
    position: int
    release_date: datetime
    attempt: int
    bootstrap: bool
    inputs: str
    state: BuildState
    outcome: Outcome | None
    ticket: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    published: int | None
    superseded: bool
    dropped: str = ""
    to_cancel: str = ""
    asked: tuple[str, ...] = ()

    @property
    def package(self) -> str:
        """The package of its commit."""
        return self.commit.package

    @property
    def is_running(self) -> bool:
        """Whether its builder has it, or may have it."""
        return self.state in _RUNNING


@dataclass(frozen=True, slots=True)
class Builds:
    """The table of builds, within one transaction."""

    session: Session

    def plan(
        self,
        target: str,
        commit: Commit,
        *,
        now: datetime,
        inputs: str = "",
        bootstrap: bool = False,
        as_newest: bool = False,
        like: Collection[str] = (),
    ) -> Build:
        """Queue a build of `commit` and choose its release date, once for all its retries.

        The date is `now`, or one second after the package's last one if that is later, so that two
        builds of a package never share a Release. If the commit's newest build in one of the
        targets `like` has a date after the package's last one, that date is used, so that their
        source RPMs have the same content. `as_newest` is for a known commit that has become the
        head again; see `Commits.add`.
        """
        row = Commits(self.session).add(target, commit, as_newest=as_newest)
        last = self._last_release_date(target, commit.package)
        date = self._release_date_in(like, commit) if like else 0
        if date <= last:
            date = max(seconds(now), last + 1)
        return self._queue(row, date, seconds(now), 1, inputs=inputs, bootstrap=bootstrap)

    def retry(self, build_id: int, *, now: datetime) -> Build:
        """Queue the same build once more, with the same release date."""
        old, commit = self._row(build_id), self._commit_row(build_id)
        return self._queue(
            commit,
            old.release_date,
            seconds(now),
            old.attempt + 1,
            inputs=old.inputs,
            bootstrap=old.bootstrap,
        )

    def queue(self, target: str) -> tuple[Build, ...]:
        """Return the queued builds in the order they were planned."""
        return self._in_state(target, BuildState.QUEUED)

    def queued_ids(self, target: str) -> frozenset[int]:
        """Return the ids of `queue`, which is cheap enough to be called often."""
        query = select(BuildRow.id).where(
            BuildRow.target == target, OPEN_BUILD, BuildRow.state == BuildState.QUEUED
        )
        return frozenset(self.session.scalars(query))

    def running(self, target: str) -> tuple[Build, ...]:
        """Return the builds that are starting or running."""
        return self._in_state(target, *_RUNNING)

    def start(self, build_id: int, *, now: datetime) -> Build:
        """Mark a queued build as starting; must be done before its builder is called."""
        row = self._queued_row(build_id)
        row.state, row.started = BuildState.STARTING, seconds(now)
        return self.get(build_id)

    def keep_ticket(self, build_id: int, ticket: str) -> Build:
        """Mark a starting build as running; `ticket` is the text by which its builder knows it.

        Raises ValueError if the build is not starting.
        """
        row = self._row(build_id)
        if row.state != BuildState.STARTING:
            raise ValueError(f"build {build_id} is {row.state}, not starting")
        row.state, row.ticket = BuildState.RUNNING, ticket
        return self.get(build_id)

    def settle(
        self, build_id: int, outcome: Outcome, *, now: datetime, final: bool = True
    ) -> Build:
        """Record how a build ended.

        Waiting puts the same build back into the queue. A failure with `final=False` will be tried
        again and does not make its package FTBFS. A queued build may fail without having run (as
        the member of a cycle). Raises ValueError if the build has ended before.
        """
        row = self._row(build_id)
        if row.state == BuildState.DONE:
            raise ValueError(f"build {build_id} has ended before")
        match outcome:
            case Waiting(needs):
                row.state, row.outcome = BuildState.QUEUED, "waiting"
                row.needs, row.started, row.ticket = json.dumps(needs), None, ""
                return self.get(build_id)
            case Failed(reason, detail):
                row.outcome, row.reason, row.detail = "failed", reason.value, detail
            case Built(rpms):
                row.needs = "[]"
                row.outcome, row.rpms = "built", json.dumps([rpm.name for rpm in rpms])
                row.taken_from, row.not_taken = outcome.taken_from, outcome.not_taken
        row.state, row.finished = BuildState.DONE, seconds(now)
        if final:
            self._note_newest(row)
        return self.get(build_id)

    def lost(self, build_id: int, *, now: datetime) -> Build:
        """Queue the commit of a build again, only once, because its RPMs are lost.

        An unpublished build no longer waits for its publication.
        """
        row, build = self._row(build_id), self.get(build_id)
        if row.published is None:
            row.outcome, row.reason = "failed", FailureReason.INTERRUPTED.value
            row.detail = "its RPMs were lost before publication"
        for one in self.queue(build.target):
            if one.commit == build.commit and one.bootstrap == build.bootstrap:
                return one
        return self.plan(build.target, build.commit, now=now, inputs=build.inputs)

    def spoil(self, build_id: int, failure: Failed, *, now: datetime) -> Build:
        """Record that a build with RPMs has failed after all, because they cannot be published.

        Raises ValueError if the build is published.
        """
        row = self._row(build_id)
        if row.published is not None:
            raise ValueError(f"build {build_id} is published")
        row.state, row.finished = BuildState.DONE, seconds(now)
        row.outcome, row.reason, row.detail = "failed", failure.reason.value, failure.detail
        self._note_newest(row)
        return self.get(build_id)

    def drop(self, build_id: int, why: str, *, now: datetime) -> Build:
        """Remove a queued build from the queue; this does not change its package's state."""
        row = self._queued_row(build_id)
        row.state, row.outcome, row.finished = BuildState.DONE, "dropped", seconds(now)
        row.needs, row.detail = "[]", why
        return self.get(build_id)

    def ask_to_cancel(self, build_id: int, why: str, *, now: datetime) -> Build:
        """End a queued build.

        For a running build, only record the request for the round that runs it.
        """
        row = self._row(build_id)
        if row.state == BuildState.QUEUED:
            return self.cancel(build_id, why, now=now)
        if row.state in _RUNNING:
            row.to_cancel = why
        return self.get(build_id)

    def cancel(self, build_id: int, why: str, *, now: datetime) -> Build:
        """End a build because a person asked for it; unlike a dropped one it does not come back.

        Raises ValueError if the build has ended before.
        """
        return self._end_without_outcome(build_id, "cancelled", why, now)

    def exclude(self, build_id: int, why: str, *, now: datetime) -> Build:
        """End a build that its spec excludes from this platform; it does not come back.

        Raises ValueError if the build has ended before.
        """
        return self._end_without_outcome(build_id, "excluded", why, now)

    def _end_without_outcome(self, build_id: int, how: str, why: str, now: datetime) -> Build:
        row = self._row(build_id)
        if row.state == BuildState.DONE:
            raise ValueError(f"build {build_id} has ended before")
        row.state, row.outcome, row.finished = BuildState.DONE, how, seconds(now)
        row.needs, row.detail, row.to_cancel = "[]", why, ""
        return self.get(build_id)

    def excluded(self, target: str, packages: Collection[str]) -> dict[str, str]:
        """Return those of the packages whose last build its spec excluded, with the reason."""
        last = select(func.max(BuildRow.id)).where(
            BuildRow.target == target, BuildRow.package.in_(packages)
        )
        condition = BuildRow.id.in_(last.group_by(BuildRow.package))
        found = self._select(condition & (BuildRow.outcome == "excluded"))
        return {build.package: build.dropped for build in found}

    def bootstrap(self, build_id: int, *, inputs: str) -> Build:
        """Make a queued build a bootstrap build, and forget what it lacked before."""
        row = self._queued_row(build_id)
        row.bootstrap, row.inputs, row.outcome, row.needs = True, inputs, None, "[]"
        return self.get(build_id)

    def get(self, build_id: int) -> Build:
        """Return a build; raises NotFoundError if there is none with this id."""
        self.session.flush()
        found = self._select(BuildRow.id == build_id)
        if not found:
            raise NotFoundError(f"there is no build {build_id}")
        return found[0]

    def find(self, target: str, build_id: int) -> Build | None:
        """Return a build of a target; None if the target has none with this id."""
        return next(
            iter(self._select((BuildRow.id == build_id) & (BuildRow.target == target))), None
        )

    def origins(self, build_ids: Collection[int]) -> dict[int, tuple[Commit, datetime]]:
        """Return the parts of builds that never change: commit and release date."""
        columns = (BuildRow.id.label("build_id"), BuildRow.release_date, *CommitRow.__table__.c)
        query = select(*columns).join(CommitRow, BuildRow.commit_id == CommitRow.id)
        rows = self.session.execute(query.where(BuildRow.id.in_(build_ids)))
        return {row.build_id: (commit_of(row), moment(row.release_date)) for row in rows}

    def newest(self, target: str, package: str) -> Build | None:
        """Return the package's build with the highest id, whatever its state."""
        return next(iter(self.history(target, package, limit=1)), None)

    def history(self, target: str, package: str, *, limit: int = 20) -> tuple[Build, ...]:
        """Return the package's builds, newest first."""
        condition = (BuildRow.target == target) & (BuildRow.package == package)
        return self._select(condition, newest_first=True, limit=limit)

    def dropped_last(self, target: str) -> tuple[Build, ...]:
        """Return the dropped builds of packages for which nothing was planned since."""
        last = select(func.max(BuildRow.id)).where(BuildRow.target == target)
        condition = BuildRow.id.in_(last.group_by(BuildRow.package))
        return self._select(condition & (BuildRow.outcome == "dropped"))

    def with_prefix(
        self, target: str, upstream_prefix: str, *, limit: int = 20
    ) -> tuple[Build, ...]:
        """Return the builds of commits whose upstream hash begins like this, newest first."""
        upper = (
            upstream_prefix + "\x7f"
        )  # above every hexadecimal digit: the index can serve a range
        condition = (
            (CommitRow.target == target)
            & (CommitRow.upstream_hash >= upstream_prefix)
            & (CommitRow.upstream_hash < upper)
        )
        return self._select(condition, newest_first=True, limit=limit)

    def already_built(self, target: str, inputs: str) -> Build | None:
        """Return the newest build from the same inputs that produced RPMs."""
        condition = (
            (BuildRow.target == target)
            & (BuildRow.inputs == inputs)
            & (BuildRow.outcome == "built")
        )
        return next(iter(self._select(condition, newest_first=True, limit=1)), None)

    def spurious_attempts(self, build_id: int) -> int:
        """Return how often this build, and the tries that it repeats, failed spuriously."""
        row = self._row(build_id)
        query = select(func.count()).where(
            BuildRow.commit_id == row.commit_id,
            BuildRow.release_date == row.release_date,
            BuildRow.reason.in_(SPURIOUS),
        )
        return self.session.scalar(query) or 0

    def unpublished(self, target: str) -> tuple[Build, ...]:
        """Return the builds with unpublished RPMs, oldest first; usually left by a kill."""
        return self._select((BuildRow.target == target) & UNPUBLISHED)

    def publish(self, build_id: int, *, superseded: bool) -> Build:
        """Give the build the target's next publish number; called only by `rdo.publish`.

        Unless it is superseded, it becomes the package's newest good one; a bootstrap build becomes
        the package's bootstrap, until the next good one.
        """
        row = self._row(build_id)
        query = select(func.max(BuildRow.published)).where(BuildRow.target == row.target, PUBLISHED)
        row.published = (self.session.scalar(query) or 0) + 1
        row.superseded = superseded
        package = self._package_row(row)
        if row.bootstrap:
            package.bootstrap_id = row.id
        elif not superseded:
            package.good_id, package.bootstrap_id = row.id, None
        return self.get(build_id)

    def good_at(self, target: str, package: str, moment: datetime) -> Build | None:
        """Return the newest good build of a package that was published before a moment."""
        was_there = exists().where(
            RepositoryRow.build_id == BuildRow.id, RepositoryRow.created <= seconds(moment)
        )
        query = SELECTION.where(
            BuildRow.target == target,
            BuildRow.package == package,
            PUBLISHED,
            BuildRow.bootstrap.is_(False),
            BuildRow.superseded.is_(False),
            was_there,
        )
        query = query.order_by(BuildRow.published.desc()).limit(1)
        return next(iter(read_builds(self.session, query)), None)

    def published_of(
        self,
        target: str,
        upstream_hash: str,
        distgit_hash: str,
        extended_hash: str | None = None,
    ) -> Build | None:
        """Return the newest published build of a commit; without an extended hash, of any.

        A build that only others were bootstrapped with has no repository and is left out.
        """
        query = SELECTION.where(
            CommitRow.target == target,
            CommitRow.upstream_hash == upstream_hash,
            CommitRow.distgit_hash == distgit_hash,
            PUBLISHED,
            BuildRow.bootstrap.is_(False),
        )
        if extended_hash is not None:
            query = query.where(CommitRow.extended_hash == extended_hash)
        query = query.order_by(BuildRow.id.desc()).limit(1)
        return next(iter(read_builds(self.session, query)), None)

    def twins(self, build: Build, targets: Collection[str]) -> tuple[Build, ...]:
        """Return the builds of the same commit and Release on other targets, newest first."""
        upstream, distgit, extended = build.commit.key[1:]
        condition = (
            CommitRow.target.in_(targets)
            & (CommitRow.package == build.package)
            & (CommitRow.upstream_hash == upstream)
            & (CommitRow.distgit_hash == distgit)
            & (CommitRow.extended_hash == (extended or ""))
            & (BuildRow.release_date == seconds(build.release_date))
            & BuildRow.bootstrap.is_(build.bootstrap)
        )
        return self._select(condition, newest_first=True)

    def ended_before(self, target: str, moment: datetime) -> frozenset[int]:
        """Return the ids of builds that ended before `moment` and do not wait for publication."""
        query = select(BuildRow.id).where(
            BuildRow.target == target,
            BuildRow.state == BuildState.DONE,
            BuildRow.finished < seconds(moment),
            or_(BuildRow.outcome != "built", BuildRow.published.is_not(None)),
        )
        return frozenset(self.session.scalars(query))

    def last_failures(self, target: str, limit: int = 20) -> tuple[Build, ...]:
        """Return the newest failed builds that were not tried again, newest first."""
        again = aliased(BuildRow)
        tried_again = exists().where(again.commit_id == BuildRow.commit_id, again.id > BuildRow.id)
        condition = (BuildRow.target == target) & (BuildRow.outcome == "failed") & ~tried_again
        return self._select(condition, newest_first=True, limit=limit)

    def failed_commits(self, target: str) -> dict[int, Commit]:
        """Return the commit of each failed build, by the build's id."""
        query = select(BuildRow.id, CommitRow).join(CommitRow, BuildRow.commit_id == CommitRow.id)
        rows = self.session.execute(
            query.where(BuildRow.target == target, BuildRow.outcome == "failed")
        )
        return {id_: commit_of(row) for id_, row in rows}

    def to_stay_at(self, target: str, package: str, build_id: int | None) -> Build | None:
        """Return a published build of the package; without an id, the newest by commit order."""
        query = SELECTION.where(
            BuildRow.target == target,
            BuildRow.package == package,
            PUBLISHED,
            BuildRow.bootstrap.is_(False),
            BuildRow.id.in_(select(ArtifactRow.build_id)),  # retention has not removed its RPMs
        )
        if build_id is not None:
            query = query.where(BuildRow.id == build_id)
        query = query.order_by(CommitRow.position.desc(), BuildRow.id.desc()).limit(1)
        return next(iter(read_builds(self.session, query)), None)

    def stay_at(self, build_id: int) -> None:
        """Make a published build the good one of its package; called only by `rdo.publish`."""
        self._package_row(self._row(build_id)).good_id = build_id
        self.session.flush()

    def _queue(
        self,
        commit: CommitRow,
        release_date: int,
        created: int,
        attempt: int,
        *,
        inputs: str,
        bootstrap: bool,
    ) -> Build:
        row = BuildRow(
            target=commit.target,
            package=commit.package,
            commit_id=commit.id,
            release_date=release_date,
            attempt=attempt,
            bootstrap=bootstrap,
            inputs=inputs,
            state=BuildState.QUEUED,
            detail="",
            needs="[]",
            rpms="[]",
            ticket="",
            created=created,
            superseded=False,
        )
        self.session.add(row)
        self.session.flush()
        return self.get(row.id)

    def _note_newest(self, row: BuildRow) -> None:
        """Make `row` the package's newest outcome, unless a later commit has one already."""
        package = self._package_row(row)
        if row.bootstrap and row.outcome == "built":
            return
        if package.newest_id is not None and self._order(package.newest_id) > self._order(row.id):
            return
        package.newest_id = row.id
        if row.outcome == "built":
            package.broken_id = package.broken_since = None
        elif package.broken_id is None:
            package.broken_id, package.broken_since = row.id, row.finished

    def _package_row(self, build: BuildRow) -> PackageRow:
        row = self.session.get(PackageRow, (build.target, build.package))
        if row is None:
            row = PackageRow(target=build.target, package=build.package)
            self.session.add(row)
        return row

    def _order(self, build_id: int) -> tuple[int, int]:
        return self._commit_row(build_id).position, build_id

    def _last_release_date(self, target: str, package: str) -> int:
        query = select(func.max(BuildRow.release_date)).where(
            BuildRow.target == target, BuildRow.package == package
        )
        return self.session.scalar(query) or 0

    def _release_date_in(self, targets: Collection[str], commit: Commit) -> int:
        """Return the newest release date of a commit in these targets; 0 if there is none."""
        rows = filter(None, (Commits(self.session).row_of(one, commit) for one in targets))
        query = select(func.max(BuildRow.release_date)).where(
            BuildRow.commit_id.in_([row.id for row in rows])
        )
        return self.session.scalar(query) or 0

    def _row(self, build_id: int) -> BuildRow:
        row = self.session.get(BuildRow, build_id)
        if row is None:
            raise NotFoundError(f"there is no build {build_id}")
        return row

    def _queued_row(self, build_id: int) -> BuildRow:
        row = self._row(build_id)
        if row.state != BuildState.QUEUED:
            raise ValueError(f"build {build_id} is {row.state}, not queued")
        return row

    def _commit_row(self, build_id: int) -> CommitRow:
        query = select(CommitRow).join(BuildRow, BuildRow.commit_id == CommitRow.id)
        return self.session.scalars(query.where(BuildRow.id == build_id)).one()

    def _in_state(self, target: str, *states: BuildState) -> tuple[Build, ...]:
        # OPEN_BUILD follows from the state; written out, it lets the partial index be used.
        is_in_state = BuildRow.state.in_(states)
        return self._select((BuildRow.target == target) & OPEN_BUILD & is_in_state)

    def _select(
        self,
        condition: ColumnElement[bool],
        *,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> tuple[Build, ...]:
        order = BuildRow.id.desc() if newest_first else BuildRow.id
        return read_builds(self.session, SELECTION.where(condition).order_by(order).limit(limit))


def read_builds(session: Session, query: Select[BuildRow, CommitRow]) -> tuple[Build, ...]:
    """Return the builds that a query finds."""
    return tuple(_build(build, commit) for build, commit in session.execute(query))


def by_id(builds: Iterable[Build]) -> dict[int, Build]:
    """Return the builds by their ids."""
    return {build.id: build for build in builds}


def _build(row: BuildRow, commit_row: CommitRow) -> Build:
    commit = commit_of(commit_row)
    return Build(
        id=row.id,
        target=row.target,
        commit=commit,
        position=commit_row.position,
        release_date=moment(row.release_date),
        attempt=row.attempt,
        bootstrap=row.bootstrap,
        inputs=row.inputs,
        state=BuildState(row.state),
        outcome=_outcome(row),
        ticket=row.ticket,
        created=moment(row.created),
        started=maybe_moment(row.started),
        finished=maybe_moment(row.finished),
        published=row.published,
        superseded=row.superseded,
        dropped=row.detail if row.outcome in {"dropped", "cancelled", "excluded"} else "",
        to_cancel=row.to_cancel,
        asked=tuple(json.loads(row.needs)),
    )


def _outcome(row: BuildRow) -> Outcome | None:
    match row.outcome:
        case "built":
            rpms = tuple(Path(name) for name in json.loads(row.rpms))
            return Built(rpms, taken_from=row.taken_from, not_taken=row.not_taken)
        case "failed":
            return Failed(FailureReason(row.reason or ""), row.detail)
        case "waiting":
            return Waiting(tuple(json.loads(row.needs)))
    return None
