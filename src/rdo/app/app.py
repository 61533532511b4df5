"""The application: configuration, store, metadata, platforms, bridges, builders and targets."""

import getpass
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rdo.app.opened_once import opened_once
from rdo.errors import NotFoundError, RefusedError
from rdo.model.repo_file import DEPENDENCIES, OWN, RepoSection, repo_file

if TYPE_CHECKING:
    from rdo.app.bridges import Bridges
    from rdo.app.cache import Caches
    from rdo.app.targets import OpenTarget
    from rdo.app.workplaces import Workplaces
    from rdo.config import Configuration, Settings
    from rdo.metadata import Distribution, ReleasePackages
    from rdo.metadata.editing.draft import Draft
    from rdo.roots.images.guest_image import GuestImage
    from rdo.roots.images.host_image import HostImage
    from rdo.roots.images.image_packages import ImageSources
    from rdo.roots.platform.platforms import Platforms
    from rdo.store import Store


class App:
    """The effective configuration and all that belongs to it.

    `folder` is -C, `options` are `--set`. Nothing is read or opened before it is asked for,
    so that `rdo doctor` works where everything else is broken; several threads may ask at once,
    and each part is opened once. A round sets `metadata_max_age_seconds` to 0, to see the
    metadata as it is now. A command that only looks sets `reads_only`, before it asks for the
    store: then it needs no write access to it.
    """

    def __init__(
        self, folder: Path | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        self.metadata_max_age_seconds = 600.0
        self.reads_only = False
        self.opening = threading.RLock()
        self._folder = folder
        self._options = options or {}
        self._lender: App | None = None

    def anew(self) -> "App":
        """Return the same with nothing read or opened yet: it sees what has changed since."""
        return App(self._folder, self._options)

    def for_request(self) -> "App":
        """Return the same for one request: configuration and metadata are read again on use.

        The store stays open and is lent, as long as the configuration names the same database;
        closing the returned app leaves it open.
        """
        renewed = self.anew()
        renewed._lender = self._lender or self
        return renewed

    @opened_once
    def configuration(self) -> "Configuration":
        from rdo import config  # with pydantic: only where it is used

        return config.load(config.find(self._folder), options=self._options)

    @property
    def settings(self) -> "Settings":
        return self.configuration.settings

    @opened_once
    def store(self) -> "Store":
        """The database, made on first use and brought up to date.

        Raises UnusableStoreError if there was one and it is gone.
        """
        from rdo.app.stores import open_store

        lender, url = self._lender, self.settings.database_url
        if lender and lender.settings.database_url == url:
            return lender.store
        return open_store(self.settings, reads_only=self.reads_only)

    def close(self) -> None:
        """Close what was opened and is not lent."""
        with self.opening:
            store = self.__dict__.pop("store", None)
            lent = self._lender.__dict__.get("store") if self._lender else None
            if store and store is not lent:
                store.close()

    @opened_once
    def distribution(self) -> "Distribution":
        """The metadata; a git URL is asked again when that was too long ago."""
        from rdo.app import metadata

        return metadata.configured(self.settings, max_age=self.metadata_max_age_seconds)

    def metadata(
        self, source: str = "", file: str = "", *, ref: str = "", max_age: float | None = None
    ) -> "Distribution":
        """Read metadata of a folder or git repository, for commands that only look.

        Unlike `distribution` it needs no rdo.toml; `rdo.app.metadata.place` says what it reads
        then. Raises RefusedError if `ref` is asked for in a layout that has no history.
        """
        from rdo import metadata
        from rdo.app.metadata import place

        section = None if source else self.settings.metadata
        if section and section.layout != "rdoinfo":
            if ref:
                raise RefusedError(f"metadata of the layout {section.layout} is read as it is now")
            return self.distribution
        age = self.metadata_max_age_seconds if max_age is None else max_age
        where = place(section, self.settings, source, file)
        return metadata.load(where.source, where.file, cache=where.cache, ref=ref, max_age=age)

    def metadata_draft(self, source: str = "", file: str = "") -> "Draft":
        """Open the same metadata for edits; a RefusedError unless it is a folder of files."""
        from rdo.app.metadata import draft, place

        section = None if source else self.settings.metadata
        if section and section.layout != "rdoinfo":
            raise RefusedError(f"metadata of the layout {section.layout} has no file to edit")
        return draft(place(section, self.settings, source, file))

    def packages(self, target: str) -> "ReleasePackages":
        """Return a target's packages, resolved for its release and, if named there, base OS."""
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

    def good_builds(self, project: str) -> dict[str, bool]:
        """Return, by target that has the project, whether its newest build there is good."""
        found = {}
        for target in self.settings.targets:
            for package in self.packages(target).packages:
                if package.project == project:
                    with self.store.read() as at:
                        state = at.packages.state(target, package.name)
                    found[target] = state.newest is not None and state.newest == state.good
        return found

    @opened_once
    def platforms(self) -> "Platforms":
        """The base layers of this machine."""
        from rdo.roots.platform.platforms import Platforms

        return Platforms(self.settings.platforms)

    def host_image(self, target: str, name: str) -> "HostImage":
        """Return the image of hosts out of a target's repository, made if it is not there.

        Hosts also have the image of a guest, unless the platform has no set `guest`. Missing
        packages of both sets are bridged first. Raises NotFoundError if the name leads nowhere yet.
        """
        from rdo.roots.images.host_image import SET, HostImages

        sources = self._image_sources(target, name, SET)
        has_guest = "guest" in sources.base.platform.sets
        guest = self.guest_image(target, name) if has_guest else None
        folder = self.platforms.folder / sources.base.platform.name
        return HostImages(sources, folder, self.settings.roots, guest).image()

    def guest_image(self, target: str, name: str) -> "GuestImage":
        """Return the image of a guest for clouds of a target's repository, as `host_image` does."""
        from rdo.roots.content import ContentStore
        from rdo.roots.images.guest_image import SET, GuestImages

        sources = self._image_sources(target, name, SET)
        folder = self.platforms.folder / sources.base.platform.name
        content = ContentStore(self.platforms.content)
        return GuestImages(sources, content, folder, self.settings.roots).image()

    def _image_sources(self, target: str, name: str, packages: str) -> "ImageSources":
        """Return where images come from; missing packages of the platform's set are bridged."""
        from rdo.roots.images.image_packages import ImageSources

        folders = self._some_repositories(target, name)
        base = self.platforms.create(self.settings.target(target).platform)
        dependencies = self.bridges.of_target(target)
        dependencies.prepare()
        sources = ImageSources(base, folders, dependencies.repository())
        try:
            sources.packages(packages)
        except NotFoundError:
            dependencies.provide(sources.wanted(packages))
            sources = ImageSources(base, folders, dependencies.repository())
        return sources

    @property
    def cache(self) -> "Caches":
        """What is kept on this machine and can be made again."""
        from rdo.app.cache import Caches

        return Caches(self.settings, self.platforms)

    @opened_once
    def bridges(self) -> "Bridges":
        """What comes from PyPI and Debian, for targets and for builds that belong to none."""
        from rdo.app.bridges import Bridges

        return Bridges(self.settings, self.platforms, self.packages)

    @opened_once
    def workplaces(self) -> "Workplaces":
        """The builders of targets, and workshops for builds that belong to none."""
        from rdo.app.workplaces import Workplaces

        return Workplaces(self.settings, self.platforms, self.bridges)

    def target(self, name: str) -> "OpenTarget":
        """Open a target: its packages, its published tree and the store behind both."""
        from rdo.app.targets import open_target

        return open_target(self.settings, name, self.packages(name), self.store, self.now)

    def repositories(self, target: str, name: str) -> tuple[Path, ...]:
        """Return the folders that a name of a target leads to now: one per component, if any."""
        from rdo.app.targets import repositories

        return repositories(self.settings, target, name)

    def local_repo_files(self, target: str, name: str) -> dict[str, str]:
        """Return .repo files by which this machine installs from a target without a web server.

        Raises NotFoundError if the name leads nowhere yet.
        """
        folders = self._some_repositories(target, name)
        dependencies = self.bridges.of_target(target).repository()
        return self._repo_files(
            target,
            [folder.as_uri() for folder in folders],
            dependencies.as_uri() if dependencies else "",
        )

    def served_repo_files(self, target: str, name: str, url: str) -> dict[str, str]:
        """Return .repo files by which others install from a target's tree that is served at `url`.

        They follow the name and the bridge: what is published later is seen. Raises NotFoundError
        if the name leads nowhere yet.
        """
        self._some_repositories(target, name)
        repos = self.settings.target_folder(target) / "repos"
        links = [name, *(str(x.relative_to(repos)) for x in repos.glob(f"component/*/{name}"))]
        named = [f"{url}/{link}" for link in sorted(links) if (repos / link / "repodata").is_dir()]
        return self._repo_files(target, named, f"{url}/deps/current")

    def _some_repositories(self, target: str, name: str) -> tuple[Path, ...]:
        if folders := self.repositories(target, name):
            return folders
        raise NotFoundError(
            f"{target} has no repository {name} yet", hint="rdo trunk run builds and publishes"
        )

    def _repo_files(self, target: str, urls: Sequence[str], dependencies: str) -> dict[str, str]:
        repo = self.settings.target(target).reponame
        rows = [(repo, url, OWN) for url in urls]
        rows += [(f"{repo}-deps", dependencies, DEPENDENCIES)] if dependencies else []
        sections = (
            RepoSection(f"{name}-{number}", f"{name} of {target}", (url,), priority=priority)
            for number, (name, url, priority) in enumerate(rows)
        )
        return {f"{repo}.repo": repo_file(sections)}

    @opened_once
    def user(self) -> str:
        """Who acts, for what is recorded."""
        return getpass.getuser()

    def now(self) -> datetime:
        """Return the time; services are given this as their clock."""
        return datetime.now(UTC)
