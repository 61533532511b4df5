"""Write our rows for those of a DLRN instance, each once."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.orm import Session

from rdo.model.build import FailureReason
from rdo.store.batches import batches
from rdo.store.given.repositories import Repository, repository_of
from rdo.store.moments import seconds
from rdo.store.schema import (
    FOLLOWING,
    PUBLISHED,
    BuildRow,
    CommitRow,
    MoveRow,
    NameRow,
    PackageRow,
    RepositoryRow,
    TakenOverRow,
    VoteRow,
)
from rdo.store.takeover.source import DlrnBuild, DlrnPromotion, DlrnVote
from rdo.store.work.artifacts import Artifacts
from rdo.store.work.builds import SPURIOUS, BuildState

_WHY = "by DLRN"


class TakenKind(StrEnum):
    """The tables of DLRN from which rows are taken over."""

    COMMIT = "commit"
    VOTE = "vote"
    AGGREGATE_VOTE = "aggregate-vote"
    PROMOTION = "promotion"


@dataclass(frozen=True, slots=True)
class TakenCommit:
    """A commit that was taken over: our build, and the fields that identify DLRN's row."""

    build_id: int
    package: str
    upstream_hash: str
    distgit_hash: str
    extended_hash: str
    built: int

    def is_of(self, theirs: DlrnBuild) -> bool:
        """Whether it was made from this row; DLRN may reuse the number of a removed row."""
        key = (theirs.package, theirs.upstream_hash, theirs.distgit_hash)
        same = key == (self.package, self.upstream_hash, self.distgit_hash)
        extended = theirs.extended_hash or ""
        return same and (self.extended_hash, self.built) == (extended, theirs.built)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCommit:
    """A commit to record: DLRN's row, the path of its directory, and its upstream's URL."""

    theirs: DlrnBuild
    path: str
    upstream: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The identity of the commit within a target."""
        one = self.theirs
        return one.package, one.upstream_hash, one.distgit_hash, one.extended_hash or ""


@dataclass(frozen=True, slots=True)
class Takeovers:
    """What was taken over from other programs, within one transaction."""

    session: Session

    def commits(self, target: str) -> dict[int, TakenCommit]:
        """Return the commits that were taken over, by DLRN's numbers."""
        query = (
            select(TakenOverRow.theirs, BuildRow.id, BuildRow.release_date, CommitRow)
            .join(BuildRow, TakenOverRow.ours == BuildRow.id)
            .join(CommitRow, BuildRow.commit_id == CommitRow.id)
            .where(TakenOverRow.target == target, TakenOverRow.kind == TakenKind.COMMIT)
        )
        return {
            theirs: TakenCommit(
                build_id,
                row.package,
                row.upstream_hash,
                row.distgit_hash,
                row.extended_hash,
                built,
            )
            for theirs, build_id, built, row in self.session.execute(query)
        }

    def own_builds(self, target: str) -> int:
        """Return the number of a target's builds that were not taken over."""
        query = select(func.count()).where(
            BuildRow.target == target, BuildRow.id.not_in(_taken(target))
        )
        return self.session.scalar(query) or 0

    def last(self, target: str, kind: TakenKind) -> int:
        """Return the highest number of DLRN's rows that was taken over; 0 if none was."""
        query = select(func.max(TakenOverRow.theirs)).where(
            TakenOverRow.target == target, TakenOverRow.kind == kind
        )
        return self.session.scalar(query) or 0

    def add_commits(
        self, target: str, commits: Collection[NewCommit], *, now: datetime
    ) -> dict[int, TakenCommit]:
        """Record commits with their builds and repositories, in DLRN's order.

        The last row of a commit decides its position among its package's commits. A repository is
        recorded as removed; `put_in_tree` changes that. Returns the builds by DLRN's numbers.
        """
        rows = self._commit_rows(target, commits)
        builds = [_build(target, rows[one.key], one.theirs) for one in commits]
        number = self._published(target)
        for build in builds:
            if build.outcome == "built":
                number += 1
                build.published = number
        self.session.add_all(builds)
        self.session.flush()
        pairs = list(zip(commits, builds, strict=True))
        self.session.add_all(
            _repository(target, one, build, now) for one, build in pairs if build.published
        )
        for numbers in batches({one.theirs.id for one in commits}):  # DLRN may have reused a number
            self.session.execute(
                delete(TakenOverRow).where(
                    TakenOverRow.target == target,
                    TakenOverRow.kind == TakenKind.COMMIT,
                    TakenOverRow.theirs.in_(numbers),
                )
            )
        self.session.add_all(
            TakenOverRow(target=target, kind=TakenKind.COMMIT, theirs=one.theirs.id, ours=build.id)
            for one, build in pairs
        )
        self.session.flush()
        return {
            one.theirs.id: TakenCommit(build.id, *one.key, built=build.release_date)
            for one, build in pairs
        }

    def add_votes(
        self,
        target: str,
        kind: TakenKind,
        votes: Collection[DlrnVote],
        builds: Mapping[int, TakenCommit],
        *,
        now: datetime,
    ) -> int:
        """Record votes; return how many, not counting those on unknown commits."""
        rows = [
            _vote(target, one, builds, now)
            for one in votes
            if kind is TakenKind.AGGREGATE_VOTE or one.commit_id in builds
        ]
        if rows:
            self.session.execute(insert(VoteRow), rows)
        self._reached(target, kind, max(one.id for one in votes))
        return len(rows)

    def add_promotions(
        self,
        target: str,
        promotions: Collection[DlrnPromotion],
        builds: Mapping[int, TakenCommit],
    ) -> int:
        """Record the moves of names; return how many, not counting those of unknown commits.

        Where names point now is not changed.
        """
        ids = [builds[one.commit_id].build_id for one in promotions if one.commit_id in builds]
        places = self._repositories_of(ids)
        number = 0
        for one in promotions:
            taken = builds.get(one.commit_id)
            place = places.get(taken.build_id) if taken else None
            if place is None:
                continue
            self._move(
                target,
                place.component,
                one.name,
                place.id,
                moved=one.timestamp,
                by=one.user,
                aggregate=one.aggregate,
            )
            number += 1
        self._reached(target, TakenKind.PROMOTION, max(one.id for one in promotions))
        return number

    def lead(self, target: str, repository: Repository, name: str, *, aggregate: str = "") -> None:
        """Record where a name points now; a name that has never moved gets its first move.

        The move gets the date of the build whose repository it points to.
        """
        component = repository.component or ""
        last = self._last_move(target, component, name)
        if last is None or (last.new_id != repository.id and name in FOLLOWING):
            built = select(BuildRow.release_date).where(BuildRow.id == repository.build_id)
            last = self._move(
                target,
                component,
                name,
                repository.id,
                moved=self.session.scalar(built) or seconds(repository.created),
                by="",
                aggregate=aggregate,
            )
        elif aggregate and not last.aggregate and name in FOLLOWING:
            last.aggregate = aggregate
        row = self.session.get(NameRow, (target, component, name))
        if row is None:
            row = NameRow(target=target, component=component, name=name)
            self.session.add(row)
        row.repository_id, row.move_id = repository.id, last.id
        self.session.flush()

    def not_in_tree(self, target: str) -> list[Repository]:
        """Return the repositories of builds taken over that are not in the tree, oldest first.

        If several builds had the same path, only the last one is returned.
        """
        query = select(RepositoryRow).where(
            RepositoryRow.target == target, RepositoryRow.build_id.in_(_taken(target))
        )
        found = {row.path: row for row in self.session.scalars(query.order_by(RepositoryRow.id))}
        return [repository_of(row) for row in found.values() if row.removed is not None]

    def put_in_tree(self, repository_id: int, digest: str) -> None:
        """Record that a repository is in the tree, and which set of builds it contains."""
        values = {"removed": None, "digest": digest}
        self.session.execute(
            update(RepositoryRow).where(RepositoryRow.id == repository_id).values(values)
        )

    def builds_at(self, target: str) -> dict[str, int]:
        """Return the last build that was taken over for each path in the tree."""
        query = select(RepositoryRow.path, RepositoryRow.build_id).where(
            RepositoryRow.target == target, RepositoryRow.build_id.in_(_taken(target))
        )
        rows = self.session.execute(query.order_by(RepositoryRow.build_id))
        return {path: build_id for path, build_id in rows if build_id is not None}

    def set_states(self, target: str) -> list[str]:
        """Compute the state of each package from all builds.

        Returns the packages that were built, but for which no build with known RPMs exists.
        """
        columns = (BuildRow.id, BuildRow.package, BuildRow.outcome, BuildRow.reason)
        query = (
            select(*columns, BuildRow.finished)
            .join(CommitRow, BuildRow.commit_id == CommitRow.id)
            .where(BuildRow.target == target, BuildRow.bootstrap.is_(False))
            .order_by(CommitRow.position, BuildRow.id)
        )
        has_rpms = Artifacts(self.session).build_ids(target)
        states: dict[str, PackageRow] = {}
        lost: set[str] = set()
        for build_id, package, outcome, reason, finished in self.session.execute(query):
            row = states.setdefault(package, PackageRow(target=target, package=package))
            if outcome == "failed" and reason not in SPURIOUS:
                row.newest_id = build_id
                if row.broken_id is None:
                    row.broken_id, row.broken_since = build_id, finished
            elif outcome == "built":
                row.newest_id = build_id
                row.broken_id = row.broken_since = None
                if build_id in has_rpms:
                    row.good_id = build_id
                    lost.discard(package)
                else:
                    lost.add(package)
        self.session.execute(delete(PackageRow).where(PackageRow.target == target))
        self.session.expire_all()
        self.session.add_all(states.values())
        self.session.flush()
        return sorted(lost)

    def _commit_rows(
        self, target: str, commits: Collection[NewCommit]
    ) -> dict[tuple[str, str, str, str], CommitRow]:
        """Return the row of each commit, by key; each in turn becomes the newest of its package."""
        known: dict[tuple[str, str, str, str], CommitRow] = {}
        for hashes in batches({one.theirs.upstream_hash for one in commits}):
            query = select(CommitRow).where(
                CommitRow.target == target, CommitRow.upstream_hash.in_(hashes)
            )
            for row in self.session.scalars(query):
                known[row.package, row.upstream_hash, row.distgit_hash, row.extended_hash] = row
        last: dict[str, int] = {}
        for packages in batches({one.theirs.package for one in commits}):
            highest = select(CommitRow.package, func.max(CommitRow.position)).where(
                CommitRow.target == target, CommitRow.package.in_(packages)
            )
            for package, position in self.session.execute(highest.group_by(CommitRow.package)):
                last[package] = position
        for one in commits:
            package = one.theirs.package
            row = known.get(one.key) or _commit(target, one)
            if one.key not in known or row.position < last[package]:
                row.position = last[package] = last.get(package, 0) + 1
                row.traced = False
            known[one.key] = row
            self.session.add(row)
        self.session.flush()
        return known

    def _published(self, target: str) -> int:
        query = select(func.max(BuildRow.published)).where(BuildRow.target == target, PUBLISHED)
        return self.session.scalar(query) or 0

    def _repositories_of(self, build_ids: Collection[int]) -> dict[int, RepositoryRow]:
        found: dict[int, RepositoryRow] = {}
        for ids in batches(set(build_ids)):
            query = select(RepositoryRow).where(RepositoryRow.build_id.in_(ids))
            rows = self.session.scalars(query.order_by(RepositoryRow.id))
            found |= {row.build_id: row for row in rows if row.build_id is not None}
        return found

    def _last_move(self, target: str, component: str, name: str) -> MoveRow | None:
        query = select(MoveRow).where(
            MoveRow.target == target, MoveRow.component == component, MoveRow.name == name
        )
        return self.session.scalar(query.order_by(MoveRow.id.desc()).limit(1))

    def _move(
        self,
        target: str,
        component: str,
        name: str,
        repository_id: int,
        *,
        moved: int,
        by: str,
        aggregate: str,
    ) -> MoveRow:
        last = self._last_move(target, component, name)
        row = MoveRow(
            target=target,
            component=component,
            name=name,
            old_id=last.new_id if last else None,
            new_id=repository_id,
            moved=moved,
            moved_by=by,
            why=_WHY,
            aggregate=aggregate,
        )
        self.session.add(row)
        self.session.flush()
        return row

    def _reached(self, target: str, kind: TakenKind, number: int) -> None:
        """Record how far a table was taken over."""
        of_kind = (TakenOverRow.target == target) & (TakenOverRow.kind == kind)
        self.session.execute(delete(TakenOverRow).where(of_kind))
        self.session.add(TakenOverRow(target=target, kind=kind, theirs=number, ours=0))
        self.session.flush()


def _taken(target: str) -> Select[int]:
    """Return the query for the builds of a target that were taken over."""
    return select(TakenOverRow.ours).where(
        TakenOverRow.target == target, TakenOverRow.kind == TakenKind.COMMIT
    )


def _commit(target: str, new: NewCommit) -> CommitRow:
    one = new.theirs
    return CommitRow(
        target=target,
        package=one.package,
        position=0,
        upstream_hash=one.upstream_hash,
        distgit_hash=one.distgit_hash,
        extended_hash=one.extended_hash or "",
        upstream_time=one.upstream_time,
        distgit_time=one.distgit_time,
        extended_time=one.extended_time or None,
        upstream_branch=one.branch,
        component=one.component,
        upstream=new.upstream,
    )


def _build(target: str, commit: CommitRow, one: DlrnBuild) -> BuildRow:
    """Return the build for a row of DLRN; all tries of a commit have rows of their own."""
    row = BuildRow(
        target=target,
        package=one.package,
        commit_id=commit.id,
        release_date=one.built,
        attempt=1,
        bootstrap=False,
        inputs="",
        state=BuildState.DONE,
        detail="",
        needs="[]",
        rpms="[]",
        ticket="",
        created=one.built,
        started=one.built,
        finished=one.built,
        superseded=False,
    )
    if one.status == "SUCCESS":
        row.outcome = "built"
        row.rpms = json.dumps([path.rpartition("/")[2] for path in one.artifacts])
    else:
        reason = FailureReason.NETWORK if one.status == "RETRY" else FailureReason.UNKNOWN
        row.outcome, row.reason, row.detail = "failed", reason.value, one.notes
    return row


def _repository(target: str, new: NewCommit, build: BuildRow, now: datetime) -> RepositoryRow:
    return RepositoryRow(
        target=target,
        component=new.theirs.component or "",
        path=new.path,
        build_id=build.id,
        digest="",
        created=build.release_date,
        removed=seconds(now),
    )


def _vote(
    target: str, one: DlrnVote, builds: Mapping[int, TakenCommit], now: datetime
) -> dict[str, object]:
    return {
        "target": target,
        "build_id": builds[one.commit_id].build_id if one.commit_id is not None else None,
        "ref_hash": one.ref_hash,
        "component": one.component or "",
        "job": one.job,
        "success": one.success,
        "in_progress": one.in_progress,
        "timestamp": one.timestamp,
        "created": one.timestamp or seconds(now),
        "url": one.url,
        "notes": one.notes,
        "user": one.user,
    }
