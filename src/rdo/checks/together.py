"""Whether a host may have two packages at once: neither conflicts with the other or replaces it."""

from collections.abc import Sequence
from dataclasses import dataclass

from rdo.errors import CommandError
from rdo.model.nevra import Nevra
from rdo.solver import SolverRepository
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
    rows = [
        {
            "name": one.name,
            "folder": str(one.folder),
            "priority": one.priority,
            "installed": one.installed,
            "visible": str(one.visible or ""),
        }
        for one in repositories
    ]
    asked = [[[one.repository, _as_libsolv(one.nevra)] for one in pair] for pair in pairs]
    answer = (solv or pair_solver()).ask({"arch": arch, "repositories": rows, "pairs": asked})
    told = answer.get("together")
    if not isinstance(told, list) or len(told) != len(pairs):
        raise CommandError("libsolv gave an impossible answer")
    return tuple(one is True for one in told)


def _as_libsolv(nevra: Nevra) -> str:
    """Return a NEVRA as libsolv writes it, with the epoch before the version."""
    epoch = f"{nevra.epoch}:" if nevra.epoch else ""
    return f"{nevra.name}-{epoch}{nevra.version}-{nevra.release}.{nevra.arch}"
