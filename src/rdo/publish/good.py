"""A cache of the packages' newest good builds with their RPMs, used by several publications."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from rdo.model.commit import Commit
from rdo.store import Transaction
from rdo.store.work.artifacts import StoredArtifact


@dataclass(frozen=True, slots=True)
class GoodBuild:
    """The parts of a published build that never change, and its RPMs."""

    id: int
    commit: Commit
    release_date: datetime
    artifacts: tuple[StoredArtifact, ...]

    @property
    def nvr(self) -> str:
        """The NVR of the source RPM; empty if there is none."""
        artifacts = (stored.artifact for stored in self.artifacts)
        names = (artifact.file_name for artifact in artifacts if artifact.is_source)
        return next(names, "").removesuffix(".src.rpm")


class GoodBuilds:
    """A cache of good builds, so that a publication reads only what has changed."""

    def __init__(self) -> None:
        self._known: dict[int, GoodBuild] = {}

    def read(self, at: Transaction, build_ids: Collection[int]) -> Mapping[str, GoodBuild]:
        """Return the builds with these ids, by package."""
        missing = [build_id for build_id in build_ids if build_id not in self._known]
        # Sorted by package, which has one good build each, so the RPMs of a build are together.
        by_build = groupby(at.artifacts.of_builds(missing), key=lambda stored: stored.build_id)
        artifacts = {build_id: tuple(stored) for build_id, stored in by_build}
        known = self._known | {
            build_id: GoodBuild(build_id, commit, date, artifacts.get(build_id, ()))
            for build_id, (commit, date) in at.builds.origins(missing).items()
        }
        self._known = {build_id: known[build_id] for build_id in build_ids}
        return {good.commit.package: good for good in self._known.values()}
