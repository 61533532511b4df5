"""What a change of one repository does to the repositories beside it, which others publish."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rdo.errors import CommandError
from rdo.solver import SolverRepository, check_repodata, repository_row
from rdo.tools.rpm.solv import Solv, neighbour


@dataclass(frozen=True, slots=True)
class SideRepositories:
    """The repositories of one side: of a SIG, or of the base system."""

    side: str
    repositories: tuple[SolverRepository, ...]


@dataclass(frozen=True, slots=True)
class SidePackage:
    """A binary package and the side that it is from; the NEVRA is as libsolv writes it."""

    side: str
    name: str
    nevra: str

    def __str__(self) -> str:
        return f"{self.side}: {self.nevra}"


@dataclass(frozen=True, slots=True)
class BrokenPackage:
    """A package that cannot be installed.

    `chain` leads from it to the package `by`, which has the requirement `need` that nothing
    provides; `was` provided it before. Without a need there are providers, but they conflict.
    `is_new`: it could be installed before.
    """

    package: SidePackage
    chain: tuple[str, ...]
    need: str = ""
    by: SidePackage | None = None
    was: SidePackage | None = None
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class CapabilityOffer:
    """The packages that provide a capability and have what they require, before and after.

    `before` is None if only one state was looked at.
    """

    before: tuple[SidePackage, ...] | None
    after: tuple[SidePackage, ...]


@dataclass(frozen=True, slots=True)
class Replacement:
    """A package that takes the place of one of another side.

    `how` is `priority` or `version`, for two of one name, or `obsoletes`. `is_new`: it did not
    before.
    """

    how: str
    by: SidePackage
    what: SidePackage
    is_new: bool


@dataclass(frozen=True, slots=True)
class SideUse:
    """A requirement of a package that a package of another side meets."""

    need: str
    by: SidePackage
    of: SidePackage


@dataclass(frozen=True, slots=True)
class SideEffects:
    """What was found.

    `assumed` are requirements that nothing described provides, before the change; they are taken
    as met, because what meets them is not described, or nothing ever did.
    """

    broken: tuple[BrokenPackage, ...]
    offers: Mapping[str, CapabilityOffer]
    replaced: tuple[Replacement, ...]
    assumed: tuple[str, ...]
    uses: tuple[SideUse, ...] = ()


def look_across(
    sides: Sequence[SideRepositories],
    checked: Iterable[str],
    *,
    arch: str,
    before: Sequence[SideRepositories] = (),
    capabilities: Iterable[str] = (),
    givers: Iterable[str] = (),
    is_whole: bool = False,
    solv: Solv | None = None,
) -> SideEffects:
    """Return what can no longer be installed of the sides `checked`, and what replaces what.

    `before` are all sides before a change; without it the sides are looked at as they are.
    `is_whole`: nothing but what is described is there, so what it lacks is missing. What is used
    of the sides `givers` is listed. Raises NotFoundError for a repository without repodata,
    CommandError for one that libsolv cannot read.
    """
    rows, older, side_of = _rows(sides), _rows(before), {}
    for one in (*sides, *before):
        for repository in one.repositories:
            check_repodata(repository.folder)
            side_of[repository.name] = one.side
    wanted = set(checked)
    question = {
        "arch": arch,
        "repositories": rows,
        "before": older,
        "checked": sorted({row["name"] for row in (*rows, *older) if row["side"] in wanted}),
        "capabilities": sorted(set(capabilities)),
        "givers": sorted(set(givers)),
        "assumes": not is_whole,
    }
    told = (solv or neighbour()).ask(question)
    try:
        return _effects(told, side_of)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CommandError("libsolv gave an impossible answer") from error


def _rows(sides: Iterable[SideRepositories]) -> list[dict[str, Any]]:
    return [
        repository_row(one) | {"side": side.side} for side in sides for one in side.repositories
    ]


def _effects(told: Mapping[str, Any], side_of: Mapping[str, str]) -> SideEffects:
    def package(row: Mapping[str, Any] | None) -> SidePackage | None:
        return SidePackage(side_of[row["repository"]], row["name"], row["nevra"]) if row else None

    def packages(rows: Iterable[Mapping[str, Any]]) -> tuple[SidePackage, ...]:
        return tuple(one for one in map(package, rows) if one)

    def broken(row: Mapping[str, Any]) -> BrokenPackage:
        lack = next(iter(row["missing"]), None) or {"need": "", "last": None, "was": None}
        [own] = packages([row])
        return BrokenPackage(
            own,
            tuple(row["chain"]),
            lack["need"],
            package(lack["last"]),
            package(lack["was"]),
            row["is_new"] is True,
        )

    def replacement(row: Mapping[str, Any]) -> Replacement:
        by, what = packages([row["by"], row["what"]])
        return Replacement(str(row["how"]), by, what, row["is_new"] is True)

    def use(row: Mapping[str, Any]) -> SideUse:
        by, of = packages([row["by"], row["of"]])
        return SideUse(str(row["need"]), by, of)

    return SideEffects(
        tuple(map(broken, told["broken"])),
        {
            text: CapabilityOffer(
                None if row["before"] is None else packages(row["before"]), packages(row["after"])
            )
            for text, row in told["offers"].items()
        },
        tuple(map(replacement, told["replaced"])),
        tuple(map(str, told["assumed"])),
        tuple(map(use, told["uses"])),
    )
