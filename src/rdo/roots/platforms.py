"""The base layers of platforms on this machine."""

import hashlib
import logging
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from rdo import lock
from rdo.errors import NotFoundError, RefusedError
from rdo.model.platform import Platform
from rdo.roots import debian_base
from rdo.roots.definition import find_platform, known_platforms
from rdo.roots.macro_layer import macro_layer
from rdo.tools.createrepo import CreateRepo

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Base:
    """A made base layer: `tree` is its files, `metadata` the repodata of its RPM database."""

    platform: Platform
    tree: Path
    metadata: Path
    macros: Path

    @property
    def digest(self) -> str:
        """What a build depends on besides its own inputs: the platform and its macros."""
        return f"{self.tree.parent.name}+{self.macros.name}"

    @property
    def layers(self) -> tuple[Path, ...]:
        """Topmost first."""
        return self.macros, self.tree


@dataclass(frozen=True, slots=True)
class Platforms:
    """The folder of base layers and cached layers, shared by all targets of a machine."""

    folder: Path

    @property
    def content(self) -> Path:
        """The content store: unpacked RPMs by their sha256."""
        return self.folder / "content"

    def names(self) -> list[str]:
        return known_platforms()

    def has(self, name: str) -> bool:
        return self._base_folder(find_platform(name)).exists()

    def base(self, name: str) -> Base:
        """The base layer of a platform that was created; NotFoundError says how to."""
        platform = find_platform(name)
        folder = self._base_folder(platform)
        if not folder.exists():
            raise NotFoundError(
                f"platform {name} is not made yet on this machine",
                hint=f"make it once with: rdo platform create {name}",
            )
        return Base(
            platform, folder / "tree", folder / "rpms", macro_layer(platform, folder.parent)
        )

    def create(self, name: str) -> Base:
        """Make the base layer of a platform, if its definition is not made yet.

        It is built beside its place and renamed: a kill leaves nothing that looks finished.
        """
        platform = find_platform(name)
        if os.geteuid() != 0:
            raise RefusedError("a platform's base layer needs root rights to be made")
        folder = self._base_folder(platform)
        with lock.hold(folder.parent / "create.lock", purpose=f"creating {name}", wait=True):
            if not folder.exists():
                started = time.monotonic()
                new = folder.with_name(".new")
                shutil.rmtree(new, ignore_errors=True)
                new.mkdir(parents=True)
                debian_base.create(platform, new, self.folder / "cache")
                CreateRepo().create(new / "rpms")
                for rpm in (new / "rpms").rglob("*.rpm"):  # the headers are all that is asked
                    rpm.unlink()
                new.rename(folder)
                log.info("made platform %s in %.0f s", name, time.monotonic() - started)
        return self.base(name)

    def remove(self, name: str) -> list[Path]:
        """Remove a platform's layers; what it removed. Layers shared with others stay."""
        folder = self.folder / find_platform(name).name
        removed = sorted(folder.glob("base-*")) + sorted(folder.glob("macros-*"))
        with lock.hold(folder / "create.lock", purpose=f"removing {name}"):
            for path in removed:
                trash = path.with_name(f".removed-{path.name}")
                path.rename(trash)
                shutil.rmtree(trash)
        return removed

    def _base_folder(self, platform: Platform) -> Path:
        inputs = f"{debian_base.VERSION} {platform!r}"
        digest = hashlib.sha256(inputs.encode()).hexdigest()
        return self.folder / platform.name / f"base-{digest[:16]}"
