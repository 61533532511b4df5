"""What the pages show, made ready: links relative to the top of the tree, words as they stand."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Head:
    """What every page of a target begins with."""

    project: str
    target: str
    release: str
    platform: str


@dataclass(frozen=True, slots=True)
class Built:
    """One build. `status` is DLRN's word, `place` its directory in the tree, if it has one."""

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
class Named:
    """A name of the tree: where it leads, since when, and by which package's build."""

    name: str
    place: str
    since: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """A package that keeps `consistent` where it is."""

    package: str
    reason: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Broken:
    """A package that fails: since when, why, by whose change, and what the log says."""

    package: str
    since: datetime | None
    cause: str
    line: str
    change: str
    change_url: str
    log: str
    build: int
    waiting: tuple[str, ...] = ()
    maintainers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stands:
    """One package in the table of all. `first_failure` is the build since which it fails."""

    package: str
    nvr: str
    commit: str
    status: str
    condition: str
    log: str
    first_failure: Built | None = None
    last_success: datetime | None = None
    stale: str = ""


@dataclass(frozen=True, slots=True)
class Waits:
    """A build in the queue, and what it waits for."""

    package: str
    commit: str
    commit_url: str
    committed: datetime
    queued: datetime
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """All that the page of a target's state says."""

    names: tuple[Named, ...]
    blocked: tuple[Blocked, ...]
    broken: tuple[Broken, ...]
    packages: tuple[Stands, ...]
    waiting: tuple[Waits, ...]
    now: datetime
