"""What of a tree nothing may remove, and who needs it; every removal asks here first."""

import fcntl
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from rdo.publish import pool
from rdo.publish.references import pooled, snapshots
from rdo.store import Transaction

_SHARED = (f"{pool.NAME}/", "deps/", "../bootstrap-deps/")
"""Where things lie that kept repositories refer to; finding out which is much to read."""


@dataclass(slots=True)
class References:
    """What repositories refer to. A repository never changes, so each is read once."""

    _read: dict[tuple[Path, int], tuple[frozenset[str], frozenset[str]]] = field(
        default_factory=dict
    )

    def of(self, directory: Path) -> tuple[frozenset[str], frozenset[str]]:
        """Return the entries of the pool and the snapshots that a repository needs.

        Raises DamagedError if its repodata is not intact.
        """
        key = directory, directory.stat().st_ino if directory.exists() else 0
        if key not in self._read:
            self._read[key] = pooled(directory), snapshots(directory)
        return self._read[key]


@dataclass(frozen=True)
class Needed:
    """The places of a tree that somebody needs; all paths are relative to the tree."""

    needs: dict[str, str]

    def who(self, place: str) -> str:
        """Return who needs a place, what it lies in or what lies in it; empty if nobody does."""
        path = os.path.normpath(place)
        return next(filter(None, map(self.needs.get, _upwards(path))), "") or self._above.get(
            path, ""
        )

    @cached_property
    def _above(self) -> dict[str, str]:
        return {above: who for place, who in self.needs.items() for above in _upwards(place)}


def _upwards(path: str) -> Iterator[str]:
    while path and path not in {".", "..", "/"}:
        yield path
        path = os.path.dirname(path)  # noqa: PTH120 - text, also with leading dots


def needed(
    at: Transaction, folder: Path, target: str, going: Collection[str], references: References
) -> Needed:
    """Return who needs what of the tree below `folder`, once its repositories are as in `at`.

    Names need the repositories that they lead to, and a running build those that a name has left
    since it began. Every repository that stays needs itself and, if anything like that is
    `going`, its RPMs and its snapshot. Raises DamagedError if such a repository cannot be read.
    """
    repos, needs = folder / "repos", {}
    staying = at.repositories.in_tree(target)
    shared = any(place.startswith(_SHARED) for place in going)
    for one in staying:
        needs[one.path] = "its repository is kept"
        if shared:
            rpms, deps = references.of(repos / one.path)
            needs |= {f"{pool.NAME}/{sha}": f"{one.path} needs it" for sha in rpms}
            places = (f"{place}/{name}" for name in deps for place in ("deps", "../bootstrap-deps"))
            needs |= dict.fromkeys(places, f"{one.path} needs it")
    if shared:
        stored = at.artifacts.of_builds(at.artifacts.build_ids(target))
        needs |= {f"{pool.NAME}/{one.artifact.sha256}": f"{one.package} needs it" for one in stored}
    for build in at.builds.running(target):
        needs[f"../builds/{build.id}"] = f"build {build.id} needs it, which is running"
    if since := oldest_reader(at, folder, target):
        for repository in at.names.left_for(target, since):
            needs[repository.path] = f"a build needs it that runs since {since:%F %R} UTC"
    for name, repository in at.names.all(target):
        needs[repository.path] = f"{name} leads there"
    return Needed(needs)


def oldest_reader(at: Transaction, folder: Path, target: str) -> datetime | None:
    """Return since when the oldest running build, or scratch build, may read repositories."""
    moments = [build.started for build in at.builds.running(target) if build.started]
    moments += _scratch_builds(folder.parent / "tmp")
    return min(moments, default=None)


def _scratch_builds(place: Path) -> Iterator[datetime]:
    for mark in place.glob("try-*/in-use"):
        with mark.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                yield datetime.fromtimestamp(mark.stat().st_mtime, UTC)
