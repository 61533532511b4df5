"""The base layers of platforms on this machine."""

import contextlib
import hashlib
import logging
import os
import platform as machine
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rdo import atomic, lock
from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.model.platform import Family, Platform
from rdo.roots.debian import debian_base, interpreter
from rdo.roots.images.old_images import KEPT_DAYS
from rdo.roots.platform import dnf_base
from rdo.roots.platform.definition import (
    built_in_platform,
    built_in_platforms,
    read_definition,
    unknown_platform,
)
from rdo.roots.platform.dnf_base import BaseRepositories
from rdo.roots.platform.macro_layer import macro_layer
from rdo.solver import Chosen, SolverRepository
from rdo.tools.rpm.createrepo import CreateRepo
from rdo.tools.walls.removal import remove_tree
from rdo.tools.walls.trial import check_roots

log = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RESERVED = {"cache", "content"}
"""Other folders beside those of the platforms."""


@dataclass(frozen=True, slots=True)
class BaseLayer:
    """A complete base layer: `tree` has its files, `metadata` the repodata of its RPM database.

    `repositories` are further ones for BuildRequires: those of the platform, and those given by
    URL.
    """

    platform: Platform
    tree: Path
    metadata: Path
    macros: Path
    repositories: tuple[BaseRepositories, ...] = ()

    @property
    def digest(self) -> str:
        """The identity of platform and macros, on which a build depends besides its own inputs."""
        return f"{self.tree.parent.name}+{self.macros.name}"

    @property
    def layers(self) -> tuple[Path, ...]:
        """The macros layer and the base layer, topmost first."""
        return self.macros, self.tree

    @property
    def solver_repositories(self) -> tuple[SolverRepository, ...]:
        """Further repositories for BuildRequires, besides the base layer."""
        return tuple(one for some in self.repositories for one in some.for_solver)

    def fetch(self, packages: Iterable[Chosen]) -> list[Chosen]:
        """Download the packages from further repositories; return all with their paths.

        Raises the errors of `BaseRepositories.fetch`.
        """
        found = list(packages)
        for some in self.repositories:
            found = some.fetch(found)
        return found


@dataclass(frozen=True, slots=True)
class Platforms:
    """The folder of base layers and cached layers, shared by all targets of a machine.

    `<name>/definition.toml` is a definition that was given to `create`; it takes precedence over a
    definition of the same name that comes with rdo.
    """

    folder: Path

    @property
    def content(self) -> Path:
        """The content store: unpacked RPMs by their sha256."""
        return self.folder / "content"

    def names(self) -> list[str]:
        """Return the names of all platforms that have a definition."""
        own = {path.parent.name for path in self.folder.glob("*/definition.toml")}
        return sorted(own.union(built_in_platforms()))

    def made(self) -> list[str]:
        """Return the names of all platforms that have a folder on this machine."""
        return [name for name in self.names() if (self.folder / name).is_dir()]

    def needed_layers(self) -> set[Path]:
        """Return the layers that roots use now, and those used within `KEPT_DAYS`.

        Another version of rdo on this machine may use the latter.
        """
        since = time.time() - KEPT_DAYS * 86400
        needed = {
            path
            for name in self.made()
            for kind in ("base-*", "macros-*")
            for path in (self.folder / name).glob(kind)
            if path.stat().st_mtime > since
        }
        for name in self.made():
            if self.has(name):
                base = self.base(name)
                needed |= {self._base_folder(base.platform), base.tree.parent, base.macros}
        return needed

    def find(self, name: str) -> Platform:
        """Return the definition of a platform.

        Raises NotFoundError, which suggests the nearest name, and ConfigError for a faulty
        definition.
        """
        if file := self.own_definition(name):
            return read_definition(name, file)
        if name not in built_in_platforms():
            raise unknown_platform(name, self.names())
        return built_in_platform(name)

    def own_definition(self, name: str) -> Path | None:
        """Return the definition given for this name, or None if rdo's own one is used."""
        file = self.folder / name / "definition.toml"
        return file if _NAME.fullmatch(name) and file.exists() else None

    def has(self, name: str) -> bool:
        """Whether the base layer of a platform has been made.

        Raises NotFoundError for an unknown name.
        """
        return self._base_folder(self.find(name)).exists()

    def base(self, name: str) -> BaseLayer:
        """Return the base layer of a platform.

        Raises NotFoundError with the command to run if it was not made.
        """
        platform = self.find(name)
        folder = self._base_folder(platform)
        if not folder.exists():
            raise NotFoundError(
                f"platform {name} has not been made on this machine",
                hint=f"make it with: rdo platform create {name}",
            )
        made = folder.resolve()
        mark_used(made)
        repositories = BaseRepositories(platform, made, folder.parent / "rpms")
        return BaseLayer(
            platform,
            made / "tree",
            made / "rpms",
            mark_used(macro_layer(platform, folder.parent)),
            (repositories,) if platform.family is Family.DNF else (),
        )

    def create(
        self, name: str, definition: Path | None = None, *, refresh: bool = False
    ) -> BaseLayer:
        """Make the base layer of a platform, unless it has been made from the same definition.

        `definition` is a file that defines the platform from now on. `refresh` makes a dnf platform
        again if its repositories have changed. A layer is built beside its place and renamed: a
        kill leaves nothing that looks complete, an error leaves nothing at all. Raises RefusedError
        if `refresh` makes no sense or the platform is for another architecture, ConfigError for a
        faulty name or definition, and CommandError if this machine does not allow roots.
        """
        platform = self._described(name, definition)
        _check_arch(platform)
        check_roots(self.folder)
        if refresh and platform.family is not Family.DNF:
            raise RefusedError(f"platform {name} has no repositories to refresh")
        folder = self._base_folder(platform)
        with lock.hold(folder.parent / "create.lock", purpose=f"creating {name}", wait=True):
            if refresh or not folder.exists():
                self._make(platform, folder)
            if definition and definition != self.own_definition(name):
                atomic.write_file(folder.parent / "definition.toml", definition.read_bytes())
        return self.base(name)

    def check(self, name: str) -> None:
        """Raise an error if roots of a platform cannot be made; nothing is made or fetched.

        The platform may be unknown, or this machine may not allow roots.
        """
        self.find(name)
        check_roots(self.folder)

    def _described(self, name: str, definition: Path | None) -> Platform:
        if definition is None:
            return self.find(name)
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise ConfigError(f"{name!r} cannot be the name of a platform")
        return read_definition(name, definition)

    def _make(self, platform: Platform, folder: Path) -> None:
        started = time.monotonic()
        new = folder.with_name(".new")
        remove_tree(new)
        new.mkdir(parents=True)
        if platform.family is Family.DEBIAN:
            debian_base.create(platform, new, self.folder / "cache")
            _keep_headers(new / "rpms")
            new.rename(folder)
        else:
            try:
                _make_generation(platform, new, folder)
            finally:
                remove_tree(new)
        log.info("made platform %s in %.0f s", platform.name, time.monotonic() - started)

    def remove(self, name: str) -> list[Path]:
        """Remove a platform's layers and the definition given for it; return what was removed.

        Layers shared with other platforms stay. Raises NotFoundError for an unknown name.
        """
        if name not in self.names():
            raise unknown_platform(name, self.names())
        folder = self.folder / name
        kinds = ("definition.toml", "base-*", "macros-*", "host-*", "rpms")
        removed = [path for kind in kinds for path in sorted(folder.glob(kind))]
        with lock.hold(folder / "create.lock", purpose=f"removing {name}"):
            for path in removed:
                _remove(path)
        return removed

    def _base_folder(self, platform: Platform) -> Path:
        """Return the base layer's folder, or the link to it if it is made repeatedly."""
        inputs = f"{debian_base.VERSION} {platform!r}"
        if platform.interpreter:
            inputs += f" {platform.interpreter!r} {interpreter.recipe()}"
        if platform.family is Family.DNF:
            more = (platform.repositories, platform.module_platform_id)
            inputs = f"dnf {dnf_base.VERSION} {platform!r} {more!r}"
        digest = hashlib.sha256(inputs.encode()).hexdigest()
        return self.folder / platform.name / f"base-{digest[:16]}"


def _check_arch(platform: Platform) -> None:
    if platform.arch != machine.machine():
        raise RefusedError(
            f"platform {platform.name} is for {platform.arch}, but this machine is"
            f" {machine.machine()} and cannot run its programs",
            hint="use a builder on such a machine: docs/how-to/builders.md",
        )


def mark_used(layer: Path) -> Path:
    """Record, as the time of a layer's folder, that it is used now; return the layer."""
    with contextlib.suppress(OSError):  # a user without write access, or a read-only file system
        os.utime(layer)
    return layer


def _make_generation(platform: Platform, new: Path, link: Path) -> None:
    """Make a base layer of the repositories' current content, and point `link` to it.

    The previous one stays, for builds that began with it.
    """
    made = link.with_name(f"{link.name}-{dnf_base.fetch_metadata(platform, new)[:8]}")
    if not made.exists():
        dnf_base.create(platform, new)
        _keep_headers(new / "rpms")
        new.rename(made)
    before = link.resolve() if link.exists() else made
    atomic.point_link(link, made)
    for old in link.parent.glob(f"{link.name}-*"):
        if old not in (made, before):
            _remove(old)


def _keep_headers(rpms: Path) -> None:
    """Replace RPM files by their repodata, because only the headers are ever needed."""
    CreateRepo().create(rpms)
    for rpm in rpms.rglob("*.rpm"):
        rpm.unlink()


def _remove(path: Path) -> None:
    """Remove a file, a link or a folder; nobody ever sees a half-removed folder."""
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    trash = path.with_name(f".removed-{path.name}")
    path.rename(trash)
    remove_tree(trash)
