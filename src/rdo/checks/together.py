"""Find out whether a host can have two packages at once: no conflict, no replacement."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from rdo.errors import CommandError
from rdo.model.nevra import Nevra
from rdo.solver import Chosen, SolverRepository, chosen, repository_row
from rdo.tools.rpm.solv import Solv, pair_solver


@dataclass(frozen=True, slots=True)
class PlacedPackage:
    """A package, and the name of the repository in the question that contains it."""

    repository: str
    nevra: Nevra


def can_be_together(
    pairs: Sequence[tuple[PlacedPackage, PlacedPackage]],
    repositories: Sequence[SolverRepository],
    *,
    arch: str,
    solv: Solv | None = None,
) -> tuple[bool, ...]:
    """Return for each pair whether both can be installed together with their requirements.

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
    """The packages of a host that has as many packages as possible of some repositories.

    `left_out` are the NEVRAs of those that it cannot have together with the others.
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
    """Return the packages of a host with as many packages as possible of `checked`.

    `checked` are names of repositories. With `names`, only packages with these names are used. The
    host also has providers of `also`, if there are any. Raises CommandError for a repository that
    libsolv cannot read, and if the base has conflicts.
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
