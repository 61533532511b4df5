"""The verdicts of jobs on repositories."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, TextClause, false, select, true
from sqlalchemy.orm import Session

from rdo.model.commit import Commit
from rdo.model.vote import JobVerdict
from rdo.store.columns import columns_of
from rdo.store.moments import moment, seconds
from rdo.store.newest import newest_first
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
_SELECTION = (
    select(columns_of(VoteRow), columns_of(CommitRow))
    .outerjoin(BuildRow, VoteRow.build_id == BuildRow.id)
    .outerjoin(CommitRow, BuildRow.commit_id == CommitRow.id)
)
CONSISTENT_JOB = "consistent"
"""The job that votes for a build when `consistent` points to its repository."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a vote is about: the repository of a build, or what `ref_hash` names.

    That is an aggregate by its hash, or a composed repository by its digest. Exactly one of the two
    fields is set.
    """

    build_id: int | None = None
    ref_hash: str = ""
    component: str | None = None


@dataclass(frozen=True, slots=True)
class Vote:
    """The verdict of a job; `commit` is that of the build, if it is about a build.

    `timestamp` is when the job says it voted, `created` when we received it. An empty `user` means
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
        """Whether the job succeeded; a job in progress has not."""
        return self.verdict is JobVerdict.SUCCESS

    @property
    def in_progress(self) -> bool:
        """Whether the job has only started."""
        return self.verdict is JobVerdict.IN_PROGRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteFilter:
    """The wanted votes; None means any value.

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

    def values(self) -> dict[Any, str | int]:
        """Return the values of the columns that an index has, followed by the id."""
        wanted = {
            VoteRow.component: self.component,
            VoteRow.user: self.user,
            VoteRow.job: self.job,
            VoteRow.ref_hash: self.ref_hash,
            VoteRow.build_id: self.build_id,
        }
        return {column: value for column, value in wanted.items() if value is not None}

    def conditions(self) -> list[ColumnElement[bool] | TextClause]:
        """Return the other conditions on a row."""
        # exactly as in the partial indexes, which serve no other form
        chosen = ((self.on_build, ON_BUILD), (self.success, GOOD), (self.in_progress, IN_PROGRESS))
        found: list[ColumnElement[bool] | TextClause] = [
            right if wanted else _NOT[right] for wanted, right in chosen if wanted is not None
        ]
        if self.timestamp:
            found.append(VoteRow.timestamp == seconds(self.timestamp))
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
        return self._read(_SELECTION.where(VoteRow.id == row.id))[0]

    def on(self, target: str, ballot: Ballot, *, success: bool | None = None) -> tuple[Vote, ...]:
        """Return the votes on one repository or aggregate, in the order they were recorded."""
        if ballot.build_id is not None:
            query = _SELECTION.where(VoteRow.build_id == ballot.build_id)
        else:
            query = _SELECTION.where(
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
        """Return the newest vote on a build by its timestamp, if that is later than `since`.

        Without a job, the vote of any job except `consistent`.
        """
        conditions = [VoteRow.target == target, VoteRow.timestamp > seconds(since)]
        conditions += [VoteRow.job == job] if job is not None else []
        conditions += [VoteRow.component == component] if component is not None else []
        kind_of_vote = OF_CI if job is None else ON_BUILD
        kinds = (true(), false()) if success is None else (true() if success else false(),)
        newest = [
            select(VoteRow.id)  # one index for each, because no query over both could use them
            .where(*conditions, kind_of_vote, VoteRow.success == kind)
            .order_by(VoteRow.timestamp.desc(), VoteRow.id.desc())
            .limit(1)
            .scalar_subquery()
            for kind in kinds
        ]
        found = self._read(_SELECTION.where(VoteRow.id.in_(newest)))
        return max(found, key=lambda vote: (vote.timestamp, vote.id), default=None)

    def get(self, target: str, vote_id: int, wanted: VoteFilter) -> Vote | None:
        """Return a vote by its number, if it belongs to the target and matches."""
        query = _SELECTION.where(
            VoteRow.target == target,
            VoteRow.id == vote_id,
            *(column == value for column, value in wanted.values().items()),
            *wanted.conditions(),
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
        wanted = wanted or VoteFilter()
        values = {VoteRow.target: target, **wanted.values()}
        query = newest_first(
            self.session, _SELECTION.where(*wanted.conditions()), VoteRow.id, values
        )
        return self._read(query.offset(offset).limit(limit))

    def on_builds(self, target: str, build_ids: Collection[int]) -> tuple[Vote, ...]:
        """Return the votes on several builds, in the order they were recorded."""
        of_target = VoteRow.target.concat("") == target  # by the builds' index, not the target's
        query = _SELECTION.where(of_target, VoteRow.build_id.in_(build_ids))
        return self._read(query.order_by(VoteRow.id))

    def _read(self, query: Select[VoteRow, CommitRow]) -> tuple[Vote, ...]:
        return tuple(map(_vote, self.session.execute(query)))


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
