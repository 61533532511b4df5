"""The application: configuration, store, metadata, platforms, bridges, builders and targets."""

import getpass
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rdo.app.opened_once import opened_once
from rdo.errors import NotFoundError, RefusedError
from rdo.model.repo_file import DEPENDENCIES, MIRRORLIST, OWN, RepoSection, repo_file

if TYPE_CHECKING:
    from rdo.app.bridges import Bridges
    from rdo.app.cache import Caches
    from rdo.app.depending import Depending
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
    """The effective configuration and everything that is opened with it.

    `folder` is -C, `options` are `--set`. Each part is read or opened when it is first used, so
    `rdo doctor` works even if everything else is broken. Several threads may use it at once; each
    part is opened only once. A round sets `metadata_max_age_seconds` to 0, to see the metadata as
    it is now. A command that only reads sets `reads_only` before it opens the store, so that it
    needs no write access.
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
        """Return a copy with nothing read or opened yet, which sees all changes made since."""
        return App(self._folder, self._options)

    def for_request(self) -> "App":
        """Return an app for one request, which reads configuration and metadata again on use.

        It borrows the open store as long as the configuration names the same database; closing the
        returned app leaves the store open.
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
        """The database, created on first use and brought up to date.

        Raises UnusableStoreError if there was a database and it is gone.
        """
        from rdo.app.stores import open_store

        lender, url = self._lender, self.settings.database_url
        if lender and lender.settings.database_url == url:
            return lender.store
        return open_store(self.settings, reads_only=self.reads_only)

    def close(self) -> None:
        """Close what this app opened; a borrowed store stays open."""
        with self.opening:
            store = self.__dict__.pop("store", None)
            lent = self._lender.__dict__.get("store") if self._lender else None
            if store and store is not lent:
                store.close()

    @opened_once
    def distribution(self) -> "Distribution":
        """The metadata; a git URL is fetched again if the last fetch was too long ago."""
        from rdo.app import metadata

        return metadata.configured(self.settings, max_age=self.metadata_max_age_seconds)

    def metadata(
        self, source: str = "", file: str = "", *, ref: str = "", max_age: float | None = None
    ) -> "Distribution":
        """Read metadata from a folder or git repository, for commands that only read it.

        Unlike `distribution` it needs no rdo.toml; `rdo.app.metadata.place` decides what it reads
        without one. Raises RefusedError if `ref` is given for a layout that has no history.
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
        """Open the same metadata for edits; raises RefusedError unless it is a folder of files."""
        from rdo.app.metadata import draft, place

        section = None if source else self.settings.metadata
        if section and section.layout != "rdoinfo":
            raise RefusedError(f"metadata of the layout {section.layout} has no file to edit")
        return draft(place(section, self.settings, source, file))

    def packages(self, target: str) -> "ReleasePackages":
        """Return a target's packages, resolved for its release and base OS."""
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
        """Return for each target that has the project whether its newest build is good."""
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
        """Return the image of hosts for a target's repository; make it if it does not exist.

        Hosts also have the image of a guest, unless the platform has no set `guest`. Missing
        packages of both sets are bridged first. Raises NotFoundError if the name points nowhere
        yet.
        """
        from rdo.roots.images.host_image import SET, HostImages

        sources = self._image_sources(target, name, SET)
        has_guest = "guest" in sources.base.platform.sets
        guest = self.guest_image(target, name) if has_guest else None
        folder = self.platforms.folder / sources.base.platform.name
        return HostImages(sources, folder, self.settings.roots, guest).image()

    def guest_image(self, target: str, name: str) -> "GuestImage":
        """Return the guest image for clouds of a target's repository; see `host_image`."""
        from rdo.roots.content import ContentStore
        from rdo.roots.images.guest_image import SET, GuestImages

        sources = self._image_sources(target, name, SET)
        folder = self.platforms.folder / sources.base.platform.name
        content = ContentStore(self.platforms.content)
        return GuestImages(sources, content, folder, self.settings.roots).image()

    def _image_sources(self, target: str, name: str, packages: str) -> "ImageSources":
        """Return what images are made from; bridge what the platform's set lacks first."""
        from rdo.roots.images.image_packages import ImageSources

        folders = self._some_repositories(target, name)
        base = self.platforms.create(self.settings.target(target).platform)
        dependencies = self.bridges.of_target(target)
        dependencies.prepare()
        sources = ImageSources(base, folders, dependencies.repository(), dependencies.neighbours())
        try:
            sources.packages(packages)
        except NotFoundError:
            dependencies.provide(sources.wanted(packages))
            sources = ImageSources(
                base, folders, dependencies.repository(), dependencies.neighbours()
            )
        return sources

    @property
    def cache(self) -> "Caches":
        """The files on this machine that can be made again."""
        from rdo.app.cache import Caches

        return Caches(self.settings, self.platforms)

    @opened_once
    def bridges(self) -> "Bridges":
        """The packages from PyPI and Debian, for targets and for builds without a target."""
        from rdo.app.bridges import Bridges

        return Bridges(self.settings, self.platforms, self.packages)

    @opened_once
    def workplaces(self) -> "Workplaces":
        """The builders of targets, and workshops for builds that belong to no target."""
        from rdo.app.workplaces import Workplaces

        return Workplaces(self.settings, self.platforms, self.bridges)

    def target(self, name: str) -> "OpenTarget":
        """Open a target: its packages, its published tree and the store behind both."""
        from rdo.app.targets import open_target

        return open_target(self.settings, name, self.packages(name), self.store, self.now)

    def repositories(self, target: str, name: str) -> tuple[Path, ...]:
        """Return the folders that a name of a target points to now, one per component, if any."""
        from rdo.app.targets import repositories

        return repositories(self.settings, target, name)

    def local_repo_files(self, target: str, name: str) -> dict[str, str]:
        """Return .repo files with which this machine installs from a target without a web server.

        Raises NotFoundError if the name points nowhere yet.
        """
        folders = self._some_repositories(target, name)
        dependencies = self.bridges.of_target(target).repository()
        return self._repo_files(
            target,
            [folder.as_uri() for folder in folders],
            dependencies.as_uri() if dependencies else "",
            others=self.depending(target).local_sections(),
        )

    def served_repo_files(
        self, target: str, name: str, url: str, others_at: Callable[[str], str] | None = None
    ) -> dict[str, str]:
        """Return .repo files with which other hosts install from a target's tree served at `url`.

        `others_at` returns where the trees of other targets are served, by default the place that
        rdo.toml gives. The files follow the name and the bridge: hosts see what is published later,
        and a host that has read an earlier index still finds its RPMs through the mirror lists.
        Raises NotFoundError if the name points nowhere yet.
        """
        self._some_repositories(target, name)
        repos, dependencies = self.settings.target_folder(target) / "repos", "deps/current"
        links = [name, *(str(x.relative_to(repos)) for x in repos.glob(f"component/*/{name}"))]
        named = [link for link in sorted(links) if (repos / link / "repodata").is_dir()]
        listed = {
            f"{url}/{link}"
            for link in (*named, dependencies)
            if (repos / link / MIRRORLIST).is_file()
        }
        places = [f"{url}/{link}" for link in named]
        at = others_at or self.settings.tree_url
        repo = self.settings.target(target).reponame
        others = [
            one.section(
                f"{repo}-{one.key}",
                f"{one.link} of {one.target}",
                self.settings.target_folder(one.target) / "repos",
                at(one.target),
            )
            for one in self.depending(target).followed()
        ]
        return self._repo_files(target, places, f"{url}/{dependencies}", listed, others)

    def depending(self, target: str) -> "Depending":
        """Return the repositories that a target takes from other targets."""
        from rdo.app.depending import Depending

        return Depending(self.settings, target)

    def _some_repositories(self, target: str, name: str) -> tuple[Path, ...]:
        if folders := self.repositories(target, name):
            return folders
        raise NotFoundError(
            f"{target} has no repository {name} yet", hint="rdo trunk run builds and publishes"
        )

    def _repo_files(
        self,
        target: str,
        urls: Sequence[str],
        dependencies: str,
        listed: Collection[str] = (),
        others: Sequence[RepoSection] = (),
    ) -> dict[str, str]:
        """Return a .repo file; repositories in `listed` are reached through their mirror lists."""
        repo = self.settings.target(target).reponame
        rows = [(repo, url, OWN) for url in urls]
        rows += [(f"{repo}-deps", dependencies, DEPENDENCIES)] if dependencies else []
        sections = []
        for number, (name, url, priority) in enumerate(rows):
            one = RepoSection(f"{name}-{number}", f"{name} of {target}", priority=priority)
            if url in listed:
                sections.append(replace(one, mirrorlist=f"{url}/{MIRRORLIST}"))
            else:
                sections.append(replace(one, baseurl=(url,)))
        return {f"{repo}.repo": repo_file((*sections, *others))}

    @opened_once
    def user(self) -> str:
        """The name recorded as the author of what this process does."""
        return getpass.getuser()

    def now(self) -> datetime:
        """Return the current time; services are given this method as their clock."""
        return datetime.now(UTC)
