"""The packages' newest good builds with their RPMs, remembered from one publication to the next."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import groupby

from rdo.store import Transaction
from rdo.store.artifacts import StoredArtifact
from rdo.store.builds import Build


@dataclass(frozen=True, slots=True)
class GoodBuild:
    """A published build and its RPMs; neither ever changes."""

    build: Build
    artifacts: tuple[StoredArtifact, ...]

    @property
    def nvr(self) -> str:
        """The NVR of the source RPM, empty if there is none."""
        artifacts = (stored.artifact for stored in self.artifacts)
        names = (artifact.file_name for artifact in artifacts if artifact.is_source)
        return next(names, "").removesuffix(".src.rpm")


class GoodBuilds:
    """Reads each good build once, so that a publication costs what has changed."""

    def __init__(self) -> None:
        self._known: dict[int, GoodBuild] = {}

    def read(self, at: Transaction, build_ids: Collection[int]) -> Mapping[str, GoodBuild]:
        """The builds with these ids, by package."""
        missing = [build_id for build_id in build_ids if build_id not in self._known]
        by_build = groupby(at.artifacts.of_builds(missing), key=lambda stored: stored.build_id)
        artifacts = {build_id: tuple(stored) for build_id, stored in by_build}
        known = self._known | {
            build.id: GoodBuild(build, artifacts.get(build.id, ()))
            for build in at.builds.get_many(missing)
        }
        self._known = {build_id: known[build_id] for build_id in build_ids}
        return {good.build.package: good for good in self._known.values()}
