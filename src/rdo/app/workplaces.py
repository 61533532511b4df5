"""Where builds run: the builder of each target with everything it needs."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from rdo.bridge.protocol import Bridge, LastResort, NoBridge
from rdo.builders.by_package import BuilderByPackage, Share
from rdo.builders.protocol import Builder, Foresight
from rdo.errors import ConfigError, RefusedError
from rdo.model.build import BuilderKind
from rdo.model.program import Bounds
from rdo.model.repo_file import BASE, DEPENDENCIES
from rdo.tools.command import Command

if TYPE_CHECKING:
    from rdo.app.bridges import Bridges
    from rdo.bridge.dependencies import Dependencies
    from rdo.builders.command import MakeSource
    from rdo.builders.farms.farm import Farm
    from rdo.builders.rooms.workshop import Workshop
    from rdo.config import Settings
    from rdo.config.builders import NamedBuilder
    from rdo.config.settings import Target
    from rdo.model.build import BuildJob
    from rdo.roots.platform.platforms import BaseLayer, Platforms
    from rdo.solver import SolverRepository
    from rdo.tools.farms.copr_frontend import CoprLogin
    from rdo.tools.rpm.mock import Mock


@dataclass(frozen=True, slots=True)
class Workplace:
    """A builder, its bridge, and what both know about the platform.

    `platform_digest` covers everything that builds depend on besides their inputs. `provided`
    returns what the platform's own packages provide, as `rdo.solver.provided` does; `tools` are the
    RPM dependencies that the bridge provides for every build. Without a `foresight`, requirements
    become known only during a build.
    """

    builder: Builder
    bridge: Bridge
    platform_digest: str = ""
    last_resort: LastResort | None = None
    provided: Callable[[], Mapping[str, Sequence[tuple[str, str]]]] = dict
    tools: tuple[str, ...] = ()
    foresight: Foresight | None = None
    share: Share = field(default_factory=Share)


class Workplaces:
    """Opens the builders of a factory."""

    def __init__(self, settings: "Settings", platforms: "Platforms", bridges: "Bridges") -> None:
        self.settings = settings
        self.platforms = platforms
        self.bridges = bridges
        self.make_source: MakeSource | None = None

    def of_target(self, target: str) -> Workplace:
        """Open the builders that the target names; create its platform if it does not exist yet.

        All builders use the bridge and platform of the target's own builder.
        """
        section = self.settings.target(target)
        opened = {name: self.open(name, target) for name in self.settings.builders_of(target)}
        own = opened[section.builder]
        workers = {name: self.settings.builder(name).section.workers for name in opened}
        share = Share(
            section.builder,
            {name: one.builder for name, one in section.package_builders.items()},
            {name: number for name, number in workers.items() if number},
            frozenset(name for name in opened if self.settings.builder(name).kind.is_farm),
        )
        if len(opened) == 1:
            return replace(own, share=share)
        builders = {name: place.builder for name, place in opened.items()}
        return replace(own, builder=BuilderByPackage(share, builders), share=share)

    def open(self, builder: str, target: str) -> Workplace:
        """Open one builder for a target; raises NotFoundError if there is none with this name."""
        named = self.settings.builder(builder)
        return BUILDERS[named.kind](self, target, named)

    def of_srpm(
        self,
        builder: str,
        srpm: Path | None,
        options: Mapping[str, object],
        *,
        target: str = "",
        platform: str = "",
    ) -> Builder:
        """Return a builder for a source RPM that exists already, or that a farm makes itself.

        A job for it only needs a folder. `options` replace keys of the builder's section. Limits
        and platform are those of `target`; without a target, the default limits and `platform`.
        Raises NotFoundError as `open` does, and RefusedError for a key that the section does not
        have.
        """
        from rdo.config.settings import Target

        named = self.settings.builder(builder)
        if unknown := sorted(options.keys() - type(named.section).model_fields.keys()):
            raise RefusedError(f"the builder {builder} ({named.kind}) has no option {unknown[0]}")
        settings = self.settings
        if not target:
            target = builder
            own = {target: Target(release=builder, platform=platform, builder=builder)}
            settings = settings.model_copy(update={"targets": {**settings.targets, **own}})
        places = Workplaces(settings, self.platforms, self.bridges)
        places.make_source = partial(_existing_srpm, srpm)
        section = named.section.model_copy(update=dict(options))
        return BUILDERS[named.kind](places, target, replace(named, section=section)).builder

    def again_in_mock(self, target: str, package: str, folder: Path) -> Builder:
        """Return a builder that repeats a build in mock from the files in the build's folder.

        Raises NotFoundError or RefusedError with the reason if that is not possible.
        """
        from rdo.builders.mock.builder import MockPlan
        from rdo.builders.mock.hermetic import HermeticBuilder, LockedBuild

        section = self.settings.target(target)
        own = section.package_builders.get(package)
        named = self.settings.builder(own.builder if own else section.builder)
        if named.kind is not BuilderKind.MOCK:
            raise RefusedError(
                f"build {folder.name} ran in mock, but {target} builds {package} with {named.name}",
                hint="name the builder of mock again, for as long as this takes",
            )
        mock, slots, _ = _mock(self, target, named)
        plan = MockPlan(slots, _bounds(section), _no_dependencies, platform=section.platform)
        settings = self.settings
        trees = {
            settings.tree_url(name): settings.target_folder(name) / "repos"
            for name in settings.targets
        }
        return HermeticBuilder(mock, plan, LockedBuild.find(mock, folder, trees))

    def copr_owner(self, builder: str) -> str:
        """Return the owner of the projects that a Copr builder uses; ConfigError if unknown."""
        named = self.settings.builder(builder)
        return _copr_owner(named, _copr_login(named))

    def check(self, target: str) -> None:
        """Raise an error, before anything is fetched or made, if a target's builds cannot run."""
        section = self.settings.target(target)
        builders = map(self.settings.builder, self.settings.builders_of(target))
        if any(_needs_root(section, named) for named in builders):
            self.platforms.check(section.platform)

    def root_builder(self, target: str, dependencies: "Dependencies") -> Builder:
        """Return the built-in builder with the limits of a target."""
        from rdo.builders.rooms.root import RootBuilder  # imports solver and rpm

        return RootBuilder(self.bounded_workshop(target, dependencies))

    def bounded_workshop(self, target: str, dependencies: "Dependencies") -> "Workshop":
        """Return a workshop with the limits of a target."""
        section = self.settings.target(target)
        return self.workshop(
            dependencies,
            minutes=section.time_limit_minutes,
            log_mb=section.output_limit_mb,
            disk_mb=section.disk_limit_mb,
            memory_mb=section.memory_limit_mb,
        )

    def bare_workshop(self, platform: str) -> "Workshop":
        """Return a workshop for specs that require nothing but the base layer of a platform."""
        from rdo.builders.rooms.workshop import Workshop
        from rdo.roots.build_root import remove_leftovers
        from rdo.roots.content import ContentStore

        base, roots = self.platforms.create(platform), self.settings.roots
        remove_leftovers(roots)
        return Workshop(base, ContentStore(self.platforms.content), roots, lambda: None)

    def base_repositories(self, platform: str) -> tuple[str, tuple["SolverRepository", ...]]:
        """Return a platform's architecture, and the repositories that its hosts have in any case.

        The platform is created if it does not exist yet.
        """
        base = self.platforms.create(platform)
        return base.platform.arch, _base_repositories(base)

    def host_repositories(self, target: str) -> tuple[str, tuple["SolverRepository", ...]]:
        """Return a target's architecture, and the other repositories that its hosts have.

        These are the platform's repositories, and the target's bridged packages.
        """
        from rdo.solver import SolverRepository

        arch, base = self.base_repositories(self.settings.target(target).platform)
        dependencies = self.bridges.of_target(target)
        found = [
            SolverRepository(f"neighbour-{number}", path, priority)
            for number, (path, priority) in enumerate(dependencies.neighbours())
        ]
        if outside := dependencies.repository():
            found.append(SolverRepository("deps", outside, DEPENDENCIES))
        return arch, (*found, *base)

    def workshop(
        self,
        dependencies: "Dependencies",
        *,
        minutes: int,
        log_mb: int,
        disk_mb: int = 20_000,
        memory_mb: int = 16_000,
    ) -> "Workshop":
        """Return a workshop with these limits that takes dependencies from `dependencies`.

        Leftovers of killed builds in the folder of roots are removed first.
        """
        from rdo.builders.rooms.workshop import Workshop
        from rdo.roots.build_root import remove_leftovers

        roots = self.settings.roots
        remove_leftovers(roots)
        dependencies.wheels.content.shrink()
        dependencies.prepare()
        return Workshop(
            dependencies.wheels.base,
            dependencies.wheels.content,
            roots,
            dependencies.repository,
            dependencies.neighbours,
            seconds=minutes * 60,
            log_bytes=log_mb * 1_000_000,
            disk_bytes=disk_mb * 1_000_000,
            memory_bytes=memory_mb * 1_000_000,
        )


def _needs_root(section: "Target", named: "NamedBuilder") -> bool:
    """Whether a builder needs roots of the target's platform: to build in, or for the SRPM."""
    if named.kind is not BuilderKind.COMMAND:
        return not named.section.source_url
    return any("{srpm}" in word for word in named.section.command or section.command)


def _open_root(places: Workplaces, target: str, _named: "NamedBuilder") -> Workplace:
    from rdo.builders.rooms.foresight import RootForesight  # imports solver and rpm
    from rdo.builders.rooms.root import RootBuilder

    settings = places.settings.target(target)
    base = places.platforms.create(settings.platform)
    dependencies = places.bridges.of_target(target)
    shop = places.bounded_workshop(target, dependencies)
    return Workplace(
        RootBuilder(shop),
        dependencies,
        base.digest,
        places.bridges.last_resort(target),
        partial(provided_by, base),
        base.platform.always_required,
        RootForesight(shop) if settings.look_ahead else None,
    )


def provided_by(base: "BaseLayer") -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return what the platform's own packages provide, as `rdo.solver.provided` does."""
    from rdo.solver import SolverRepository, provided

    own = SolverRepository("base", base.metadata)
    return provided([own, *base.solver_repositories], arch=base.platform.arch)


def _base_repositories(base: "BaseLayer") -> tuple["SolverRepository", ...]:
    """Return the base layer, as the installed packages, and its repositories, for the solver."""
    from rdo.solver import SolverRepository

    installed = SolverRepository("base", base.metadata, BASE, installed=True)
    return (installed, *base.solver_repositories)


def _open_command(places: Workplaces, target: str, named: "NamedBuilder") -> Workplace:
    """Open the operator's command. It needs a root only if it wants an SRPM."""
    from rdo.builders.command import CommandBuilder, DetachedCommandBuilder

    section = places.settings.target(target)
    words = tuple(named.section.command or section.command)
    if not words:
        raise ConfigError(
            f"target {target}: the builder needs a command, and none is set",
            hint='set command = ["PROGRAM", "{srpm}", "{resultdir}", "{package}"]',
        )
    is_detached = named.section.detached or section.detached
    kind = DetachedCommandBuilder if is_detached else CommandBuilder
    return _outside(
        places,
        target,
        _digest(section.platform, *words),
        partial(kind, Command(words), _bounds(section)),
        makes_srpm=any("{srpm}" in word for word in words),
    )


def _open_mock(places: Workplaces, target: str, named: "NamedBuilder") -> Workplace:
    """Open mock; its configuration is written from the platform, unless the section names one."""
    from rdo.builders.mock.builder import MockBuilder, MockPlan

    asked, section = named.section, places.settings.target(target)
    mock, folder, text = _mock(places, target, named)
    plan = MockPlan(folder, _bounds(section), _no_dependencies)
    if places.make_source is None:  # else it builds one SRPM that belongs to no target
        places.platforms.create(section.platform)
        bridged = places.bridges.of_target(target)
        plan = replace(
            plan,
            dependencies=bridged.repository,
            neighbours=bridged.neighbours,
            platform=section.platform,
        )
    return _outside(
        places,
        target,
        _digest(
            section.platform, mock.config, text, *asked.enable_repositories, *asked.mock_options
        ),
        partial(MockBuilder, mock, plan),
        makes_srpm=True,
    )


def _mock(places: Workplaces, target: str, named: "NamedBuilder") -> "tuple[Mock, Path, str]":
    """Return mock, the folder of its slots, and the text of a configuration written for it."""
    from rdo.tools.rpm.mock import Mock, config_of, write_config

    asked = named.section
    folder = (asked.folder or places.settings.data / "mock") / target
    config = asked.mock_config or str(folder / f"{target}.cfg")
    text = ""
    if not asked.mock_config:
        platform = places.platforms.find(places.settings.target(target).platform)
        text = config_of(platform, f"rdo-{target}", asked.bootstrap_image or "")
        write_config(Path(config), text)
    mock = Mock(
        config,
        asked.program,
        asked.user or "",
        asked.isolation,
        tuple(asked.enable_repositories),
        tuple(asked.mock_options),
    )
    return mock, folder, text


def _no_dependencies() -> None:
    """Return no dependency repository, for builds that belong to no target."""


def _open_koji(places: Workplaces, target: str, named: "NamedBuilder") -> Workplace:
    """Open a Koji hub; the SRPM is made here, unless the hub fetches the source itself."""
    from rdo.builders.farms.koji import KojiFarm, KojiPlan
    from rdo.tools.farms.koji_hub import HubLogin, KojiHub

    asked, section = named.section, places.settings.target(target)
    login = HubLogin(
        asked.user or "",
        asked.password_file,
        asked.certificate,
        asked.authority,
        asked.principal or "",
        asked.keytab,
    )
    plan = KojiPlan(
        asked.koji_target or target,
        asked.scratch,
        asked.source_url or "",
        section.disk_limit_mb * 1_000_000,
        asked.web or "",
    )
    farm = KojiFarm(named.name, KojiHub(asked.server or "", login), plan)
    digest = _digest(section.platform, asked.server or "", plan.target)
    return _at_farm(places, target, farm, digest, named, makes_srpm=not plan.source)


def _copr_login(named: "NamedBuilder") -> "CoprLogin":
    from rdo.tools.farms.copr_frontend import CoprLogin

    return CoprLogin.read(named.section.config_file, named.section.server or "")


def _copr_owner(named: "NamedBuilder", login: "CoprLogin") -> str:
    owner = named.section.owner or login.username
    if not owner:
        raise ConfigError(f"[builders.{named.name}] names no owner of projects", hint="set `owner`")
    return owner


def _open_copr(places: Workplaces, target: str, named: "NamedBuilder") -> Workplace:
    """Open a Copr frontend, in which each target has a project of its own."""
    from rdo.builders.farms.copr import CoprFarm, CoprPlan, chroot_of
    from rdo.tools.farms.copr_frontend import CoprFrontend

    asked, section = named.section, places.settings.target(target)
    login = _copr_login(named)
    owner = _copr_owner(named, login)
    chroots = asked.chroots or [chroot_of(places.platforms.find(section.platform))]
    repositories = asked.repositories
    if repositories is None:
        repositories = _reachable(f"{places.settings.tree_url(target)}/deps")
    plan = CoprPlan(
        owner,
        asked.project or target,
        tuple(chroots),
        tuple(repositories),
        section.time_limit_minutes * 60,
        section.disk_limit_mb * 1_000_000,
    )
    farm = CoprFarm(named.name, CoprFrontend(login), plan)
    digest = _digest(section.platform, login.server, owner, plan.project, *chroots, *repositories)
    return _at_farm(places, target, farm, digest, named)


def _reachable(url: str) -> list[str]:
    """Return the URL unless it only works on this machine, where a farm cannot reach it."""
    host = urlsplit(url).hostname or ""
    return [] if host in {"localhost", "::1"} or host.startswith("127.") else [url]


def _at_farm(
    places: Workplaces,
    target: str,
    farm: "Farm",
    digest: str,
    named: "NamedBuilder",
    *,
    makes_srpm: bool = True,
) -> Workplace:
    """Open a farm: its builds use the farm's own repositories; a root here only makes the SRPM."""
    from rdo.builders.farms.remote import Pace, RemoteBuilder

    section = places.settings.target(target)
    pace = Pace(
        named.section.poll_seconds,
        build_seconds=section.time_limit_minutes * 60,
        log_bytes=section.output_limit_mb * 1_000_000,
    )

    def builder(source: "MakeSource") -> Builder:
        return RemoteBuilder(farm, source, pace)

    return _outside(places, target, digest, builder, makes_srpm=makes_srpm)


def _outside(
    places: Workplaces,
    target: str,
    digest: str,
    builder: "Callable[[MakeSource], Builder]",
    *,
    makes_srpm: bool,
) -> Workplace:
    """Return the workplace of a builder elsewhere; if an SRPM is needed, a root here makes it."""
    from rdo.builders.rooms.srpm import make_srpm
    from rdo.builders.sources.spec_rpms import note_names

    if places.make_source:
        return Workplace(builder(places.make_source), NoBridge(), digest)
    if not makes_srpm:
        return Workplace(builder(note_names), NoBridge(), digest)
    base = places.platforms.create(places.settings.target(target).platform)
    dependencies = places.bridges.of_target(target)
    source = partial(make_srpm, places.bounded_workshop(target, dependencies))
    return Workplace(
        builder(source),
        dependencies,
        f"{base.digest}-{digest}",
        places.bridges.last_resort(target),
        partial(provided_by, base),
        base.platform.always_required,
    )


def _existing_srpm(
    srpm: Path | None, _job: "BuildJob", _is_cancelled: Callable[[], bool]
) -> Path | None:
    """Return an existing source RPM, for builders that otherwise make one for each job."""
    return srpm


def _bounds(section: "Target") -> Bounds:
    return Bounds(
        section.time_limit_minutes * 60,
        section.output_limit_mb * 1_000_000,
        disk_bytes=section.disk_limit_mb * 1_000_000,
    )


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


_Opener: TypeAlias = Callable[[Workplaces, str, "NamedBuilder"], Workplace]
BUILDERS: Mapping[BuilderKind, _Opener] = MappingProxyType(
    {
        BuilderKind.ROOT: _open_root,
        BuilderKind.COMMAND: _open_command,
        BuilderKind.MOCK: _open_mock,
        BuilderKind.KOJI: _open_koji,
        BuilderKind.COPR: _open_copr,
    }
)
"""How each kind of builder is opened.

To add a kind, name it in BuilderKind and add its function here.
"""
