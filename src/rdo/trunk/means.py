"""What a round of a target works with."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rdo.app import App
from rdo.bridge.protocol import Bridge, Provision
from rdo.builders.protocol import Builder
from rdo.errors import ConfigError, NotFoundError, did_you_mean
from rdo.mirrors import Mirrors
from rdo.model.package import Package
from rdo.model.program import Bounds
from rdo.model.url import is_on_pypi
from rdo.notify.audiences import Audiences
from rdo.package_index import PackageIndex
from rdo.publish.site import Members, Site
from rdo.publish.tree import Tree
from rdo.store import Store
from rdo.store.builds import Build
from rdo.tools.command import Command
from rdo.tools.pip_config import index_settings
from rdo.trunk.sources.branches import BranchRules
from rdo.trunk.sources.poll import Remotes
from rdo.trunk.sources.pypi_releases import Releases
from rdo.trunk.telling.ways import audiences

if TYPE_CHECKING:
    from rdo.bridge.dependencies import Dependencies
    from rdo.builders.root import Workshop


class LastResort(Bridge, Protocol):
    """A bridge that also brings what the release itself packages; see `circles`."""

    def repository(self) -> Path | None:
        """The folder with all that it has brought so far."""


class NoBridge:
    """For a builder that has its dependencies from elsewhere: nothing is brought in."""

    def provide(self, needs: Sequence[str]) -> Provision:
        return Provision((), tuple(needs))


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where builds run; `platform_digest` names all that they depend on besides their inputs."""

    builder: Builder
    bridge: Bridge
    platform_digest: str = ""
    last_resort: LastResort | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """A target's packages and state. The workplace is opened only when something is built."""

    target: str
    folder: Path
    packages: Mapping[str, Package]
    remotes: Remotes
    store: Store
    tree: Tree
    members: Members
    open_workplace: Callable[[], Workplace]
    now: Callable[[], datetime]
    workers: int = 2
    retries: int = 3
    release: str = ""
    platform: str = ""
    audiences: Audiences = field(default_factory=Audiences)
    release_prefix: str = "0"
    keep_changelog: bool = False

    def package(self, name: str) -> Package:
        """The package of the release that is called so; a NotFoundError if there is none."""
        if name in self.packages:
            return self.packages[name]
        of_project = [key for key, package in self.packages.items() if package.project == name]
        near = did_you_mean(name, self.packages)
        if len(of_project) == 1:
            near = f'; did you mean "{of_project[0]}"?'
        raise NotFoundError(f"{self.target} has no package {name}{near}")

    def members_now(self) -> Members:
        """The members, with those that are held at this moment."""
        with self.store.read() as at:
            held = frozenset(at.holds.all(self.target))
        return replace(self.members, held=held)

    def numbered(self, build: Build) -> Build:
        """A build as the target's numbering has it; the store knows the date alone."""
        return replace(build, release=replace(build.release, prefix=self.release_prefix))

    def git_urls(self) -> set[str]:
        """The git remotes whose mirrors the packages are built from."""
        urls = {url for package in self.packages.values() for url in package.remotes}
        return {url for url in urls if not is_on_pypi(url)}

    def build_folder(self, build: Build) -> Path:
        return self.folder / "builds" / str(build.id)


def gather(app: App, target: str) -> Means:
    """The means of a configured target."""
    settings = app.settings
    section = settings.target(target)
    packages = app.packages(target).packages
    folder = settings.target_folder(target)
    site = Site(
        target, settings.base_url, section.reponame, section.project_name, section.components,
        settings.tree_url(target),
    )  # fmt: skip
    rules = BranchRules(section.fallback_to_master, tuple(section.nonfallback_branches))
    releases = Releases(settings.data / "releases", _open_index, section.initial_commits)
    return Means(
        target=target,
        folder=folder,
        packages={package.name: package for package in packages},
        remotes=Remotes(Mirrors(settings.data / "mirrors"), releases, rules),
        store=app.store,
        tree=Tree(folder, app.store, site, clock=app.now),
        members=Members(packages),
        open_workplace=cache(lambda: _workplace(app, target)),
        now=app.now,
        workers=section.workers,
        retries=section.retries,
        release=section.release,
        platform=section.platform,
        audiences=audiences(settings),
        release_prefix=section.release_prefix,
        keep_changelog=section.keep_changelog,
    )


def _open_index() -> PackageIndex:
    return PackageIndex(index_settings())


def _workplace(app: App, target: str) -> Workplace:
    """The target's builder with all that it needs."""
    match app.settings.target(target).builder:
        case "root":
            return _roots(app, target)
        case "command":
            return _command(app, target)
        case name:
            raise ConfigError(
                f'target {target}: no builder is called "{name}"', hint='use "root" or "command"'
            )


def _roots(app: App, target: str) -> Workplace:
    """The built-in builder; the platform's base layer is made if it is not there yet."""
    base = app.platforms.create(app.settings.target(target).platform)
    dependencies = app.dependencies(target)
    builder = root_builder(app, target, dependencies)
    return Workplace(builder, dependencies, base.digest, app.last_resort(target))


def _command(app: App, target: str) -> Workplace:
    """The operator's command. A root is needed only if it wants an SRPM."""
    from rdo.builders.command import CommandBuilder, make_srpm

    section = app.settings.target(target)
    words = tuple(section.command)
    if not words:
        raise ConfigError(
            f"target {target}: the builder is a command, and there is none",
            hint='set command = ["PROGRAM", "{srpm}", "{resultdir}", "{package}"]',
        )
    bounds = Bounds(
        section.time_limit_minutes * 60,
        section.output_limit_mb * 1_000_000,
        disk_bytes=section.disk_limit_mb * 1_000_000,
    )
    digest = hashlib.sha256("\0".join((section.platform, *words)).encode()).hexdigest()
    if not any("{srpm}" in word for word in words):
        return Workplace(CommandBuilder(Command(words), bounds), NoBridge(), digest)
    base = app.platforms.create(section.platform)
    dependencies = app.dependencies(target)
    source = partial(make_srpm, _workshop(app, target, dependencies))
    builder = CommandBuilder(Command(words), bounds, source)
    return Workplace(builder, dependencies, f"{base.digest}-{digest}", app.last_resort(target))


def root_builder(app: App, target: str, dependencies: "Dependencies") -> Builder:
    """The built-in builder with the bounds of a target."""
    from rdo.builders.root import RootBuilder  # with the solver and rpm: only to build

    return RootBuilder(_workshop(app, target, dependencies))


def _workshop(app: App, target: str, dependencies: "Dependencies") -> "Workshop":
    section = app.settings.target(target)
    return app.workshop(
        dependencies,
        minutes=section.time_limit_minutes,
        log_mb=section.output_limit_mb,
        disk_mb=section.disk_limit_mb,
    )
