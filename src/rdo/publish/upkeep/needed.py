"""Find the parts of a tree that must stay, and what needs them; every removal asks here first."""

import fcntl
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from rdo.model.neighbours import dependants, neighbours_of
from rdo.publish import pool
from rdo.publish.references import pooled, snapshots
from rdo.store import Transaction

_SHARED = (f"{pool.NAME}/", "deps/", "../bootstrap-deps/")
"""Folders that repositories refer to; finding out which parts they need means much reading."""


@dataclass(slots=True)
class References:
    """What repositories refer to. A repository never changes, so each is read only once."""

    _read: dict[tuple[Path, int], tuple[frozenset[str], frozenset[str]]] = field(
        default_factory=dict
    )

    def of(self, directory: Path) -> tuple[frozenset[str], frozenset[str]]:
        """Return the pool entries and the snapshots that a repository needs.

        Raises DamagedError if its repodata is not intact.
        """
        key = directory, directory.stat().st_ino if directory.exists() else 0
        if key not in self._read:
            self._read[key] = pooled(directory), snapshots(directory)
        return self._read[key]


@dataclass(frozen=True)
class Needed:
    """The paths of a tree that somebody needs, all relative to the tree."""

    needs: dict[str, str]

    def who(self, place: str) -> str:
        """Return who needs a path, or one above or below it; empty if nobody does."""
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
    """Return what needs each part of the tree in `folder`, given the repositories in `at`.

    Names need the repositories that they point to. A running build needs those that a name has left
    since it began. Every repository that stays needs itself and, if such things are `going`, its
    RPMs and its snapshot. Raises DamagedError if such a repository cannot be read.
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
        needs[f"../builds/{build.id}"] = f"the running build {build.id} needs it"
    if since := oldest_reader(at, folder, target):
        for repository in at.names.left_for(target, since):
            needs[repository.path] = (
                f"a build that has been running since {since:%F %R} UTC needs it"
            )
    needs |= needed_by_others(at, folder, target)
    for name, repository in at.names.all(target):
        needs[repository.path] = f"{name} leads there"
    return Needed(needs)


def needed_by_others(at: Transaction, folder: Path, target: str) -> dict[str, str]:
    """Return the repositories and snapshots that other targets' repositories name, and by which."""
    needs = {}
    for other in dependants(folder):
        repos = folder.parent / other / "repos"
        places = [repos, *(repos / one.path for one in at.repositories.in_tree(other))]
        for named in (one for place in places for one in neighbours_of(place)):
            if named.target == target:
                needs[named.path] = f"{other} depends on it"
    return needs


def oldest_reader(at: Transaction, folder: Path, target: str) -> datetime | None:
    """Return since when the oldest running build, or scratch build, may be reading repositories."""
    moments = [build.started for build in at.builds.running(target) if build.started]
    for other in dependants(folder):
        moments += [build.started for build in at.builds.running(other) if build.started]
    moments += _scratch_builds(folder.parent / "tmp")
    return min(moments, default=None)


def _scratch_builds(place: Path) -> Iterator[datetime]:
    for mark in place.glob("try-*/in-use"):
        with mark.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                yield datetime.fromtimestamp(mark.stat().st_mtime, UTC)
