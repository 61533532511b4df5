"""The sources of the RPMs in an update's builds."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Protocol

from rdo.app import App
from rdo.errors import NotFoundError, RefusedError
from rdo.model.artifact import RpmFile
from rdo.publish import pool
from rdo.repodata import read_rpms
from rdo.updates.copr_builds import CoprBuilds
from rdo.updates.koji_builds import KojiBuilds
from rdo.updates.update_file import UpdateBuild

OUTSIDE = ("koji", "cbs")
"""Koji instances of others that update files may name."""
COPR = "copr-"
"""The prefix of a build source at Copr: `copr-USER`."""


class BuildSource(Protocol):
    """A source of the RPMs of builds."""

    def check(self, build: UpdateBuild) -> None:
        """Raise NotFoundError if the source does not have a build; downloads nothing."""

    def rpms(self, build: UpdateBuild) -> tuple[Path, ...]:
        """Return the RPMs of a build; raises NotFoundError if the source does not have it."""


@dataclass(frozen=True, slots=True)
class OwnTarget:
    """A target of this factory, with the builds that it has published."""

    app: App
    target: str

    def check(self, build: UpdateBuild) -> None:
        """Raise NotFoundError if the target has not published a build."""
        self.rpms(build)

    def rpms(self, build: UpdateBuild) -> tuple[Path, ...]:
        """Return the published RPMs of a build; raises NotFoundError if there are none."""
        opened = self.app.target(self.target)
        with opened.store.read() as at:
            found = at.artifacts.of_source(self.target, f"{build.id}.src.rpm")
        if not found:
            raise NotFoundError(f"{self.target} has published no {build.id}")
        place = opened.tree.repos / pool.NAME
        return tuple(pool.place(place, one) for one in found if not one.is_debug)

    def newest(self, package: str) -> str:
        """Return the NVR of a package's newest good build; NotFoundError if there is none."""
        with self.app.target(self.target).store.read() as at:
            good = at.packages.state(self.target, package).good
            artifacts = at.artifacts.of_build(good.id) if good else ()
        source = next((one.nevra for one in artifacts if one.is_source), None)
        if source is None:
            raise NotFoundError(f"{self.target} has no good build of {package}")
        return f"{source.name}-{source.version}-{source.release}"


@dataclass(frozen=True)
class SourceFolder:
    """A folder with RPMs, such as the results of `rdo build`; it is read once."""

    folder: Path

    def check(self, build: UpdateBuild) -> None:
        """Raise NotFoundError if the folder has no RPM of a build."""
        self.rpms(build)

    def rpms(self, build: UpdateBuild) -> tuple[Path, ...]:
        """Return a build's RPMs in the folder; raises NotFoundError if there are none."""
        source = f"{build.id}.src.rpm"
        found = [
            path
            for path, one in self._read
            if source in (one.source_rpm, one.artifact.file_name) and not one.artifact.is_debug
        ]
        if not found:
            raise NotFoundError(f"{self.folder} has no RPM of {build.id}")
        return tuple(found)

    @cached_property
    def _read(self) -> list[tuple[Path, RpmFile]]:
        paths = sorted(self.folder.glob("*.rpm"))
        return list(zip(paths, read_rpms(paths), strict=True)) if paths else []


@dataclass(frozen=True, slots=True)
class BuildSources:
    """All known sources: our own targets, named folders, and outside ones.

    `servers` are the URLs of outside sources that are not in `sources.toml`. Downloaded files are
    kept in the folder `kept`.
    """

    app: App | None
    folders: Mapping[str, SourceFolder]
    kept: Path
    servers: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> BuildSource:
        """Return a source by its name in update files.

        Raises RefusedError for one that rdo cannot use.
        """
        if name in self.folders:
            return self.folders[name]
        if self.app is not None and name in self.app.settings.targets:
            return OwnTarget(self.app, name)
        if name in OUTSIDE:
            return self._koji(name)
        if name.startswith(COPR):
            server = self.servers.get(COPR.rstrip("-")) or known_servers()["copr"]["server"]
            return CoprBuilds(name.removeprefix(COPR), server, self.kept)
        raise RefusedError(
            f"the build source {name} is unknown",
            hint=f"name a folder that has its RPMs: --source {name}=FOLDER",
        )

    def _koji(self, name: str) -> KojiBuilds:
        row = known_servers()[name]
        own = self.servers.get(name, "")
        files = f"{own.removesuffix('/kojihub')}/kojifiles" if own else row["files"]
        return KojiBuilds(name, own or row["server"], files, self.kept)


def known_servers() -> Mapping[str, Mapping[str, str]]:
    """Return the URLs of other people's build systems, by their names in update files."""
    text = resources.files("rdo.updates").joinpath("sources.toml").read_text()
    found: Mapping[str, Mapping[str, str]] = tomllib.loads(text)
    return found
