"""The values that pages of a server show in addition to those of a tree."""

from dataclasses import dataclass
from datetime import datetime

from rdo.pages.charts import Chart
from rdo.pages.graph import Graph
from rdo.pages.timeline import Timeline
from rdo.pages.values import (
    FailingPackage,
    PackagePage,
    PageHead,
    ShownBuild,
    ShownLevel,
    ShownName,
    TargetPage,
)


@dataclass(frozen=True, slots=True)
class Tile:
    """One number of an overview; `page` is the page it links to, relative to the target's top."""

    label: str
    value: str
    level: ShownLevel = ShownLevel.NONE
    note: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A package as one colored field."""

    package: str
    level: ShownLevel
    state: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page of a target: its state, failures, waiting packages, and moves of names."""

    state: TargetPage
    tiles: tuple[Tile, ...]
    cells: tuple[Cell, ...]
    builds: Chart
    now: datetime
    in_round: bool


@dataclass(frozen=True, slots=True)
class GridTarget:
    """A target in the list of all targets of a server."""

    head: PageHead
    level: ShownLevel
    headline: str
    tiles: tuple[Tile, ...]
    cells: tuple[Cell, ...]
    names: tuple[ShownName, ...]
    failing: tuple[FailingPackage, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """The first page of a server; `rows` are packages with a problem on any target.

    A row has one cell for each target; None if the target does not have the package.
    """

    targets: tuple[GridTarget, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class LivePackage:
    """Parts of a package's page that its page in the tree does not have."""

    page: PackagePage
    builds: tuple[ShownBuild, ...]
    graph: Graph
    changes: tuple["ShownCommit", ...] = ()
    patches: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ShownCommit:
    """A git commit or release; `url` is its page, empty if it has none."""

    side: str
    hash: str
    subject: str
    author: str
    when: datetime
    url: str


@dataclass(frozen=True, slots=True)
class LogPart:
    """A part of a log, up to the byte `end`; lines that show the cause are marked.

    `is_whole`: the part begins at the start of the log; `is_over`: the log no longer grows.
    """

    lines: tuple[tuple[str, bool], ...]
    end: int
    is_whole: bool
    is_over: bool


@dataclass(frozen=True, slots=True)
class BuildPage:
    """The page of a build: its outcome, its sources, and differences from the last good build.

    `facts` are terms with a value and a link; `installed` are the packages in its root.
    """

    id: int
    package: str
    level: ShownLevel
    state: str
    sentence: str
    facts: tuple[tuple[str, str, str], ...]
    when: tuple[tuple[str, datetime], ...]
    log: LogPart | None
    excerpt: tuple[tuple[str, bool], ...] = ()
    commits: tuple[ShownCommit, ...] = ()
    more_commits: int = 0
    root: tuple[tuple[str, str, str], ...] = ()
    since_good: int = 0
    installed: tuple[tuple[str, str], ...] = ()
    rpms: tuple[tuple[str, str], ...] = ()
    rpm_place: str = ""
    repository: int = 0
    reproduce: str = ""
    tries: tuple[ShownBuild, ...] = ()
    expected: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """How a check of a repository ended."""

    check: str
    level: ShownLevel
    state: str
    reason: str
    when: datetime
    by: str
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownVote:
    """The verdict of a job; `url` is a link to the job, if it is safe."""

    job: str
    level: ShownLevel
    verdict: str
    when: datetime
    by: str
    url: str
    notes: str


@dataclass(frozen=True, slots=True)
class ShownPromotion:
    """A promotion name and a repository: whether it points there, and what is still missing.

    `conditions` are sentences, each with the look of its state; if there are none, people move the
    name.
    """

    name: str
    place: str
    repository: int
    since: datetime | None
    level: ShownLevel
    state: str
    conditions: tuple[tuple[str, ShownLevel], ...] = ()


@dataclass(frozen=True, slots=True)
class ShownMember:
    """A package of a repository, with its build."""

    package: str
    nvr: str
    build: int
    rpms: int


@dataclass(frozen=True, slots=True)
class ShownDifference:
    """A package that differs between two repositories."""

    package: str
    kind: str
    level: ShownLevel
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    """A repository: `names` point to it, `against` is what it is compared with."""

    id: int
    path: str
    component: str
    created: datetime
    removed: datetime | None
    of_package: str
    of_commit: str
    build: int
    names: tuple[str, ...]
    checks: tuple[ShownCheck, ...]
    members: tuple[ShownMember, ...]
    against: str
    differences: tuple[ShownDifference, ...]
    choices: tuple[str, ...]
    note: str = ""
    votes: tuple[ShownVote, ...] = ()
    promotions: tuple[ShownPromotion, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownMove:
    """A move of a name; the ids are those of repositories, 0 if there is none."""

    name: str
    when: datetime
    before: str
    before_id: int
    after: str
    after_id: int
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class NamesPage:
    """The names of a target: where they point, and their moves, newest first."""

    names: tuple[ShownName, ...]
    moves: tuple[ShownMove, ...]
    timeline: Timeline
    chosen: str = ""
    candidates: tuple[ShownPromotion, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A result of a search; `page` is relative to the top of the server."""

    kind: str
    target: str
    text: str
    page: str
    note: str = ""
    level: ShownLevel = ShownLevel.NONE


@dataclass(frozen=True, slots=True)
class OwnPackage:
    """A package of a maintainer in one target."""

    target: str
    package: str
    level: ShownLevel
    state: str
    sentence: str
    since: datetime | None
    build: int
