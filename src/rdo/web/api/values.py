"""The answers of `/api/v1`, as OpenAPI describes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, Field

from rdo.model.build import Built, Failed, Waiting
from rdo.model.commit import Commit
from rdo.store.given.check_results import CheckResult
from rdo.store.given.names import Promotion
from rdo.store.given.votes import Vote
from rdo.store.people.acks import Ack
from rdo.store.work.builds import Build

ItemT = TypeVar("ItemT")


class ErrorAnswer(BaseModel):
    """Why a request has no answer."""

    message: str


class PageAnswer(BaseModel, Generic[ItemT]):
    """A part of a list; `next` is the parameter for the next part, null at the end."""

    items: Sequence[ItemT]
    next: int | None = None


class TargetAnswer(BaseModel):
    """A target and where its names point, relative to its tree."""

    name: str
    release: str
    platform: str
    components: bool
    url: str = Field(description="Where the published tree is served.")
    names: dict[str, str]
    queued: int
    running: int
    failing: int
    paused: str = Field(description="By whom, since when and why; empty if it is not paused.")


class CommitAnswer(BaseModel):
    """What was built: the hashes and times of both sides."""

    package: str
    upstream_hash: str
    distgit_hash: str
    extended_hash: str | None
    upstream_branch: str
    upstream_time: datetime
    distgit_time: datetime
    component: str | None

    @classmethod
    def of(cls, commit: Commit) -> "CommitAnswer":
        """Return a commit in the API's form."""
        return cls(
            package=commit.package,
            upstream_hash=commit.upstream_hash,
            distgit_hash=commit.distgit_hash,
            extended_hash=commit.extended_hash,
            upstream_branch=commit.upstream_branch,
            upstream_time=commit.upstream_time,
            distgit_time=commit.distgit_time,
            component=commit.component,
        )


class BuildAnswer(BaseModel):
    """One try of a commit."""

    id: int
    commit: CommitAnswer
    state: str = Field(description="queued, starting, running or done")
    outcome: str | None = Field(description="built, failed or waiting; null without an outcome")
    reason: str | None
    detail: str
    needs: Sequence[str]
    rpms: Sequence[str]
    attempt: int
    bootstrap: bool
    release_date: datetime
    created: datetime
    started: datetime | None
    finished: datetime | None
    published: int | None

    @classmethod
    def of(cls, build: Build) -> "BuildAnswer":
        """Return a build in the API's form."""
        word, reason, detail = None, None, build.dropped
        needs: tuple[str, ...] = ()
        rpms: tuple[str, ...] = ()
        match build.outcome:
            case Built(paths):
                word, rpms = "built", tuple(path.name for path in paths)
            case Failed(why, text):
                word, reason, detail = "failed", why.value, text
            case Waiting(asked):
                word, needs = "waiting", tuple(asked)
        return cls(
            id=build.id,
            commit=CommitAnswer.of(build.commit),
            state=build.state.value,
            outcome=word,
            reason=reason,
            detail=detail,
            needs=needs,
            rpms=rpms,
            attempt=build.attempt,
            bootstrap=build.bootstrap,
            release_date=build.release_date,
            created=build.created,
            started=build.started,
            finished=build.finished,
            published=build.published,
        )


class AckAnswer(BaseModel):
    """Who is working on a package: since when, why, and a link to the work."""

    by: str
    since: datetime
    why: str
    link: str

    @classmethod
    def of(cls, ack: Ack) -> "AckAnswer":
        """Return an ack in the API's form."""
        return cls(by=ack.by, since=ack.since, why=ack.why, link=ack.link)


class PackageAnswer(BaseModel):
    """The state of a package; the numbers are those of builds."""

    name: str
    newest: int | None
    good: int | None
    broken_by: int | None
    broken_since: datetime | None
    reason: str | None
    ack: AckAnswer | None = Field(description="Who is on it; null if nobody is.")


class RepositoryAnswer(BaseModel):
    """A repository of the tree; `of` is the commit that it was made for, empty if composed."""

    path: str
    component: str | None
    created: datetime
    of: str
    build: int | None
    names: Sequence[str]
    url: str


class DifferenceAnswer(BaseModel):
    """A package that differs between two repositories; NVRs, empty where it is missing."""

    package: str
    kind: str
    before: str
    after: str
    upstream_commits: int
    distgit_commits: int


class CheckAnswerOfRepository(BaseModel):
    """The result of a check of a repository."""

    check: str
    state: str
    checked: datetime
    by: str

    @classmethod
    def of(cls, result: CheckResult) -> "CheckAnswerOfRepository":
        """Return a stored result in the API's form."""
        return cls(
            check=result.check, state=result.state.value, checked=result.checked, by=result.by
        )


class VoteAnswer(BaseModel):
    """The verdict of a job on a build's repository, or on an aggregate or composed repository."""

    id: int
    build: int | None
    reference: str
    component: str | None
    job: str
    verdict: str
    voted: datetime
    recorded: datetime
    url: str
    notes: str
    user: str

    @classmethod
    def of(cls, vote: Vote) -> "VoteAnswer":
        """Return a vote in the API's form."""
        return cls(
            id=vote.id,
            build=vote.ballot.build_id,
            reference=vote.ballot.ref_hash,
            component=vote.ballot.component,
            job=vote.job,
            verdict=vote.verdict.value,
            voted=vote.timestamp,
            recorded=vote.created,
            url=vote.url,
            notes=vote.notes,
            user=vote.user,
        )


class PromotionAnswer(BaseModel):
    """One move of a promotion name."""

    id: int
    name: str
    path: str
    component: str | None
    build: int | None
    aggregate: str
    moved: datetime
    by: str
    why: str

    @classmethod
    def of(cls, promotion: Promotion) -> "PromotionAnswer":
        """Return a move in the API's form."""
        return cls(
            id=promotion.id,
            name=promotion.name,
            path=promotion.repository.path,
            component=promotion.repository.component,
            build=promotion.repository.build_id,
            aggregate=promotion.aggregate,
            moved=promotion.moved,
            by=promotion.by,
            why=promotion.why,
        )
