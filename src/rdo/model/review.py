"""An open review elsewhere, and how far its build here is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReviewState(StrEnum):
    """How far the build of a review is."""

    QUEUED = "queued"
    RUNNING = "running"
    AWAITING = "awaiting votes"
    DONE = "done"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    REFUSED = "refused"

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done before there is a verdict."""
        return self in {ReviewState.QUEUED, ReviewState.RUNNING, ReviewState.AWAITING}


class ReviewVerdict(StrEnum):
    """What is said about a review; `NONE` until it is known, `UNTRIED` if no fault is its own."""

    NONE = ""
    SUCCESS = "success"
    FAILURE = "failure"
    UNTRIED = "untried"


class BuildRole(StrEnum):
    """Why a package is built for a review."""

    CHANGE = "change"
    DEPENDENCY = "dependency"
    DEPENDENT = "dependent"


@dataclass(frozen=True, slots=True, order=True)
class ChangeId:
    """A change on a server of reviews: `place` is its name in rdo.toml."""

    place: str
    project: str
    number: int

    def __str__(self) -> str:
        """`opendev:openstack/nova/4242`."""
        return f"{self.place}:{self.project}/{self.number}"


@dataclass(frozen=True, slots=True)
class Change:
    """A change as its server describes it now. `revision` is the git commit behind `ref`."""

    id: ChangeId
    revision: str
    ref: str
    branch: str
    subject: str
    message: str
    author: str
    url: str
    is_open: bool
    is_merged: bool = False


@dataclass(frozen=True, slots=True)
class ReviewRun:
    """A change that is built for a target, and what came of it; empty texts are not known yet."""

    id: int
    target: str
    change: ChangeId
    revision: str
    branch: str
    author: str
    subject: str
    url: str
    because: str
    state: ReviewState
    verdict: ReviewVerdict
    detail: str
    attempt: int
    created: datetime
    started: datetime | None
    finished: datetime | None
    reported: datetime | None
    report_tries: int
    report_error: str


@dataclass(frozen=True, slots=True)
class ReviewBuild:
    """How one package was built for a review; `outcome` is that of `rdo trunk try`."""

    package: str
    role: BuildRole
    outcome: str
    reason: str
    detail: str
    seconds: int


@dataclass(frozen=True, slots=True)
class ReviewVote:
    """The verdict of an outside job on a review."""

    job: str
    verdict: str
    url: str
    notes: str
    user: str
    recorded: datetime
