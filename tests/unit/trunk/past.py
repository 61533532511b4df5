"""A target with a past, written into an empty store as rounds would have done it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rdo.app.workplaces import Workplace
from rdo.mirrors import Mirrors
from rdo.model.artifact import Artifact, Fragment
from rdo.model.build import Built, Failed, FailureReason, Outcome, Waiting
from rdo.model.commit import Commit
from rdo.model.nevra import Nevra
from rdo.model.package import Package
from rdo.package_index import PackageIndex
from rdo.publish.site import Members, Site
from rdo.publish.tree import Tree
from rdo.store import Store
from rdo.store.work.builds import Build
from rdo.trunk.context import Trunk
from rdo.trunk.sources.poll import Remotes
from rdo.trunk.sources.pypi_releases import Releases
from tests.unit.trunk.samples import NOW, package

TARGET = "master-deb12"
REQUIRES = "<package><format><rpm:requires>{}</rpm:requires></format></package>"


@dataclass(slots=True)
class Past:
    """Packages by name and what became of their commits; each act takes a second."""

    store: Store
    folder: Path
    packages: dict[str, Package]
    now: datetime = NOW

    @classmethod
    def of(cls, store: Store, folder: Path, names: str) -> "Past":
        """A target with the packages `python-NAME`, all of them new."""
        packages = [package(f"python-{name}") for name in names.split()]
        return cls(store, folder, {one.name: one for one in packages})

    @property
    def trunk(self) -> Trunk:
        """The target as services see it; nothing in it can be polled or built."""
        data = self.folder / "data"
        members = tuple(self.packages.values())
        return Trunk(
            name=TARGET,
            folder=data / TARGET,
            packages=self.packages,
            remotes=Remotes(Mirrors(data / "mirrors"), Releases(data / "releases", _no_index)),
            store=self.store,
            open_workplace=_no_workplace,
            tree=Tree(data / TARGET, self.store, Site(TARGET, "http://127.0.0.1:8080")),
            members=Members(members),
            now=self.clock,
            release="master",
            platform="deb12-x86_64",
        )

    def clock(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def commit(self, name: str, upstream: str = "1") -> Commit:
        return Commit(
            f"python-{name}", upstream.ljust(40, "0"), "d" * 40, NOW, NOW, upstream_branch="master"
        )

    def queued(self, name: str, upstream: str = "1", **how: Any) -> Build:
        with self.store.write() as at:
            return at.builds.plan(TARGET, self.commit(name, upstream), now=self.clock(), **how)

    def running(self, name: str, upstream: str = "1", **how: Any) -> Build:
        build = self.queued(name, upstream, **how)
        with self.store.write() as at:
            return at.builds.start(build.id, now=self.clock())

    def ended(self, build: Build, outcome: Outcome, *, final: bool = True) -> Build:
        with self.store.write() as at:
            return at.builds.settle(build.id, outcome, now=self.clock(), final=final)

    def failed(
        self,
        name: str,
        reason: FailureReason = FailureReason.COMPILE,
        *,
        upstream: str = "1",
        asked: tuple[str, ...] = (),
    ) -> Build:
        """A build that has failed, after it had `asked` for something."""
        build = self.running(name, upstream)
        if asked:
            self.ended(build, Waiting(asked))
        return self.ended(build, Failed(reason, "it says why"))

    def built(
        self,
        name: str,
        upstream: str = "1",
        *,
        seconds: int = 1,
        provides: Iterable[str] = (),
        requires: Iterable[str] = (),
        published: bool = True,
    ) -> Build:
        """A good build that took so long, with an RPM and a source RPM of these dependencies."""
        build = self.running(name, upstream)
        self.now += timedelta(seconds=seconds - 1)
        self.ended(build, Built((Path("x.rpm"),)))
        if not published:
            return build
        binary = Artifact("x.noarch.rpm", _nevra(name, "noarch"), "aa", 1, False, tuple(provides))
        source = Artifact("x.src.rpm", _nevra(name, "src"), "bb", 1, True)
        entries = "".join(f'<rpm:entry name="{one}"/>' for one in requires)
        fragment = Fragment(REQUIRES.format(entries), "", "")
        with self.store.write() as at:
            at.artifacts.add(build.id, {binary: Fragment("", "", ""), source: fragment})
            return at.builds.publish(build.id, superseded=False)


def _nevra(name: str, arch: str) -> Nevra:
    return Nevra(f"python-{name}", 0, "1", "1", arch)


def _no_index() -> PackageIndex:
    raise AssertionError("nothing here comes from PyPI")


def _no_workplace() -> Workplace:
    raise AssertionError("nothing here is built")
