"""What the pages show: links relative to the top of the tree, and texts ready to print."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rdo.model.build import BUILD_LOG


class ShownLevel(StrEnum):
    """How a state is coloured: all is well, somebody may want to know, somebody must act."""

    NONE = ""
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Live:
    """What only the pages of a server have, which the files of a tree have not.

    `targets` are all that the server shows, `tree_url` is where the tree of this one is served;
    `version` changes with the style sheet and the script. `has_reviews`: open reviews are built.
    """

    targets: tuple[str, ...]
    version: str
    tree_url: str = ""
    has_reviews: bool = False


@dataclass(frozen=True, slots=True)
class PageHead:
    """What every page of a target needs.

    `install` are the lines that install from the target, `known` the packages that have a page.
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
    """A name of the tree: where it leads, since when, and which package's build moved it.

    `age` is in words; `is_broken` says that there is no repodata where it leads.
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
    """Who is on a package, since when, why, and where to follow it."""

    by: str
    since: datetime
    why: str
    link: str


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
    ack: ShownAck | None = None


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
    level: ShownLevel = ShownLevel.NONE
    commit_url: str = ""
    first_failure: ShownBuild | None = None
    last_good: str = ""
    build: int = 0
    state: str = ""


@dataclass(frozen=True, slots=True)
class StoppedPackage:
    """A package that is held, paused, or not polled any more, and why."""

    package: str
    state: str
    sentence: str


@dataclass(frozen=True, slots=True)
class QueuedBuild:
    """A build that is queued or running: its state, and the sentence that explains it.

    `begins` and `ends` are when it is expected to, if that can be told.
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
    """What the page of a package has above its history.

    `sources` are what each repository is, its URL and the branch; `excerpt` the lines of the log
    around the cause, of which some are marked. Somebody may want to be on it if `is_unwell`.
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
        """The binary RPMs by name, but those for debuggers."""
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
