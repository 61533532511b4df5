"""The repositories of a tree and those that its .repo files name, in the form the solver takes."""

from collections.abc import Iterable
from pathlib import Path

from rdo.model.neighbours import neighbours_of
from rdo.model.repo_file import DEPENDENCIES, OWN
from rdo.publish.references import snapshots
from rdo.solver import SolverRepository
from rdo.store.given.repositories import Repository


def own_repositories(
    repos: Path, repositories: Iterable[Repository], name: str
) -> tuple[SolverRepository, ...]:
    """Return repositories of the tree `repos`, called `name-0`, `name-1` and so on."""
    return tuple(
        SolverRepository(f"{name}-{number}", repos / one.path, OWN)
        for number, one in enumerate(repositories)
    )


def dependency_repositories(repos: Path, folders: Iterable[Path]) -> tuple[SolverRepository, ...]:
    """Return the repositories that .repo files in some folders name.

    They are snapshots of bridged packages, and repositories of other targets.
    """
    places = tuple(folders)
    return (*snapshot_repositories(repos, places), *neighbour_repositories(repos, places))


def snapshot_repositories(repos: Path, folders: Iterable[Path]) -> tuple[SolverRepository, ...]:
    """Return the snapshots of bridged packages that the .repo files in some folders name."""
    named = sorted({name for folder in folders for name in snapshots(folder)})
    return tuple(
        SolverRepository(f"deps-{name}", repos / "deps" / name, DEPENDENCIES) for name in named
    )


def neighbour_repositories(repos: Path, folders: Iterable[Path]) -> tuple[SolverRepository, ...]:
    """Return the other targets' repositories that the .repo files in some folders name."""
    named = dict.fromkeys(one for folder in folders for one in neighbours_of(folder))
    return tuple(
        SolverRepository(f"{one.target}-{one.path}", one.folder(repos.parents[1]), one.priority)
        for one in named
    )
