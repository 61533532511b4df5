"""Open reviews: for which targets they are built, the results, and the votes of jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from rdo.model.review import (
    BuildRole,
    Change,
    ChangeId,
    ReviewBuild,
    ReviewRun,
    ReviewState,
    ReviewVerdict,
    ReviewVote,
)
from rdo.store.moments import maybe_moment, moment, seconds
from rdo.store.schema import OPEN_REVIEW, ReviewBuildRow, ReviewRow, ReviewVoteRow

SUPERSEDED = "a newer event about the same change"


@dataclass(frozen=True, slots=True)
class Reviews:
    """The tables of reviews, their builds and votes, within one transaction."""

    session: Session

    def add(
        self, target: str, change: ChangeId, because: str, author: str, *, now: datetime
    ) -> ReviewRun:
        """Queue a change; open reviews of the same change are superseded, even running ones."""
        for row in self.session.scalars(
            select(ReviewRow).where(
                ReviewRow.target == target,
                ReviewRow.place == change.place,
                ReviewRow.project == change.project,
                ReviewRow.number == change.number,
                OPEN_REVIEW,
            )
        ):
            if ReviewState(row.state).is_open:
                _end(row, ReviewState.SUPERSEDED, SUPERSEDED, now)
        row = ReviewRow(
            target=target,
            place=change.place,
            project=change.project,
            number=change.number,
            **dict.fromkeys(("revision", "branch", "subject", "url"), ""),
            author=author,
            because=because,
            state=ReviewState.QUEUED.value,
            verdict="",
            detail="",
            attempt=0,
            created=seconds(now),
            report_tries=0,
            report_error="",
        )
        self.session.add(row)
        self.session.flush()
        return _review(row)

    def refuse(self, review_id: int, why: str, *, now: datetime) -> ReviewRun:
        """End a review that will not be built."""
        row = self.session.get_one(ReviewRow, review_id)
        _end(row, ReviewState.REFUSED, why, now)
        return _review(row)

    def cancel(self, review_id: int, why: str, *, now: datetime) -> ReviewRun:
        """End a review that a person does not want; the process that runs it ends it."""
        row = self.session.get_one(ReviewRow, review_id)
        if ReviewState(row.state).is_open:
            _end(row, ReviewState.CANCELLED, why, now)
        return _review(row)

    def begin(self, review_id: int, *, now: datetime) -> ReviewRun | None:
        """Begin the next attempt of a queued review; None if it is no longer queued."""
        row = self.session.get_one(ReviewRow, review_id)
        if row.state != ReviewState.QUEUED:
            return None
        row.state, row.started, row.attempt = (
            ReviewState.RUNNING.value,
            seconds(now),
            row.attempt + 1,
        )
        self.session.execute(delete(ReviewBuildRow).where(ReviewBuildRow.review_id == row.id))
        return _review(row)

    def describe(self, review_id: int, change: Change) -> ReviewRun:
        """Record the server's data about the change that is built."""
        row = self.session.get_one(ReviewRow, review_id)
        row.revision, row.branch = change.revision, change.branch
        row.subject, row.url = change.subject, change.url
        return _review(row)

    def built(self, review_id: int, build: ReviewBuild) -> None:
        """Record the result of building a package."""
        self.session.add(
            ReviewBuildRow(
                review_id=review_id,
                package=build.package,
                role=build.role.value,
                outcome=build.outcome,
                reason=build.reason,
                detail=build.detail,
                seconds=build.seconds,
            )
        )
        self.session.flush()

    def settle(
        self,
        review_id: int,
        state: ReviewState,
        verdict: ReviewVerdict,
        detail: str,
        *,
        now: datetime,
    ) -> bool:
        """Record the state of a running or waiting review; False if it was ended meanwhile."""
        row = self.session.get_one(ReviewRow, review_id)
        if not ReviewState(row.state).is_open:
            return False
        row.state, row.verdict, row.detail = state.value, verdict.value, detail
        row.finished = None if state.is_open else seconds(now)
        return True

    def queue_again(self, review_id: int, *, rests: bool = False, counts: bool = True) -> None:
        """Queue a running review again; with `rests` later, without `counts` as if untried."""
        row = self.session.get_one(ReviewRow, review_id)
        if row.state == ReviewState.RUNNING:
            row.state = ReviewState.QUEUED.value
            row.started = row.started if rests else None
            row.attempt -= 0 if counts else 1

    def reported(
        self, review_id: int, *, now: datetime, error: str = "", last: bool = True
    ) -> None:
        """Record that a verdict was sent, or why not; without `last` it is tried again."""
        row = self.session.get_one(ReviewRow, review_id)
        row.report_tries, row.report_error = row.report_tries + 1, error
        row.reported = seconds(now) if last else None

    def open(self) -> tuple[ReviewRun, ...]:
        """Return the reviews that are unfinished or not reported, oldest first."""
        rows = self.session.scalars(select(ReviewRow).where(OPEN_REVIEW).order_by(ReviewRow.id))
        return tuple(map(_review, rows))

    def get(self, review_id: int) -> ReviewRun | None:
        """Return a review by its id."""
        row = self.session.get(ReviewRow, review_id)
        return _review(row) if row else None

    def listed(
        self, target: str, *, before: int | None = None, limit: int = 50, only_open: bool = False
    ) -> tuple[ReviewRun, ...]:
        """Return reviews of a target, newest first."""
        query = select(ReviewRow).where(ReviewRow.target == target)
        if before is not None:
            query = query.where(ReviewRow.id < before)
        if only_open:
            query = query.where(OPEN_REVIEW)
        rows = self.session.scalars(query.order_by(ReviewRow.id.desc()).limit(limit))
        return tuple(map(_review, rows))

    def count_of_author(self, target: str, place: str, author: str, since: datetime) -> int:
        """Return how many changes by an author were queued for a target since a time."""
        query = select(func.count()).where(
            ReviewRow.target == target,
            ReviewRow.place == place,
            ReviewRow.author == author,
            ReviewRow.created > seconds(since),
            ReviewRow.state != ReviewState.REFUSED.value,
        )
        return self.session.scalar(query) or 0

    def builds(self, review_id: int) -> tuple[ReviewBuild, ...]:
        """Return the packages that were built, in that order."""
        query = select(ReviewBuildRow).where(ReviewBuildRow.review_id == review_id)
        return tuple(
            ReviewBuild(
                row.package, BuildRole(row.role), row.outcome, row.reason, row.detail, row.seconds
            )
            for row in self.session.scalars(query.order_by(ReviewBuildRow.id))
        )

    def vote(self, review_id: int, vote: ReviewVote) -> None:
        """Record the verdict of an outside job."""
        self.session.add(
            ReviewVoteRow(
                review_id=review_id,
                job=vote.job,
                verdict=vote.verdict,
                url=vote.url,
                notes=vote.notes,
                user=vote.user,
                recorded=seconds(vote.recorded),
            )
        )
        self.session.flush()

    def votes(self, review_id: int) -> Sequence[ReviewVote]:
        """Return the verdicts of jobs, oldest first."""
        query = select(ReviewVoteRow).where(ReviewVoteRow.review_id == review_id)
        return [
            ReviewVote(row.job, row.verdict, row.url, row.notes, row.user, moment(row.recorded))
            for row in self.session.scalars(query.order_by(ReviewVoteRow.id))
        ]


def _end(row: ReviewRow, state: ReviewState, why: str, now: datetime) -> None:
    """End a review without telling its server anything."""
    row.state, row.detail = state.value, why
    row.finished = row.reported = seconds(now)


def _review(row: ReviewRow) -> ReviewRun:
    return ReviewRun(
        id=row.id,
        target=row.target,
        change=ChangeId(row.place, row.project, row.number),
        revision=row.revision,
        branch=row.branch,
        author=row.author,
        subject=row.subject,
        url=row.url,
        because=row.because,
        state=ReviewState(row.state),
        verdict=ReviewVerdict(row.verdict),
        detail=row.detail,
        attempt=row.attempt,
        created=moment(row.created),
        started=maybe_moment(row.started),
        finished=maybe_moment(row.finished),
        reported=maybe_moment(row.reported),
        report_tries=row.report_tries,
        report_error=row.report_error,
    )
