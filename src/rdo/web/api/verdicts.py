"""The endpoints that judge repositories: votes of jobs, and promotions."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from rdo.model.vote import JobVerdict
from rdo.promotion import compositions, promoting
from rdo.promotion.deciding import votes
from rdo.web.api.asked import ERRORS, Ci, Promoter
from rdo.web.api.values import VoteAnswer

_Place = Annotated[str, Field(min_length=1, max_length=300)]


class VoteQuestion(BaseModel):
    """The verdict of a job on a repository, which is given by a name, a path or a hash."""

    model_config = ConfigDict(extra="forbid")

    repository: _Place
    component: Annotated[str | None, Field(max_length=200)] = None
    job: Annotated[str, Field(min_length=1, max_length=256)]
    verdict: Literal["success", "failure", "in-progress"]
    url: Annotated[str, Field(max_length=2000)] = ""
    notes: Annotated[str, Field(max_length=10_000)] = ""


class PromotionQuestion(BaseModel):
    """The name to move, the repository to move it to, and why."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=100)]
    repository: _Place
    because: Annotated[str, Field(min_length=1, max_length=10_000)]


class PromotedAnswer(BaseModel):
    """Where a promotion name points now; `moved` are the paths it did not point to before."""

    name: str
    repositories: list[str]
    moved: list[str]


def router() -> APIRouter:
    """Return the routes; voting needs the role ci, promoting the role promoter."""
    routes = APIRouter(prefix="/api/v1/targets/{target}", responses=ERRORS)

    @routes.post("/votes", status_code=201)
    def vote(asked: Ci, cast: VoteQuestion) -> VoteAnswer:
        """Record the verdict of a job on a repository."""
        with asked.opened() as opened:
            done = votes.vote(
                opened,
                votes.find_ballot(opened, cast.repository, cast.component),
                cast.job,
                JobVerdict(cast.verdict),
                by=asked.login.user,
                url=cast.url,
                notes=cast.notes,
            )
        asked.record("vote", f"{cast.job} {cast.verdict} on {cast.repository}")
        return VoteAnswer.of(done)

    @routes.post("/promotions", status_code=201)
    def promote(asked: Promoter, wanted: PromotionQuestion) -> PromotedAnswer:
        """Point a promotion name at a repository, in all components at once."""
        by = asked.login.user
        with asked.opened() as opened:
            found = compositions.find(opened, wanted.repository)
            done = promoting.promote(opened, wanted.name, found, by=by, why=wanted.because)
        asked.server.tell()
        asked.record("promote", f"{wanted.name} to {', '.join(done.repositories)}")
        return PromotedAnswer(
            name=done.name, repositories=list(done.repositories), moved=list(done.moved)
        )

    return routes
