"""The values that pages show: links relative to the top of the tree, and texts ready to print."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rdo.model.build import BUILD_LOG


class ShownLevel(StrEnum):
    """The color of a state: good, worth a look, or a person must act."""

    NONE = ""
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Live:
    """Values that only the pages of a server have, not the files of a tree.

    `targets` are all targets of the server, `tree_url` is the URL of this target's tree; `version`
    changes with the style sheet and the script. `has_reviews`: open reviews are built.
    """

    targets: tuple[str, ...]
    version: str
    tree_url: str = ""
    has_reviews: bool = False


@dataclass(frozen=True, slots=True)
class PageHead:
    """Values that every page of a target needs.

    `install` are the lines that install from the target, none until something is published; `known`
    are the packages that have a page.
    """

    project: str
    target: str
    release: str
    platform: str
    install: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    live: Live | None = None


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
    subject: str = ""

    @property
    def level(self) -> ShownLevel:
        by_status = {"FAILED": ShownLevel.BAD, "RETRY": ShownLevel.WARN, "SUCCESS": ShownLevel.GOOD}
        return by_status.get(self.status, ShownLevel.NONE)

    @property
    def shown_minutes(self) -> str:
        return "" if self.minutes is None else f"{self.minutes:.1f}"

    @property
    def log(self) -> str:
        return f"{self.place}/{BUILD_LOG}" if self.place else ""


@dataclass(frozen=True, slots=True)
class ShownName:
    """A name of the tree: where it points, since when, and which package's build moved it.

    `age` is text; `is_broken`: there is no repodata where it points.
    """

    name: str
    place: str
    since: datetime
    why: str
    age: str = ""
    is_broken: bool = False
    repository: int = 0


@dataclass(frozen=True, slots=True)
class ShownBlocker:
    """A package that blocks `consistent`."""

    package: str
    reason: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ShownAck:
    """Who is working on a package, since when, why, and a link to the work."""

    by: str
    since: datetime
    why: str
    link: str


@dataclass(frozen=True, slots=True)
class FailingPackage:
    """A package that fails to build: since when, why, after which change, with log lines.

    `sentence` is the same that every command prints about it.
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
    ack: ShownAck | None = None


@dataclass(frozen=True, slots=True)
class ShownPackage:
    """One row in the table of all packages. `first_failure` is the build since which it fails.

    `status` is DLRN's word for its newest outcome, `remark` what its state adds to that.
    """

    package: str
    nvr: str
    commit: str
    status: str
    log: str
    remark: str = ""
    level: ShownLevel = ShownLevel.NONE
    commit_url: str = ""
    first_failure: ShownBuild | None = None
    last_good: str = ""
    build: int = 0
    state: str = ""


@dataclass(frozen=True, slots=True)
class StoppedPackage:
    """A package that is held, paused, or no longer polled, and the reason."""

    package: str
    state: str
    sentence: str


@dataclass(frozen=True, slots=True)
class QueuedBuild:
    """A queued or running build: its state, and the sentence that explains it.

    `begins` and `ends` are the expected times, if they can be estimated.
    """

    package: str
    commit: str
    commit_url: str
    committed: datetime
    queued: datetime
    state: str
    sentence: str
    level: ShownLevel = ShownLevel.NONE
    id: int = 0
    begins: datetime | None = None
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class PackagePage:
    """The part of a package's page above its history.

    `sources` are, for each repository, its kind, its URL and the branch; `excerpt` the lines of the
    log around the cause, some of them marked. `is_unwell`: there is a problem, so a person may
    start working on it.
    """

    package: str
    level: ShownLevel
    state: str
    sentence: str
    version: str = ""
    sources: tuple[tuple[str, str, str], ...] = ()
    maintainers: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    needed_by: tuple[str, ...] = ()
    excerpt: tuple[tuple[str, bool], ...] = ()
    reproduce: str = ""
    rpms: tuple[str, ...] = ()
    rpm_place: str = ""
    ack: ShownAck | None = None
    is_unwell: bool = False

    @property
    def install(self) -> str:
        """The names of the binary RPMs, except those for debuggers."""
        names = {name.rsplit("-", 2)[0] for name in self.rpms if not name.endswith(".src.rpm")}
        return " ".join(sorted(x for x in names if not x.endswith(("-debuginfo", "-debugsource"))))


@dataclass(frozen=True, slots=True)
class ShownTarget:
    """A target on the page of all targets."""

    head: PageHead
    url: str
    level: ShownLevel
    headline: str


@dataclass(frozen=True, slots=True)
class TargetPage:
    """Everything on a target's status page; `headline` is the whole state in one sentence."""

    level: ShownLevel
    headline: str

    names: tuple[ShownName, ...]
    blocked: tuple[ShownBlocker, ...]
    failing: tuple[FailingPackage, ...]
    packages: tuple[ShownPackage, ...]
    queue: tuple[QueuedBuild, ...]
    stopped: tuple[StoppedPackage, ...] = ()
