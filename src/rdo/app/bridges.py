"""The bridges of targets and platforms: packages from PyPI and Debian, and their folders."""

import shutil
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rdo.bridge.dependencies import Dependencies, RepoFile
    from rdo.bridge.lock_file import LockedPackage
    from rdo.config import Settings
    from rdo.metadata import ReleasePackages
    from rdo.roots.platform.platforms import Platforms
    from rdo.signing import Signer


class Bridges:
    """Makes the dependency repositories of a factory.

    `packages` returns the packages of a target's release; the bridge never adds those.
    """

    def __init__(
        self,
        settings: "Settings",
        platforms: "Platforms",
        packages: Callable[[str], "ReleasePackages"],
    ) -> None:
        self._settings = settings
        self._platforms = platforms
        self._packages = packages

    def of_target(self, target: str) -> "Dependencies":
        """Return the bridged packages of a target, which are part of its published tree."""
        from rdo.app.depending import Depending
        from rdo.app.targets import signer
        from rdo.bridge.dependencies import RepoFile

        section = self._settings.target(target)
        repos = self._settings.target_folder(target) / "repos"
        repo_id = f"{section.reponame}-deps"
        url = f"{self._settings.tree_url(target)}/deps"
        depending = Depending(self._settings, target)
        return self._dependencies(
            section.platform,
            repos / "deps",
            self.lock_file(target),
            own=self._own_projects(target),
            repo_file=RepoFile(repos / f"{repo_id}.repo", repo_id, url, depending.sections),
            signer=signer(self._settings, target),
            neighbours=depending.folders,
        )

    def scratch(self, target: str, folder: Path) -> "Dependencies":
        """Return a copy of a target's bridged packages; additions to it never reach the target."""
        from rdo.app.depending import Depending

        lock_file, snapshots = folder / "bridge.json", folder / "deps"
        snapshots.mkdir(parents=True)
        if kept := self.of_target(target).repository():
            shutil.copyfile(self.lock_file(target), lock_file)
            (snapshots / kept.name).symlink_to(kept.absolute())
        platform = self._settings.target(target).platform
        own, depending = self._own_projects(target), Depending(self._settings, target)
        return self._dependencies(
            platform, snapshots, lock_file, own=own, neighbours=depending.folders
        )

    def last_resort(self, target: str) -> "Dependencies":
        """Return the last resort: bridged packages that the release itself packages.

        Only bootstrap builds use it, to break a cycle; its folder is beside the published tree.
        """
        lock_file = self.last_resort_lock_file(target)
        platform = self._settings.target(target).platform
        return self._dependencies(platform, lock_file.with_name("bootstrap-deps"), lock_file)

    def local(self, platform: str) -> "Dependencies":
        """Return the packages from PyPI for builds that belong to no target."""
        folder = self._settings.data / "local" / platform
        return self._dependencies(platform, folder / "deps", folder / "bridge.json")

    def lock_file(self, target: str) -> Path:
        """Return the lock file of a target's bridged packages."""
        return self._settings.target_folder(target) / "bridge.json"

    def locked(self, target: str) -> "tuple[LockedPackage, ...]":
        """Return what is bridged for a target now, read without its platform."""
        from rdo.bridge.lock_file import LockFile

        return LockFile.read(self.lock_file(target)).entries

    def last_resort_lock_file(self, target: str) -> Path:
        """Return the lock file of a target's last resort, which only bootstrap builds use."""
        return self._settings.target_folder(target) / "last-resort.json"

    def _own_projects(self, target: str) -> frozenset[str]:
        """The canonical names of the Python projects that a target's release packages itself."""
        from rdo.python_names import own_projects

        packages = self._packages(target).packages
        return own_projects(name for one in packages for name in one.python_projects)

    def _dependencies(
        self,
        platform: str,
        snapshots: Path,
        lock_file: Path,
        *,
        own: frozenset[str] = frozenset(),
        repo_file: "RepoFile | None" = None,
        signer: "Signer | None" = None,
        neighbours: "Callable[[], tuple[tuple[Path, int], ...]]" = tuple,
    ) -> "Dependencies":
        from rdo.bridge.choice import Chooser
        from rdo.bridge.debian import DebStore
        from rdo.bridge.dependencies import Dependencies, snapshot_that_counts
        from rdo.bridge.resolution import Resolver
        from rdo.bridge.sdists import SdistStore
        from rdo.bridge.wheels import WheelStore
        from rdo.builders.rooms.workshop import Workshop
        from rdo.package_index import PackageIndex
        from rdo.roots.content import ContentStore
        from rdo.roots.platform.base_python import python_of
        from rdo.tools.packaging.pip import Pip
        from rdo.tools.packaging.pip_config import index_settings

        base, roots = self._platforms.base(platform), self._settings.roots
        content = ContentStore(self._platforms.content)
        kept = self._platforms.folder / platform
        current = partial(snapshot_that_counts, lock_file, snapshots)
        workshop = Workshop(base, content, roots, current, neighbours)
        resolver = Resolver(
            Pip(base.platform.python, base.platform.glibc, look=cache(partial(python_of, base))),
            SdistStore(
                kept / "built-wheels", workshop, cache(lambda: PackageIndex(index_settings()))
            ),
            self._settings.bridge.constraints,
        )
        debs = DebStore(base, content, kept / "debian", roots)
        wheels = WheelStore(base, content, kept / "wheels", roots)
        chooser = Chooser(debs, resolver, lock_file.with_suffix(""), own)
        return Dependencies(wheels, chooser, snapshots, lock_file, repo_file, signer, neighbours)
