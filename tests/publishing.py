"""A published tree with real RPMs, and short ways to put builds into it."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rdo.app.targets import OpenTarget
from rdo.model.build import Built, Failed, FailureReason
from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.publish.site import Members, Site
from rdo.publish.tree import Published, Tree
from rdo.store import Store
from rdo.store.work.builds import Build
from tests.databases import database_of
from tests.rpms import make_rpms

TARGET = "master-deb12"
START = datetime(2026, 8, 1, 12, 0, 0, tzinfo=UTC)


class RpmShelf:
    """Builds each RPM once in a test session; a build folder gets hard links of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(
        self,
        into: Path,
        name: str,
        version: str,
        requires: tuple[str, ...] = (),
        files: tuple[tuple[str, str], ...] = (),
    ) -> tuple[Path, ...]:
        key = hashlib.sha256(repr((name, version, requires, files)).encode()).hexdigest()[:16]
        shelf = self.folder / key
        if not shelf.exists():
            make_rpms(shelf, name, version=version, requires=requires, files=files)
        into.mkdir(parents=True, exist_ok=True)
        for rpm in shelf.glob("*.rpm"):
            os.link(rpm, into / rpm.name)
        return tuple(sorted(into.glob("*.rpm")))


def package(
    name: str, *, component: str | None = None, tags: frozenset[str] = frozenset()
) -> Package:
    url = f"https://git.example.test/{name}"
    return Package(
        name, name, (url,), f"{url}-distgit", "master", "rpm-master", component=component, tags=tags
    )


def commit(name: str, upstream: str, component: str | None = None) -> Commit:
    return Commit(
        package=name,
        upstream_hash=upstream.ljust(40, "0"),
        distgit_hash=hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest(),
        upstream_time=START - timedelta(days=2),
        distgit_time=START - timedelta(days=1),
        upstream_branch="master",
        component=component,
    )


class Clock:
    """A clock that advances by a second at each call."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class Factory:
    """One target."""

    folder: Path
    shelf: RpmShelf
    store: Store
    tree: Tree
    members: Members
    now: Clock

    def build(
        self,
        name: str,
        upstream: str,
        version: str = "1.0",
        *,
        component: str | None = None,
        requires: tuple[str, ...] = (),
        files: tuple[tuple[str, str], ...] = (),
        bootstrap: bool = False,
    ) -> Build:
        """A settled build with RPMs and a log in its folder, not yet published."""
        with self.store.write() as at:
            build = at.builds.plan(
                self.target, commit(name, upstream, component), now=self.now(), bootstrap=bootstrap
            )
        rpms = self.shelf.put(self.folder_of(build), name, version, requires, files)
        (self.folder_of(build) / "rpmbuild.log").write_text(f"built {build.commit}\n")
        with self.store.write() as at:
            return at.builds.settle(build.id, Built(rpms), now=self.now())

    def publish(
        self,
        name: str,
        upstream: str,
        version: str = "1.0",
        *,
        component: str | None = None,
        requires: tuple[str, ...] = (),
        files: tuple[tuple[str, str], ...] = (),
    ) -> Published:
        build = self.build(
            name, upstream, version, component=component, requires=requires, files=files
        )
        return self.tree.publish(build, self.folder_of(build), self.members)

    def fail(self, name: str, upstream: str) -> Published:
        with self.store.write() as at:
            build = at.builds.plan(self.target, commit(name, upstream), now=self.now())
            failure = Failed(FailureReason.COMPILE, "no rule to make target")
            build = at.builds.settle(build.id, failure, now=self.now())
        self.folder_of(build).mkdir(parents=True)
        (self.folder_of(build) / "rpmbuild.log").write_text("error\n")
        return self.tree.publish_failure(build, self.folder_of(build))

    @property
    def target(self) -> str:
        return self.tree.site.target

    def folder_of(self, build: Build) -> Path:
        return self.folder / "builds" / str(build.id)

    def leads(self, name: str) -> str:
        """The target of a name, relative to the tree; empty if there is no such name."""
        link = self.tree.repos / name
        return str(link.resolve().relative_to(self.tree.repos)) if link.is_symlink() else ""


def open_target(made: Factory) -> OpenTarget:
    """The target of a factory as services see it."""
    return OpenTarget(
        name=made.target,
        folder=made.folder,
        packages={one.name: one for one in made.members.packages},
        store=made.store,
        tree=made.tree,
        members=made.members,
        now=made.now,
    )


@contextmanager
def factory(
    root: Path,
    shelf: RpmShelf,
    *packages: Package,
    base_url: str = "http://127.0.0.1",
    components: bool = False,
    target: str = TARGET,
) -> Iterator[Factory]:
    folder = root / "data" / target
    folder.mkdir(parents=True, exist_ok=True)
    site = Site(target, base_url, components=components)
    clock = Clock()
    with Store(database_of(root)) as store:
        tree = Tree(folder, store, site, clock=clock)
        yield Factory(folder, shelf, store, tree, Members(packages), clock)
