"""Where builds run: the builder of a target with all that it needs, from one table of builders."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from rdo.bridge.protocol import Bridge, LastResort, NoBridge
from rdo.builders.protocol import Builder, Foresight
from rdo.errors import ConfigError
from rdo.model.build import BuilderName
from rdo.model.program import Bounds
from rdo.model.repo_file import BASE
from rdo.tools.command import Command

if TYPE_CHECKING:
    from rdo.app.bridges import Bridges
    from rdo.bridge.dependencies import Dependencies
    from rdo.builders.workshop import Workshop
    from rdo.config import Settings
    from rdo.config.settings import Target
    from rdo.roots.platforms import BaseLayer, Platforms
    from rdo.solver import SolverRepository


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


class Workplaces:
    """Opens the builders of a factory."""

    def __init__(self, settings: "Settings", platforms: "Platforms", bridges: "Bridges") -> None:
        self.settings = settings
        self.platforms = platforms
        self.bridges = bridges

    def of_target(self, target: str) -> Workplace:
        """Open the builder that the target names; its platform is made if it is not there yet."""
        return BUILDERS[self.settings.target(target).builder](self, target)

    def check(self, target: str) -> None:
        """Raise an error, before anything is fetched or made, if builds of a target cannot run."""
        section = self.settings.target(target)
        needs_root = section.builder is BuilderName.ROOT
        if needs_root or any("{srpm}" in word for word in section.command):
            self.platforms.check(section.platform)

    def root_builder(self, target: str, dependencies: "Dependencies") -> Builder:
        """Return the built-in builder with the bounds of a target."""
        from rdo.builders.root import RootBuilder  # with the solver and rpm: only to build

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
        from rdo.builders.workshop import Workshop
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
        from rdo.builders.workshop import Workshop
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


def _open_root(places: Workplaces, target: str) -> Workplace:
    from rdo.builders.foresight import RootForesight  # with the solver and rpm: only to build
    from rdo.builders.root import RootBuilder

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


def _open_command(places: Workplaces, target: str) -> Workplace:
    """Open the operator's command. It needs a root only if it wants an SRPM."""
    from rdo.builders.command import CommandBuilder, DetachedCommandBuilder
    from rdo.builders.spec_rpms import note_names
    from rdo.builders.srpm import make_srpm

    section = places.settings.target(target)
    words = tuple(section.command)
    if not words:
        raise ConfigError(
            f"target {target}: the builder is a command, and there is none",
            hint='set command = ["PROGRAM", "{srpm}", "{resultdir}", "{package}"]',
        )
    kind = DetachedCommandBuilder if section.detached else CommandBuilder
    bounds, digest = _bounds(section), _digest(section.platform, *words)
    if not any("{srpm}" in word for word in words):
        return Workplace(kind(Command(words), bounds, note_names), NoBridge(), digest)
    base = places.platforms.create(section.platform)
    dependencies = places.bridges.of_target(target)
    source = partial(make_srpm, places.bounded_workshop(target, dependencies))
    builder = kind(Command(words), bounds, source)
    last_resort = places.bridges.last_resort(target)
    return Workplace(
        builder,
        dependencies,
        f"{base.digest}-{digest}",
        last_resort,
        partial(provided_by, base),
        base.platform.always_required,
    )


def _bounds(section: "Target") -> Bounds:
    return Bounds(
        section.time_limit_minutes * 60,
        section.output_limit_mb * 1_000_000,
        disk_bytes=section.disk_limit_mb * 1_000_000,
    )


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


_Opener: TypeAlias = Callable[[Workplaces, str], Workplace]
BUILDERS: Mapping[BuilderName, _Opener] = MappingProxyType(
    {BuilderName.ROOT: _open_root, BuilderName.COMMAND: _open_command}
)
"""Every way to build: to add one, name it in BuilderName and open it here."""
