"""Whether a host may have two packages at once: neither conflicts with the other or replaces it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from rdo.errors import CommandError
from rdo.model.nevra import Nevra
from rdo.solver import Chosen, SolverRepository, chosen, repository_row
from rdo.tools.rpm.solv import Solv, pair_solver


@dataclass(frozen=True, slots=True)
class PlacedPackage:
    """A package in one of the repositories of a question, by the repository's name."""

    repository: str
    nevra: Nevra


def can_be_together(
    pairs: Sequence[tuple[PlacedPackage, PlacedPackage]],
    repositories: Sequence[SolverRepository],
    *,
    arch: str,
    solv: Solv | None = None,
) -> tuple[bool, ...]:
    """Return for each pair whether both can be installed with what they require.

    Raises CommandError for a repository that libsolv cannot read.
    """
    if not pairs:
        return ()
    asked = [[[one.repository, _as_libsolv(one.nevra)] for one in pair] for pair in pairs]
    answer = (solv or pair_solver()).ask(_question(repositories, arch) | {"pairs": asked})
    told = answer.get("together")
    if not isinstance(told, list) or len(told) != len(pairs):
        raise CommandError("libsolv gave an impossible answer")
    return tuple(one is True for one in told)


@dataclass(frozen=True, slots=True)
class FullHost:
    """The packages of a host that has as many as possible of some repositories.

    `left_out` are the NEVRAs of those that it cannot have beside the others.
    """

    packages: tuple[Chosen, ...]
    left_out: tuple[str, ...]


def full_host(
    checked: Sequence[str],
    repositories: Sequence[SolverRepository],
    *,
    arch: str,
    names: Collection[str] = (),
    also: Sequence[str] = (),
) -> FullHost:
    """Return what a host has that has all packages of the repositories named `checked`, if it can.

    With `names` only those of them. It also has what provides `also`, as far as that is there.
    Raises CommandError for a repository that libsolv cannot read, and if the base conflicts.
    """
    asked = {"checked": list(checked), "names": sorted(names), "also": list(also)}
    answer = pair_solver().ask(_question(repositories, arch) | asked)
    try:
        if answer["problems"]:
            raise CommandError(f"the base system conflicts: {'; '.join(answer['problems'])}")
        packages = tuple(chosen(row, repositories) for row in answer["packages"])
        return FullHost(packages, tuple(map(str, answer["left_out"])))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CommandError("libsolv gave an impossible answer") from error


def _question(repositories: Sequence[SolverRepository], arch: str) -> dict[str, Any]:
    return {"arch": arch, "repositories": list(map(repository_row, repositories))}


def _as_libsolv(nevra: Nevra) -> str:
    """Return a NEVRA as libsolv writes it, with the epoch before the version."""
    epoch = f"{nevra.epoch}:" if nevra.epoch else ""
    return f"{nevra.name}-{epoch}{nevra.version}-{nevra.release}.{nevra.arch}"
