"""The verdicts of jobs on repositories."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, TextClause, false, select, true
from sqlalchemy.orm import Session

from rdo.model.commit import Commit
from rdo.model.vote import JobVerdict
from rdo.store.moments import moment, seconds
from rdo.store.schema import (
    ELSEWHERE,
    GOOD,
    IN_PROGRESS,
    NOT_GOOD,
    NOT_IN_PROGRESS,
    OF_CI,
    ON_BUILD,
    BuildRow,
    CommitRow,
    VoteRow,
)
from rdo.store.work.commits import commit_of

_NOT = {ON_BUILD: ELSEWHERE, GOOD: NOT_GOOD, IN_PROGRESS: NOT_IN_PROGRESS}
CONSISTENT_JOB = "consistent"
"""The job that says of a build that `consistent` led to its repository."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a vote is on: the repository of a build, or what `ref_hash` names.

    That is an aggregate by its hash, or a composed repository by its digest. Exactly one of the
    two is given.
    """

    build_id: int | None = None
    ref_hash: str = ""
    component: str | None = None


@dataclass(frozen=True, slots=True)
class Vote:
    """The verdict of a job; `commit` is that of the build that it is on, if it is on a build.

    `timestamp` is when the job says that it voted, `created` when we were told. An empty `user`:
    rdo itself.
    """

    id: int
    ballot: Ballot
    commit: Commit | None
    job: str
    verdict: JobVerdict
    timestamp: datetime
    created: datetime
    url: str = ""
    notes: str = ""
    user: str = ""

    @property
    def success(self) -> bool:
        """Whether the job succeeded; one in progress has not."""
        return self.verdict is JobVerdict.SUCCESS

    @property
    def in_progress(self) -> bool:
        """Whether the job has only begun."""
        return self.verdict is JobVerdict.IN_PROGRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteFilter:
    """Which votes are asked for; what is None does not matter.

    `on_build` separates votes on builds from those on aggregates and composed repositories.
    """

    on_build: bool | None = None
    build_id: int | None = None
    ref_hash: str | None = None
    component: str | None = None
    job: str | None = None
    success: bool | None = None
    in_progress: bool | None = None
    timestamp: datetime | None = None
    user: str | None = None

    def conditions(self) -> list[ColumnElement[bool] | TextClause]:
        """Return the conditions on a row."""
        wanted = {
            VoteRow.build_id: self.build_id,
            VoteRow.ref_hash: self.ref_hash,
            VoteRow.component: self.component,
            VoteRow.job: self.job,
            VoteRow.timestamp: seconds(self.timestamp) if self.timestamp else None,
            VoteRow.user: self.user,
        }
        found: list[ColumnElement[bool] | TextClause] = [
            column == value for column, value in wanted.items() if value is not None
        ]
        # in the words of the partial indexes, which serve no other
        chosen = ((self.on_build, ON_BUILD), (self.success, GOOD), (self.in_progress, IN_PROGRESS))
        found += [
            right if wanted else _NOT[right] for wanted, right in chosen if wanted is not None
        ]
        return found


@dataclass(frozen=True, slots=True)
class Votes:
    """The table of votes, within one transaction."""

    session: Session

    def add(
        self,
        target: str,
        ballot: Ballot,
        job: str,
        verdict: JobVerdict,
        *,
        timestamp: datetime,
        now: datetime,
        url: str = "",
        notes: str = "",
        user: str = "",
    ) -> Vote:
        """Record a vote; earlier votes of the job stay."""
        row = VoteRow(
            target=target,
            build_id=ballot.build_id,
            ref_hash=ballot.ref_hash,
            component=ballot.component or "",
            job=job,
            success=verdict is JobVerdict.SUCCESS,
            in_progress=verdict is JobVerdict.IN_PROGRESS,
            timestamp=seconds(timestamp),
            created=seconds(now),
            url=url,
            notes=notes,
            user=user,
        )
        self.session.add(row)
        self.session.flush()
        return self._read(_selection().where(VoteRow.id == row.id))[0]

    def on(self, target: str, ballot: Ballot, *, success: bool | None = None) -> tuple[Vote, ...]:
        """Return the votes on one repository or aggregate, as they came in."""
        if ballot.build_id is not None:
            query = _selection().where(VoteRow.build_id == ballot.build_id)
        else:
            query = _selection().where(
                VoteRow.target == target,
                VoteRow.ref_hash == ballot.ref_hash,
                VoteRow.ref_hash != "",
            )
        if success is not None:
            query = query.where(VoteRow.success == success)
        return self._read(query.order_by(VoteRow.id))

    def newest(
        self,
        target: str,
        *,
        since: datetime,
        job: str | None = None,
        success: bool | None = None,
        component: str | None = None,
    ) -> Vote | None:
        """Return the newest vote on a build by its timestamp, which is later than `since`.

        Without a job, that of any job but `consistent`.
        """
        conditions = [VoteRow.target == target, VoteRow.timestamp > seconds(since)]
        conditions += [VoteRow.job == job] if job is not None else []
        conditions += [VoteRow.component == component] if component is not None else []
        kind_of_vote = OF_CI if job is None else ON_BUILD
        kinds = (True, False) if success is None else (success,)
        found = [
            vote  # each by an index, which no query over both could use
            for kind in kinds
            for vote in self._read(
                _selection()
                .where(*conditions, kind_of_vote, VoteRow.success == (true() if kind else false()))
                .order_by(VoteRow.timestamp.desc(), VoteRow.id.desc())
                .limit(1)
            )
        ]
        return max(found, key=lambda vote: (vote.timestamp, vote.id), default=None)

    def get(self, target: str, vote_id: int, wanted: VoteFilter) -> Vote | None:
        """Return a vote by its number, if it is of the target and as wanted."""
        query = _selection().where(
            VoteRow.target == target, VoteRow.id == vote_id, *wanted.conditions()
        )
        return next(iter(self._read(query)), None)

    def listed(
        self,
        target: str,
        wanted: VoteFilter | None = None,
        *,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[Vote, ...]:
        """Return votes, the last recorded first."""
        conditions = (wanted or VoteFilter()).conditions()
        query = _selection().where(VoteRow.target == target, *conditions)
        return self._read(query.order_by(VoteRow.id.desc()).offset(offset).limit(limit))

    def on_builds(self, target: str, build_ids: Collection[int]) -> tuple[Vote, ...]:
        """Return the votes on several builds, as they came in."""
        of_target = VoteRow.target.concat("") == target  # by the builds' index, not the target's
        query = _selection().where(of_target, VoteRow.build_id.in_(build_ids))
        return self._read(query.order_by(VoteRow.id))

    def _read(self, query: Select[VoteRow, CommitRow]) -> tuple[Vote, ...]:
        return tuple(map(_vote, self.session.execute(query)))


def _selection() -> Select[VoteRow, CommitRow]:
    return (
        select(VoteRow, CommitRow)
        .outerjoin(BuildRow, VoteRow.build_id == BuildRow.id)
        .outerjoin(CommitRow, BuildRow.commit_id == CommitRow.id)
    )


def _vote(found: Row[VoteRow, CommitRow]) -> Vote:
    row, commit = found
    verdict = JobVerdict.IN_PROGRESS if row.in_progress else JobVerdict.FAILURE
    return Vote(
        id=row.id,
        ballot=Ballot(row.build_id, row.ref_hash, row.component or None),
        commit=commit_of(commit) if commit is not None else None,
        job=row.job,
        verdict=JobVerdict.SUCCESS if row.success else verdict,
        timestamp=moment(row.timestamp),
        created=moment(row.created),
        url=row.url,
        notes=row.notes,
        user=row.user,
    )
