"""A target in a real store, without builders and remotes, and each state that a package can have.

Package `python-a` is the one in question; `python-b` is another of the release.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
from rdo.trunk.views.state import PackageState

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
A, B = "python-a", "python-b"
BUILT = Built((Path("a.rpm"),))
BROKEN = Failed(FailureReason.COMPILE, "%build: gcc: error\nand more of it")
SPURIOUS = Failed(FailureReason.NETWORK, "no route to the index")
NEEDS_B = Waiting(("python3dist(b) >= 2",))


def _nowhere() -> Workplace:
    raise AssertionError("nothing is built here")


def _no_index() -> PackageIndex:
    raise AssertionError("nothing here comes from PyPI")


def package(name: str) -> Package:
    url = f"https://git.example.test/{name}"
    return Package(
        name, name.removeprefix("python-"), (url,), f"{url}-distgit", "main", "rpm-master"
    )


@dataclass(slots=True)
class Scene:
    """A store with a target in it, and short ways to what rounds and people do."""

    folder: Path
    store: Store
    now: datetime = NOW
    packages: dict[str, Package] = field(default_factory=lambda: {A: package(A), B: package(B)})
    _commits: int = 0

    @property
    def trunk(self) -> Trunk:
        target, data = "master-deb12", self.folder / "data"
        return Trunk(
            name=target,
            folder=data / target,
            packages=self.packages,
            remotes=Remotes(Mirrors(data / "mirrors"), Releases(data / "releases", _no_index)),
            store=self.store,
            open_workplace=_nowhere,
            tree=Tree(data / target, self.store, Site(target, "http://127.0.0.1")),
            members=Members(tuple(self.packages.values())),
            now=lambda: self.now,
        )

    def change(self, name: str = A, **values: object) -> None:
        """Change the metadata of a package."""
        self.packages[name] = replace(self.packages[name], **values)  # type: ignore[arg-type]  # by the test

    def plan(self, name: str = A, *, bootstrap: bool = False) -> Build:
        """Queue a build of a new commit."""
        self._commits += 1
        commit = Commit(name, f"{self._commits:040x}", "d" * 40, NOW, NOW, "main")
        with self.store.write() as at:
            return at.builds.plan("master-deb12", commit, now=self.now, bootstrap=bootstrap)

    def start(self, build: Build) -> None:
        with self.store.write() as at:
            at.builds.start(build.id, now=self.now)

    def end(self, build: Build, outcome: Outcome, *, final: bool = True) -> None:
        with self.store.write() as at:
            at.builds.settle(build.id, outcome, now=self.now, final=final)

    def publish(self, build: Build, *provides: str) -> None:
        """Settle a build as built and publish it; its RPM gives `provides`."""
        self.end(build, BUILT)
        nevra = Nevra(build.package, 0, "1", "1", "noarch")
        rpm = Artifact(f"{build.package}.rpm", nevra, f"{build.id:064x}", 1, False, provides)
        with self.store.write() as at:
            at.artifacts.add(build.id, {rpm: Fragment("", "", "")})
            at.builds.publish(build.id, superseded=False)

    def retry(self, build: Build) -> Build:
        """Let a try fail spuriously, and queue the next one."""
        self.end(build, SPURIOUS, final=False)
        with self.store.write() as at:
            return at.builds.retry(build.id, now=self.now)

    def hold(self, name: str = A, build_id: int | None = None) -> None:
        with self.store.write() as at:
            at.holds.hold("master-deb12", name, build_id, now=self.now, by="me", why="it hangs")

    def pause(self) -> None:
        with self.store.write() as at:
            at.holds.pause("master-deb12", now=self.now, by="me", why="a new disk")

    def lose(self, error: str, name: str = A) -> None:
        """Note that a poll of the package failed."""
        with self.store.write() as at:
            at.heads.unreachable("master-deb12", name, error, now=self.now)

    def mirror(self, url: str, *branches: str) -> None:
        """Leave what a mirror knows of a remote that was reached."""
        path = self.trunk.remotes.mirrors.path(url)
        path.mkdir(parents=True)
        refs = {f"refs/heads/{branch}": "1" * 40 for branch in branches}
        (path / "rdo-refs.json").write_text(json.dumps(refs))


def built(scene: Scene) -> None:
    scene.publish(scene.plan())


def under_review(scene: Scene) -> None:
    scene.change(tags=frozenset({"under-review"}))
    scene.publish(scene.plan())


def running(scene: Scene) -> None:
    scene.start(scene.plan())


def held(scene: Scene) -> None:
    scene.publish(scene.plan())
    scene.hold()


def paused(scene: Scene) -> None:
    scene.plan()
    scene.pause()


def queued(scene: Scene) -> None:
    scene.plan()


def resting(scene: Scene) -> None:
    scene.retry(scene.retry(scene.plan()))


def waiting(scene: Scene) -> None:
    scene.end(scene.plan(), NEEDS_B)


def failed(scene: Scene) -> None:
    scene.publish(scene.plan())
    scene.now += timedelta(minutes=1)
    scene.end(scene.plan(), BROKEN)


def missing(scene: Scene) -> None:
    build = scene.plan()
    scene.end(build, Waiting(("python3dist(b)", "cmake")))
    scene.end(build, Failed(FailureReason.MISSING_DEPENDENCY, "cmake"))


def cycle(scene: Scene) -> None:
    build = scene.plan()
    scene.end(build, NEEDS_B)
    scene.end(build, Failed(FailureReason.CYCLE, "python-a, python-b need each other"))


def unreachable(scene: Scene) -> None:
    scene.publish(scene.plan())
    scene.lose("upstream cannot be reached: no route\nfatal: no route")


def branch_gone(scene: Scene) -> None:
    scene.publish(scene.plan())
    scene.mirror(scene.packages[A].upstreams[0], "trunk")
    scene.lose("upstream has no main")


def faulty(scene: Scene) -> None:
    built(scene)
    scene.change(fault="main.yml:3: package a lacks an upstream")


def excluded(scene: Scene) -> None:
    build = scene.plan()
    scene.start(build)
    with scene.store.write() as at:
        at.builds.exclude(build.id, "not for x86_64: excluded", now=NOW)


def new(scene: Scene) -> None:
    del scene


SCENES: dict[PackageState, Callable[[Scene], None]] = {
    PackageState.BUILT: built,
    PackageState.UNDER_REVIEW: under_review,
    PackageState.RUNNING: running,
    PackageState.HELD: held,
    PackageState.PAUSED: paused,
    PackageState.QUEUED: queued,
    PackageState.RESTING: resting,
    PackageState.WAITING: waiting,
    PackageState.FAILED: failed,
    PackageState.MISSING: missing,
    PackageState.CYCLE: cycle,
    PackageState.UNREACHABLE: unreachable,
    PackageState.BRANCH_GONE: branch_gone,
    PackageState.FAULTY: faulty,
    PackageState.EXCLUDED: excluded,
    PackageState.NEW: new,
}
"""How each state comes about that a package of the release can have."""
