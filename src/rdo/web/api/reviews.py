"""The endpoints about open reviews: what is built, the results, and votes of outside jobs."""

import contextlib
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from rdo.errors import NotFoundError
from rdo.model.review import ReviewRun, ReviewVote
from rdo.trunk.reviews import asking, listing
from rdo.web.answers import ApiError
from rdo.web.api.asked import ERRORS, Before, Ci, Limit, Name, Number, Reader, TargetRead
from rdo.web.api.values import ErrorAnswer, PageAnswer

_Text = Annotated[str, Field(max_length=10_000)]


class ReviewAnswer(BaseModel):
    """A change that is built because of an open review; texts are empty until known."""

    id: int
    target: str
    place: str
    project: str
    number: int
    revision: str
    branch: str
    author: str
    subject: str
    url: str
    because: str
    state: str
    verdict: str = Field(description="success, failure or untried; empty until it is known")
    detail: str
    attempt: int
    created: datetime
    started: datetime | None
    finished: datetime | None
    reported: datetime | None
    report_error: str

    @classmethod
    def of(cls, review: ReviewRun) -> "ReviewAnswer":
        """Return a review in the API's form."""
        return cls.model_validate(listing.as_row(review))


class ReviewBuildAnswer(BaseModel):
    """A package that was built for a review; `role` is change, dependency or dependent."""

    model_config = ConfigDict(from_attributes=True)

    package: str
    role: str
    outcome: str
    reason: str
    detail: str
    seconds: int


class ReviewVoteAnswer(BaseModel):
    """The verdict of an outside job on a review."""

    model_config = ConfigDict(from_attributes=True)

    job: str
    verdict: str
    url: str
    notes: str
    user: str
    recorded: datetime


class WholeReviewAnswer(ReviewAnswer):
    """A review with its builds and votes."""

    builds: list[ReviewBuildAnswer]
    votes: list[ReviewVoteAnswer]

    @classmethod
    def of_view(cls, shown: listing.ReviewView) -> "WholeReviewAnswer":
        """Return a review with its builds and votes in the API's form."""
        return cls.model_validate(listing.view_row(shown))


class ReviewQuestion(BaseModel):
    """The URL of a change to build."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=1000)]


class ReviewVoteQuestion(BaseModel):
    """The verdict of a job on a review."""

    model_config = ConfigDict(extra="forbid")

    job: Annotated[str, Field(min_length=1, max_length=256)]
    verdict: Literal["success", "failure", "in-progress"]
    url: _Text = ""
    notes: _Text = ""


def router() -> APIRouter:
    """Return the routes about reviews; voting and requesting a build need the role ci."""
    routes = APIRouter(
        prefix="/api/v1/targets/{target}/reviews",
        responses={**ERRORS, 409: {"model": ErrorAnswer}},
    )

    @routes.get("")
    def reviews(
        asked: Reader, before: Before = None, limit: Limit = 50
    ) -> PageAnswer[ReviewAnswer]:
        """List reviews, newest first."""
        with asked.server.store.read() as at:
            rows = at.reviews.listed(asked.target, before=before, limit=limit)
        items = [ReviewAnswer.of(one) for one in rows]
        return PageAnswer(items=items, next=items[-1].id if len(items) == limit else None)

    @routes.get("/{number}")
    def review(asked: Reader, number: Number) -> WholeReviewAnswer:
        """Show a review with its builds and votes."""
        return WholeReviewAnswer.of_view(_found(asked, number))

    @routes.get("/{number}/builds/{package}/log", response_class=Response)
    def log(asked: Reader, number: Number, package: Name) -> Response:
        """Return the log of a package that was built for a review, at most its last 1 MB."""
        folder = asked.server.settings.target_folder(asked.target)
        content = listing.log_of(folder, _found(asked, number), package)
        return Response(content, media_type="text/plain; charset=utf-8")

    @routes.post("", status_code=202)
    def ask(asked: Ci, wanted: ReviewQuestion) -> list[ReviewAnswer]:
        """Queue the open change at an address of a configured server."""
        with contextlib.closing(asked.server.app.for_request()) as app:
            queued = asking.ask_by_hand(app, wanted.url, asked.target, asked.login.user)
        asked.record("review", wanted.url)
        return [ReviewAnswer.of(one) for one in queued]

    @routes.delete("/{number}")
    def cancel(asked: Ci, number: Number) -> ReviewAnswer:
        """End a review that is queued, runs, or waits for votes."""
        _open(_found(asked, number))
        ended = asking.cancel(asked.server.app, number, asked.login.user)
        asked.record("cancel review", str(number))
        return ReviewAnswer.of(ended)

    @routes.post("/{number}/votes", status_code=201)
    def vote(asked: Ci, number: Number, cast: ReviewVoteQuestion) -> WholeReviewAnswer:
        """Say how a job went on a review that is not ended; the last vote of a job counts."""
        _open(_found(asked, number))
        app, by = asked.server.app, asked.login.user
        said = ReviewVote(cast.job, cast.verdict, cast.url, cast.notes, by, app.now())
        asking.vote(app, number, said)
        asked.record("vote on review", f"{number}: {cast.job} {cast.verdict}")
        return WholeReviewAnswer.of_view(_found(asked, number))

    return routes


def _found(asked: TargetRead, number: int) -> listing.ReviewView:
    shown = listing.view(asked.server.app, number)
    if shown.review.target != asked.target:
        raise NotFoundError(f"there is no review {number}")
    return shown


def _open(shown: listing.ReviewView) -> None:
    if not shown.review.state.is_open:
        raise ApiError(409, f"review {shown.review.id} has ended: {shown.review.state}")
