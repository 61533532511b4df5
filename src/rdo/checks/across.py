"""How a change of one repository affects the repositories of other publishers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    """A binary package and the side it comes from; the NEVRA is as libsolv writes it."""

    side: str
    name: str
    nevra: str

    def __str__(self) -> str:
        return f"{self.side}: {self.nevra}"


@dataclass(frozen=True, slots=True)
class BrokenPackage:
    """A package that cannot be installed.

    `chain` leads from it to the package `by`, whose requirement `need` nothing provides; `was`
    provided it before. If there is no `need`, there are providers, but they conflict. `is_new`: it
    could be installed before.
    """

    package: SidePackage
    chain: tuple[str, ...]
    need: str = ""
    by: SidePackage | None = None
    was: SidePackage | None = None
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class CapabilityOffer:
    """The packages that provide a capability and are installable, before and after.

    `before` is None if only one state was examined.
    """

    before: tuple[SidePackage, ...] | None
    after: tuple[SidePackage, ...]


@dataclass(frozen=True, slots=True)
class Replacement:
    """A package that replaces one of another side.

    `how` is `priority` or `version`, for two packages of one name, or `obsoletes`. `is_new`: it did
    not replace it before.
    """

    how: str
    by: SidePackage
    what: SidePackage
    is_new: bool


@dataclass(frozen=True, slots=True)
class SideUse:
    """A requirement of a package that is met by a package of another side."""

    need: str
    by: SidePackage
    of: SidePackage


@dataclass(frozen=True, slots=True)
class SideEffects:
    """The findings.

    `assumed` are requirements that nothing listed provides, even before the change. They are taken
    as met: either their provider is not listed, or there never was one.
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
    named_by: Callable[[SidePackage], SidePackage] = lambda one: one,
    solv: Solv | None = None,
) -> SideEffects:
    """Return which packages of the sides `checked` are broken, and which packages replace others.

    `before` are all sides before a change; without it the sides are examined as they are.
    `is_whole`: the listed sides are complete, so a requirement that they do not provide is missing.
    The answer lists the used packages of the sides in `givers`. `named_by` may assign packages to
    other sides. Raises NotFoundError for a repository without repodata, CommandError for one that
    libsolv cannot read.
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
        return _effects(told, side_of, named_by)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CommandError("libsolv gave an impossible answer") from error


def _rows(sides: Iterable[SideRepositories]) -> list[dict[str, Any]]:
    return [
        repository_row(one) | {"side": side.side} for side in sides for one in side.repositories
    ]


def _effects(
    told: Mapping[str, Any],
    side_of: Mapping[str, str],
    named_by: Callable[[SidePackage], SidePackage],
) -> SideEffects:
    def package(row: Mapping[str, Any] | None) -> SidePackage | None:
        if not row:
            return None
        return named_by(SidePackage(side_of[row["repository"]], row["name"], row["nevra"]))

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
