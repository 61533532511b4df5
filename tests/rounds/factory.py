"""A small factory for tests: real git, real RPMs, a real store and tree, a scripted builder."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rdo.app.workplaces import Workplace
from rdo.builders.by_package import Share
from rdo.builders.protocol import Builder
from rdo.mirrors import Mirrors
from rdo.model.audiences import Audiences
from rdo.model.package import Package
from rdo.package_index import PackageIndex
from rdo.publish.site import Members, Site
from rdo.publish.tree import Tree
from rdo.store import Store
from rdo.store.work.builds import Build
from rdo.trunk.context import Trunk
from rdo.trunk.plan import PlanRules
from rdo.trunk.round import RoundOptions, run_round
from rdo.trunk.sources.poll import Remotes
from rdo.trunk.sources.pypi_releases import Releases
from rdo.trunk.views.report import Report
from tests.conftest import GitRepository
from tests.fakes.builder import (
    ScriptedBridge,
    ScriptedBuilder,
    ScriptedForesight,
    ScriptedLastResort,
)

TARGET = "master-deb12"


@dataclass(slots=True)
class Clock:
    """A clock that advances by a second at each call."""

    moment: datetime = datetime(2026, 8, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


def no_index() -> PackageIndex:
    raise AssertionError("nothing here comes from PyPI")


@dataclass(slots=True)
class Factory:
    """Packages with an upstream and a distgit each, and rounds over them."""

    folder: Path
    store: Store
    builder: ScriptedBuilder = field(default_factory=ScriptedBuilder)
    other_builder: Builder | None = None
    bridge: ScriptedBridge = field(default_factory=ScriptedBridge)
    share: Share = field(default_factory=Share)
    last_resort: ScriptedLastResort | None = None
    foresight: ScriptedForesight | None = None
    packages: list[Package] = field(default_factory=list)
    upstreams: dict[str, GitRepository] = field(default_factory=dict)
    distgits: dict[str, GitRepository] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    workers: int = 2
    retries: int = 2
    audiences: Audiences = field(default_factory=Audiences)
    index: Callable[[], PackageIndex] = no_index

    def add(self, *names: str, spec: str = "") -> None:
        """Packages `python-NAME` with one commit on each side."""
        for name in names:
            self.upstreams[name] = GitRepository(self.folder / "git" / name)
            self.upstreams[name].commit("one", {"setup.py": name})
            distgit = GitRepository(self.folder / "git" / f"{name}-distgit", "rpm-master")
            distgit.commit("spec", {f"python-{name}.spec": spec or f"Name: python-{name}\n"})
            self.distgits[name] = distgit
            self.packages.append(
                Package(
                    name=f"python-{name}",
                    project=name,
                    upstreams=(self.upstreams[name].url,),
                    distgit=distgit.url,
                    upstream_branch="master",
                    distgit_branch="rpm-master",
                )
            )

    def change(self, name: str, **values: object) -> None:
        """Change the metadata of `python-NAME`."""
        for index, package in enumerate(self.packages):
            if package.name == f"python-{name}":
                self.packages[index] = replace(package, **values)  # type: ignore[arg-type]  # by the test

    @property
    def trunk(self) -> Trunk:
        data = self.folder / "data"
        site = Site(TARGET, "http://127.0.0.1:8080")
        return Trunk(
            name=TARGET,
            folder=data / TARGET,
            packages={package.name: package for package in self.packages},
            remotes=Remotes(Mirrors(data / "mirrors"), Releases(data / "releases", self.index)),
            store=self.store,
            open_workplace=lambda: Workplace(
                self.other_builder or self.builder,
                self.bridge,
                last_resort=self.last_resort,
                foresight=self.foresight,
                share=self.share,
            ),
            tree=Tree(data / TARGET, self.store, site, clock=self.clock),
            members=Members(tuple(self.packages)),
            now=self.clock,
            workers=self.workers,
            retries=self.retries,
            release="master",
            factory=str(self.folder),
            platform="deb12-x86_64",
            audiences=self.audiences,
        )

    def round(
        self,
        only: Iterable[str] = (),
        *,
        initial: int = 1,
        head_only: bool = False,
        dry_run: bool = False,
        stop: bool = False,
    ) -> Report:
        rules = PlanRules(initial, head_only)
        return run_round(self.trunk, RoundOptions(rules, frozenset(only), dry_run, stop))

    def queue(self) -> tuple[Build, ...]:
        with self.store.read() as at:
            return at.builds.queue(TARGET)

    def name(self, name: str) -> Path | None:
        """The target of a name of the tree."""
        link = self.folder / "data" / TARGET / "repos" / name
        return link.resolve() if link.exists() else None
