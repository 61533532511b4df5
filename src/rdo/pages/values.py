"""What the pages show: links relative to the top of the tree, and texts ready to print."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PageHead:
    """What every page of a target begins with."""

    project: str
    target: str
    release: str
    platform: str


@dataclass(frozen=True, slots=True)
class ShownBuild:
    """A build that has ended. `status` is DLRN's word, `place` its directory in the tree, if any.

    `cause` says why it failed.
    """

    id: int
    package: str
    commit: str
    commit_url: str
    component: str
    status: str
    committed: datetime
    when: datetime | None
    minutes: float | None
    cause: str = ""
    place: str = ""
    note: str = ""

    @property
    def log(self) -> str:
        return f"{self.place}/rpmbuild.log" if self.place else ""

    @property
    def page(self) -> str:
        return f"packages/{self.package}.html"


@dataclass(frozen=True, slots=True)
class ShownName:
    """A name of the tree: where it leads, since when, and which package's build moved it."""

    name: str
    place: str
    since: datetime
    why: str


@dataclass(frozen=True, slots=True)
class ShownBlocker:
    """A package that blocks `consistent`."""

    package: str
    reason: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class FailingPackage:
    """A package that fails to build: since when, why, after which change, and what the log says.

    `sentence` is what every command says of it.
    """

    package: str
    since: datetime | None
    sentence: str
    line: str
    change: str
    change_url: str
    log: str
    build: int
    waiting: tuple[str, ...] = ()
    maintainers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownPackage:
    """One package in the table of all. `first_failure` is the build since which it fails.

    `status` is DLRN's word for its newest outcome, `remark` what the state adds to it.
    """

    package: str
    nvr: str
    commit: str
    status: str
    log: str
    remark: str = ""
    first_failure: ShownBuild | None = None
    last_success: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueuedBuild:
    """A build that is queued or running: its state, and the sentence that explains it."""

    package: str
    commit: str
    commit_url: str
    committed: datetime
    queued: datetime
    state: str
    sentence: str


@dataclass(frozen=True, slots=True)
class TargetPage:
    """Everything on a target's status page."""

    names: tuple[ShownName, ...]
    blocked: tuple[ShownBlocker, ...]
    failing: tuple[FailingPackage, ...]
    packages: tuple[ShownPackage, ...]
    queue: tuple[QueuedBuild, ...]
    now: datetime
