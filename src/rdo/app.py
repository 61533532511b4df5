"""What cli and web put together, each part opened on first use."""

import getpass
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from rdo.errors import NotFoundError, RefusedError

if TYPE_CHECKING:
    from rdo.bridge.dependencies import Dependencies, RepoFile
    from rdo.builders.root import Workshop
    from rdo.config import Configuration, MetadataSection, Settings
    from rdo.metadata import Distribution, ReleasePackages
    from rdo.metadata.draft import Draft
    from rdo.roots.platforms import Platforms
    from rdo.store import Store

RDOINFO = "https://github.com/redhat-openstack/rdoinfo.git"


class App:
    """The configuration that counts and what belongs to it.

    `folder` is -C, `options` are `--set`. Nothing is read or opened before it is asked for,
    so that `rdo doctor` works where everything else is broken. A round sets
    `metadata_max_age_seconds` to 0, to see the metadata as it is now.
    """

    def __init__(
        self, folder: Path | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        self.metadata_max_age_seconds = 600.0
        self._folder = folder
        self._options = options or {}

    def anew(self) -> "App":
        """The same with nothing read or opened yet: what has changed since is seen."""
        return App(self._folder, self._options)

    @cached_property
    def configuration(self) -> "Configuration":
        from rdo import config  # with pydantic: only where it is used

        return config.load(config.find(self._folder), options=self._options)

    @property
    def settings(self) -> "Settings":
        return self.configuration.settings

    @cached_property
    def store(self) -> "Store":
        """The database, made on first use and brought up to date."""
        from rdo.store import Store

        self.settings.data.mkdir(parents=True, exist_ok=True)
        return Store(self.settings.database_url)

    @cached_property
    def distribution(self) -> "Distribution":
        """The metadata; a git URL is asked again when that was too long ago."""
        from rdo import metadata

        section = self.settings.needed_metadata
        cache = self.settings.cache / "metadata"
        if section.layout != "rdoinfo":
            return self._other_layout(section, cache)
        max_age = self.metadata_max_age_seconds
        return metadata.load(section.source, section.file, cache=cache, max_age=max_age)

    def _other_layout(self, section: "MetadataSection", cache: Path) -> "Distribution":
        from rdo.metadata import layouts

        releases = [target.release for target in self.settings.targets.values()]
        if section.layout == "local":
            return layouts.local(Path(section.source), releases)
        return layouts.folders(
            section.source,
            releases,
            directories=section.directories,
            skip=section.skip,
            upstreams=section.upstreams,
            cache=cache,
        )

    def metadata(
        self, source: str = "", file: str = "", *, ref: str = "", max_age: float | None = None
    ) -> "Distribution":
        """Metadata of a folder or git repository, for commands that only look.

        Unlike `distribution` it needs no rdo.toml: without one and without `source` it is the
        current folder, if that holds metadata, else RDO's own.
        """
        from rdo import metadata

        section = None if source else self.settings.metadata
        if section and section.layout != "rdoinfo":
            if ref:
                raise RefusedError(f"metadata of the layout {section.layout} is read as it is now")
            return self.distribution
        age = self.metadata_max_age_seconds if max_age is None else max_age
        place, name, cache = self._metadata_place(source, file)
        return metadata.load(place, name, cache=cache, ref=ref, max_age=age)

    def metadata_draft(self, source: str = "", file: str = "") -> "Draft":
        """The same metadata, to be edited; it must be a folder."""
        from rdo.metadata.draft import Draft
        from rdo.metadata.loading import usual_file

        section = None if source else self.settings.metadata
        if section and section.layout != "rdoinfo":
            raise RefusedError(f"metadata of the layout {section.layout} has no file to edit")
        place, name, _ = self._metadata_place(source, file)
        if not Path(place).is_dir():
            hint = "clone it, and name the folder by --info"
            raise RefusedError(f"{place} is no folder, so nothing is edited in it", hint=hint)
        return Draft(Path(place), name or usual_file(Path(place)))

    def _metadata_place(self, source: str, file: str) -> tuple[str, str, Path]:
        """Source, file and cache; an empty file is the usual one."""
        section = None if source else self.settings.metadata
        if section:
            return section.source, file or section.file, self.settings.cache / "metadata"
        is_here = any(Path(name).is_file() for name in ("rdo-full.yml", "rdo.yml"))
        return source or ("." if is_here else RDOINFO), file, self.user_cache / "metadata"

    @property
    def user_cache(self) -> Path:
        """What is kept for a user rather than for a factory; can be thrown away."""
        caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(caches) / "rdo"

    def good_builds(self, project: str) -> dict[str, bool]:
        """By target that has the project: whether its newest build there is good."""
        found = {}
        for target in self.settings.targets:
            for package in self.packages(target).packages:
                if package.project == project:
                    with self.store.read() as at:
                        state = at.packages.state(target, package.name)
                    found[target] = state.newest is not None and state.newest == state.good
        return found

    def packages(self, target: str) -> "ReleasePackages":
        """The packages of a target, resolved for its release and, if it is named there, base OS."""
        settings = self.settings.target(target)
        base_os = settings.platform.rpartition("-")[0] or settings.platform
        has_base_os = self.distribution.has_base_os(settings.release, base_os)
        found = self.distribution.target(
            settings.release,
            base_os if has_base_os else "",
            upstream_branch=settings.upstream_branch or "",
            distgit_branch=settings.distgit_branch or "",
            distgit_key=settings.follow.distgit_key if settings.follow else "",
            source_git_key=(settings.follow.source_git_key or "") if settings.follow else "",
        )
        if settings.follow is None:
            return found
        from rdo.dlrn.followed import followed

        folder = self.settings.target_folder(target)
        return replace(found, packages=tuple(followed(found.packages, settings.follow, folder)))

    @cached_property
    def platforms(self) -> "Platforms":
        """The base layers of this machine."""
        from rdo.roots.platforms import Platforms

        return Platforms(self.settings.platforms)

    def dependencies(self, target: str) -> "Dependencies":
        """What comes from PyPI for a target; it lives in the target's published tree."""
        from rdo.bridge.dependencies import RepoFile

        settings = self.settings.target(target)
        repos = self.settings.target_folder(target) / "repos"
        repo_id = f"{settings.reponame}-deps"
        url = f"{self.settings.tree_url(target)}/deps"
        return self._dependencies(
            settings.platform,
            repos / "deps",
            self.lock_file(target),
            own=self._own_projects(target),
            repo_file=RepoFile(repos / f"{repo_id}.repo", repo_id, url),
        )

    def _own_projects(self, target: str) -> frozenset[str]:
        """The Python projects that a target's release packages itself, by their canonical names."""
        from packaging.utils import canonicalize_name

        packages = self.packages(target).packages
        return frozenset(canonicalize_name(x) for one in packages for x in one.python_projects)

    def scratch_dependencies(self, target: str, folder: Path) -> "Dependencies":
        """What comes from outside for a target now; what is added there, the target never sees."""
        lock_file, snapshots = folder / "bridge.json", folder / "deps"
        snapshots.mkdir(parents=True)
        if kept := self.dependencies(target).repository():
            shutil.copyfile(self.lock_file(target), lock_file)
            (snapshots / kept.name).symlink_to(kept.absolute())
        platform = self.settings.target(target).platform
        own = self._own_projects(target)
        return self._dependencies(platform, snapshots, lock_file, own=own)

    def lock_file(self, target: str) -> Path:
        """The choice of what comes from outside for a target."""
        return self.settings.target_folder(target) / "bridge.json"

    def last_resort(self, target: str) -> "Dependencies":
        """What comes from outside although the release packages it; see trunk/order/cycles.py.

        It lives beside the published tree: only bootstrap builds see it.
        """
        lock_file = self.last_resort_lock_file(target)
        platform = self.settings.target(target).platform
        return self._dependencies(platform, lock_file.with_name("bootstrap-deps"), lock_file)

    def last_resort_lock_file(self, target: str) -> Path:
        return self.settings.target_folder(target) / "last-resort.json"

    def local_dependencies(self, platform: str) -> "Dependencies":
        """What comes from PyPI for builds that belong to no target."""
        folder = self.settings.data / "local" / platform
        return self._dependencies(platform, folder / "deps", folder / "bridge.json")

    def _dependencies(
        self,
        platform: str,
        snapshots: Path,
        lock_file: Path,
        *,
        own: frozenset[str] = frozenset(),
        repo_file: "RepoFile | None" = None,
    ) -> "Dependencies":
        from rdo.bridge.choice import Chooser
        from rdo.bridge.debian import DebStore
        from rdo.bridge.dependencies import Dependencies, snapshot_that_counts
        from rdo.bridge.resolution import Resolver
        from rdo.bridge.sdists import SdistStore
        from rdo.bridge.wheels import WheelStore
        from rdo.builders.root import Workshop
        from rdo.package_index import PackageIndex
        from rdo.roots.content import ContentStore
        from rdo.tools.pip import Pip
        from rdo.tools.pip_config import index_settings

        base = self.platforms.base(platform)
        content = ContentStore(self.platforms.content)
        kept = self.platforms.folder / platform
        current = partial(snapshot_that_counts, lock_file, snapshots)
        workshop = Workshop(base, content, self.roots, current)
        resolver = Resolver(
            Pip(base.platform.python, base.platform.glibc),
            SdistStore(kept / "built-wheels", workshop, lambda: PackageIndex(index_settings())),
            self.settings.bridge.constraints,
        )
        debs = DebStore(base, content, kept / "debian", self.roots)
        wheels = WheelStore(base, content, kept / "wheels", self.roots)
        chooser = Chooser(debs, resolver, lock_file.with_suffix(""), own)
        return Dependencies(wheels, chooser, snapshots, lock_file, repo_file)

    def repositories(self, target: str, name: str) -> tuple[Path, ...]:
        """The folders that a name of a target leads to now, one per component if there are any."""
        repos = self.settings.target_folder(target) / "repos"
        links = [repos / name, *sorted(repos.glob(f"component/*/{name}"))]
        return tuple(link.resolve() for link in links if (link / "repodata").is_dir())

    def local_repo_files(self, target: str, name: str) -> dict[str, str]:
        """.repo files by which this machine itself installs from a target, without a web server."""
        settings = self.settings.target(target)
        folders = self.repositories(target, name)
        if not folders:
            raise NotFoundError(
                f"{target} has no repository {name} yet", hint="rdo trunk run builds and publishes"
            )
        rows = [(settings.reponame, folder, 1) for folder in folders]
        if dependencies := self.dependencies(target).repository():
            rows.append((f"{settings.reponame}-deps", dependencies, 50))
        sections = [
            f"[{repo}-{number}]\nname={repo} of {target}\nbaseurl={folder.as_uri()}\n"
            f"enabled=1\ngpgcheck=0\npriority={priority}\n"
            for number, (repo, folder, priority) in enumerate(rows)
        ]
        return {f"{settings.reponame}.repo": "\n".join(sections)}

    @property
    def roots(self) -> Path:
        """Where live build roots are; what a killed process left there is removed on sight."""
        return self.settings.data / "roots"

    def workshop(
        self, dependencies: "Dependencies", *, minutes: int, log_mb: int, disk_mb: int = 20_000
    ) -> "Workshop":
        """Where builds run whose dependencies come from there, within bounds."""
        from rdo.builders.root import Workshop
        from rdo.roots.build_root import remove_leftovers

        remove_leftovers(self.roots)
        dependencies.wheels.content.shrink()
        dependencies.prepare()
        return Workshop(
            dependencies.wheels.base,
            dependencies.wheels.content,
            self.roots,
            dependencies.repository,
            seconds=minutes * 60,
            log_bytes=log_mb * 1_000_000,
            disk_bytes=disk_mb * 1_000_000,
        )

    def close(self) -> None:
        """Close what was opened."""
        if "store" in self.__dict__:
            self.store.close()

    @cached_property
    def user(self) -> str:
        """Who acts, for what is recorded."""
        return getpass.getuser()

    def now(self) -> datetime:
        """The clock that services are given."""
        return datetime.now(UTC)
