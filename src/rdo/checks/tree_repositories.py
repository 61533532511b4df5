"""The repositories of a tree, and the dependencies that they name, as the solver takes them."""

from collections.abc import Iterable
from pathlib import Path

from rdo.model.repo_file import DEPENDENCIES, OWN
from rdo.publish.references import snapshots
from rdo.solver import SolverRepository
from rdo.store.given.repositories import Repository


def own_repositories(
    repos: Path, repositories: Iterable[Repository], name: str
) -> tuple[SolverRepository, ...]:
    """Return repositories of the tree `repos`, called `name-0` and so on."""
    return tuple(
        SolverRepository(f"{name}-{number}", repos / one.path, OWN)
        for number, one in enumerate(repositories)
    )


def dependency_repositories(repos: Path, folders: Iterable[Path]) -> tuple[SolverRepository, ...]:
    """Return the snapshots of dependencies that the .repo files in some folders name."""
    named = sorted({name for folder in folders for name in snapshots(folder)})
    return tuple(
        SolverRepository(f"deps-{name}", repos / "deps" / name, DEPENDENCIES) for name in named
    )
