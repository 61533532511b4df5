"""An open review on a server, and the state of its build here."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReviewState(StrEnum):
    """The state of a review's build."""

    QUEUED = "queued"
    RUNNING = "running"
    AWAITING = "awaiting votes"
    DONE = "done"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    REFUSED = "refused"

    @property
    def is_open(self) -> bool:
        """Whether the verdict is still to come."""
        return self in {ReviewState.QUEUED, ReviewState.RUNNING, ReviewState.AWAITING}


class ReviewVerdict(StrEnum):
    """The verdict on a review; `NONE` until it is known, `UNTRIED` if something else failed."""

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
    """A change on a review server; `place` is the server's name in rdo.toml."""

    place: str
    project: str
    number: int

    def __str__(self) -> str:
        """`opendev:openstack/nova/4242`."""
        return f"{self.place}:{self.project}/{self.number}"


@dataclass(frozen=True, slots=True)
class Change:
    """The current state of a change on its server. `revision` is the git commit behind `ref`."""

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
    """A change that is built for a target, and the result; texts are empty until known."""

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
    """The build of one package for a review; `outcome` is that of `rdo trunk try`."""

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
