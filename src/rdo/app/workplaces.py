"""Where builds run: the builder of a target with all that it needs, from one table of builders."""

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


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where builds run; `platform_digest` names all that they depend on besides their inputs.

    `provided` returns what the platform's own packages provide, as `rdo.solver.provided` does;
    `tools` are the RPM dependencies that the bridge meets for every build.
    Without a `foresight` each build tells by itself what it needs.
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
        """Open the builders that the target names; its platform is made if it is not there yet.

        Bridge and platform are those of its own builder, also for what another one builds.
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
        """Open one builder for a target; raise NotFoundError if there is none of this name."""
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
        """Return a builder for a source RPM that is made already, or that a farm makes itself.

        A job only names its folder. `options` replace keys of the builder's section. Limits and
        platform are those of `target`; without one they are the defaults, and `platform`. Raises
        NotFoundError as `open` does, RefusedError for a key that the section does not have.
        """
        from rdo.config.settings import Target

        named = self.settings.builder(builder)
        if unknown := sorted(options.keys() - type(named.section).model_fields.keys()):
            raise RefusedError(f"the builder {builder} ({named.kind}) knows no {unknown[0]}")
        settings = self.settings
        if not target:
            target = builder
            own = {target: Target(release=builder, platform=platform, builder=builder)}
            settings = settings.model_copy(update={"targets": {**settings.targets, **own}})
        places = Workplaces(settings, self.platforms, self.bridges)
        places.make_source = partial(_made, srpm)
        section = named.section.model_copy(update=dict(options))
        return BUILDERS[named.kind](places, target, replace(named, section=section)).builder

    def copr_owner(self, builder: str) -> str:
        """Return whose projects a builder of kind `copr` uses; raises ConfigError if unknown."""
        named = self.settings.builder(builder)
        return _copr_owner(named, _copr_login(named))

    def check(self, target: str) -> None:
        """Raise an error, before anything is fetched or made, if builds of a target cannot run."""
        section = self.settings.target(target)
        builders = map(self.settings.builder, self.settings.builders_of(target))
        if any(_needs_root(section, named) for named in builders):
            self.platforms.check(section.platform)

    def root_builder(self, target: str, dependencies: "Dependencies") -> Builder:
        """Return the built-in builder with the bounds of a target."""
        from rdo.builders.rooms.root import RootBuilder  # with the solver and rpm: only to build

        return RootBuilder(self.bounded_workshop(target, dependencies))

    def bounded_workshop(self, target: str, dependencies: "Dependencies") -> "Workshop":
        """Return a workshop with the bounds of a target."""
        section = self.settings.target(target)
        return self.workshop(
            dependencies,
            minutes=section.time_limit_minutes,
            log_mb=section.output_limit_mb,
            disk_mb=section.disk_limit_mb,
            memory_mb=section.memory_limit_mb,
        )

    def bare_workshop(self, platform: str) -> "Workshop":
        """Return where specs are built that require nothing but the base layer of a platform."""
        from rdo.builders.rooms.workshop import Workshop
        from rdo.roots.build_root import remove_leftovers
        from rdo.roots.content import ContentStore

        base, roots = self.platforms.create(platform), self.settings.roots
        remove_leftovers(roots)
        return Workshop(base, ContentStore(self.platforms.content), roots, lambda: None)

    def base_repositories(self, platform: str) -> tuple[str, tuple["SolverRepository", ...]]:
        """Return a platform's architecture, and the repositories that its hosts have anyway.

        The platform is made if it is not there yet.
        """
        base = self.platforms.create(platform)
        return base.platform.arch, _base_repositories(base)

    def host_repositories(self, target: str) -> tuple[str, tuple["SolverRepository", ...]]:
        """Return a target's architecture, and what its hosts have besides its own packages.

        These are the platform's repositories, and what comes from outside for the target.
        """
        from rdo.solver import SolverRepository

        arch, base = self.base_repositories(self.settings.target(target).platform)
        outside = self.bridges.of_target(target).repository()
        if outside is None:
            return arch, base
        return arch, (SolverRepository("deps", outside, DEPENDENCIES), *base)

    def workshop(
        self,
        dependencies: "Dependencies",
        *,
        minutes: int,
        log_mb: int,
        disk_mb: int = 20_000,
        memory_mb: int = 16_000,
    ) -> "Workshop":
        """Return where builds run whose dependencies come from there, within bounds.

        What killed builds left in the folder of roots is removed first.
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
    from rdo.builders.rooms.foresight import RootForesight  # with the solver and rpm: only to build
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
    """Return the base layer as what is installed, and its repositories, for the solver."""
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
            f"target {target}: the builder is a command, and there is none",
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
    """Open mock; its configuration is written from the platform, unless it has one of its own."""
    from rdo.builders.mock.builder import MockBuilder, MockPlan
    from rdo.tools.rpm.mock import Mock, config_of, write_config

    asked, section = named.section, places.settings.target(target)
    folder = (asked.folder or places.settings.data / "mock") / target
    config = asked.mock_config or str(folder / f"{target}.cfg")
    text = ""
    if not asked.mock_config:
        text = config_of(places.platforms.find(section.platform), f"rdo-{target}")
        write_config(Path(config), text)
    mock = Mock(
        config,
        asked.program,
        asked.user or "",
        asked.isolation,
        tuple(asked.enable_repositories),
        tuple(asked.mock_options),
    )
    is_alone = places.make_source is not None  # one SRPM, of no target of the configuration
    dependencies = _nothing if is_alone else places.bridges.of_target(target).repository
    plan = MockPlan(folder, _bounds(section), dependencies)
    return _outside(
        places,
        target,
        _digest(section.platform, config, text, *asked.enable_repositories, *asked.mock_options),
        partial(MockBuilder, mock, plan),
        makes_srpm=True,
    )


def _nothing() -> None:
    """Return the dependency repository of what belongs to no target: none."""


def _open_koji(places: Workplaces, target: str, named: "NamedBuilder") -> Workplace:
    """Open a hub; the SRPM is made here, unless the hub fetches the source."""
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
    """Open a Copr frontend; each target has a project of its own there."""
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
    """Return a URL of ours if a farm may be able to read from it: not one of this machine alone."""
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
    """Open a farm: its roots have what its own repositories give, ours only makes the SRPM."""
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
    """Return the place of a builder elsewhere; only an SRPM, if one is made, needs our roots."""
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


def _made(srpm: Path | None, _job: "BuildJob", _is_cancelled: Callable[[], bool]) -> Path | None:
    """Return a source RPM that exists, where one is made for each job otherwise."""
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
"""Every way to build: to add one, name it in BuilderKind and open it here."""
