"""Check that an update can be pushed: compare its builds with metadata, sources and users' RPMs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rdo.errors import ConfigError, NotFoundError, RefusedError, did_you_mean
from rdo.metadata import Release
from rdo.model.nevra import Nevra
from rdo.model.rpm_order import compare_evr
from rdo.updates.build_sources import BuildSources
from rdo.updates.update_file import TO_FILL, UpdateBuild, UpdateFile
from rdo.updates.yum_folder import YumFolder


class FindingWeight(StrEnum):
    """The severity of a finding: an error keeps an update from being pushed."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class UpdateFinding:
    """One thing that is wrong with an update, or with a build of it."""

    weight: FindingWeight
    build: str
    text: str

    def __str__(self) -> str:
        about = f"{self.build}: " if self.build else ""
        return f"{self.weight}: {about}{self.text}"


@dataclass(frozen=True, slots=True)
class UpdateChecker:
    """Checks updates against the metadata, the build sources and users' repositories.

    `releases` are those of the metadata, empty if there is none. `base` is the beginning of the
    paths of users' repositories, None if they are not on this machine. Without `asks_sources` no
    source is contacted.
    """

    releases: Sequence[Release]
    sources: BuildSources
    base: str | None = None
    asks_sources: bool = True

    def check(self, update: UpdateFile) -> list[UpdateFinding]:
        """Return all findings, errors first."""
        found = [*self._about(update)]
        for build in update.builds:
            found += self._about_release(build)
            if self.asks_sources:
                found += self._about_source(build)
        return sorted(found, key=lambda one: one.weight)

    def _about(self, update: UpdateFile) -> Iterator[UpdateFinding]:
        if not update.notes.strip() or TO_FILL in update.notes:
            yield UpdateFinding(
                FindingWeight.ERROR, "", "the notes do not say what the update is about"
            )
        for name in sorted({build.name for build in update.builds}):
            yield from self._other_dists(name, [x for x in update.builds if x.name == name])

    def _other_dists(self, name: str, builds: Sequence[UpdateBuild]) -> Iterator[UpdateFinding]:
        for release in self.releases:
            has = {build.dist for build in builds if build.repo == release.name}
            missing = [repo.name for repo in release.repos if repo.name not in has]
            if has and missing:
                text = f"{release.name} also has {', '.join(missing)}, without a build here"
                yield UpdateFinding(FindingWeight.WARNING, name, text)

    def _about_release(self, build: UpdateBuild) -> Iterator[UpdateFinding]:
        if not self.releases:
            return
        release = next((one for one in self.releases if one.name == build.repo), None)
        if release is None:
            near = did_you_mean(build.repo, [one.name for one in self.releases])
            yield UpdateFinding(FindingWeight.ERROR, build.id, f"no release {build.repo}{near}")
            return
        dists = [repo.name for repo in release.repos]
        if build.dist not in dists:
            text = f"{build.repo} has no {build.dist}; it has {', '.join(dists) or 'nothing'}"
            yield UpdateFinding(FindingWeight.ERROR, build.id, text)

    def _about_source(self, build: UpdateBuild) -> Iterator[UpdateFinding]:
        rpms: Sequence[Path] = ()
        try:
            source = self.sources.get(build.source)
            if self.base is None:
                source.check(build)
            else:
                rpms = source.rpms(build)
        except (NotFoundError, RefusedError) as error:
            yield UpdateFinding(FindingWeight.ERROR, build.id, str(error))
        except ConfigError as error:  # the client library for this source is not installed
            yield UpdateFinding(FindingWeight.WARNING, build.id, str(error))
        if rpms and self.base is not None:
            yield from self._about_users(build, rpms, YumFolder(Path(f"{self.base}{build.place}")))

    def _about_users(
        self, build: UpdateBuild, rpms: Sequence[Path], users: YumFolder
    ) -> Iterator[UpdateFinding]:
        for name in users.collisions(rpms):
            yield UpdateFinding(FindingWeight.ERROR, build.id, f"users have another {name}")
        newest = users.newest()
        for path in rpms:
            new = Nevra.parse(path.name)
            old = newest.get((new.name, new.arch))
            if old and _is_older(new, old):
                text = f"{path.name} is older than what users have: {old.version}-{old.release}"
                yield UpdateFinding(FindingWeight.ERROR, build.id, text)


def _is_older(new: Nevra, old: Nevra) -> bool:
    """Whether users would not get an RPM; file names have no epoch, so that of `old` is assumed."""
    return compare_evr(("", new.version, new.release), ("", old.version, old.release)) < 0
