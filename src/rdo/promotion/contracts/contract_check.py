"""Check the next repository of one side against all contracts, before it is published."""

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from rdo.checks.across import (
    BrokenPackage,
    Replacement,
    SidePackage,
    SideRepositories,
    look_across,
)
from rdo.errors import ConfigError, NotFoundError, did_you_mean
from rdo.model.platform import Family, Platform
from rdo.promotion.checking import Subject
from rdo.promotion.contracts.contract_file import Consumption, Contract
from rdo.promotion.contracts.judging import ContractBreach, WrittenContracts, judge, undecided
from rdo.solver import SolverRepository

BASE, DEPENDENCIES = "base", "dependencies"
"""The sides without a contract: the base system, and bridged packages."""


@dataclass(frozen=True, slots=True)
class ContractCandidate:
    """The next repository of a side, and what a host has below it, if that is known."""

    side: str
    repositories: tuple[SolverRepository, ...]
    below: tuple[SideRepositories, ...] = ()
    arch: str = ""


@dataclass(frozen=True, slots=True)
class KnownSides:
    """Sides whose repositories are available here, and what a host has below all of them.

    `parts` are sides that share the repositories of another side: for each, the name of that side
    and patterns for the names of its own packages. Only broken packages of the sides in `harmed`
    are reported; if it is empty, those of all sides. A dependency repository also has packages that
    nobody uses, so breaking these harms nobody.
    """

    repositories: Mapping[str, tuple[SolverRepository, ...]] = field(default_factory=dict)
    parts: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    harmed: frozenset[str] = frozenset()
    below: tuple[SideRepositories, ...] = ()
    arch: str = ""

    def divided(self, package: SidePackage) -> SidePackage:
        """Return a package with the side of the part that it belongs to, if there is one."""
        for side, (whole, patterns) in self.parts.items():
            if whole == package.side and any(fnmatchcase(package.name, one) for one in patterns):
                return replace(package, side=side)
        return package

    def changed_with(self, side: str) -> frozenset[str]:
        """Return the sides that change with another state of a side's repositories."""
        whole = self.parts[side][0] if side in self.parts else side
        return frozenset({whole, *(one for one, (of, _) in self.parts.items() if of == whole)})


@dataclass(frozen=True, slots=True)
class ContractAnswer:
    """The result of checking contracts.

    `breaches` are new with the candidate, `earlier` existed before. `replaced` are packages that
    others replace. `assumed` are requirements that no side met before; `undecided` are packages
    that newly have such a requirement.
    """

    sides: tuple[str, ...]
    candidate: str
    breaches: tuple[ContractBreach, ...]
    earlier: tuple[ContractBreach, ...]
    replaced: tuple[Replacement, ...]
    undecided: tuple[BrokenPackage, ...]
    assumed: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is broken that worked before."""
        return not self.breaches


def check_contracts(
    contracts: Sequence[Contract],
    candidate: ContractCandidate | None,
    scratch: Path,
    known: KnownSides = KnownSides(),
) -> ContractAnswer:
    """Return what the candidate would break; without a candidate, what is broken now.

    `known` overrides what contracts say about a side. The metadata of repositories with URLs is
    downloaded into `scratch`. Raises ConfigError for two contracts of the same name, NotFoundError
    for a side without a contract or a folder without repodata, OutsideError for a URL that cannot
    be read.
    """
    named = _by_name(contracts)
    arch = known.arch or (candidate.arch if candidate else "") or platform.machine()
    places = _places(named)
    places = {side: at for side, at in places.items() if not _is_known(side, known)}
    if candidate and candidate.side not in {*named, *places, *known.repositories, *known.parts}:
        raise NotFoundError(
            f"no contract is about {candidate.side}{did_you_mean(candidate.side, named)}",
            hint="the name of a side is the `name` in its contract",
        )
    below = known.below or tuple(_below(contracts, candidate, scratch, arch))
    now = {
        side: SideRepositories(side, _located(side, place, scratch, arch))
        for side, place in places.items()
    }
    now |= {side: SideRepositories(side, given) for side, given in known.repositories.items()}
    then = dict(now)
    if candidate:
        side, own = known.parts.get(candidate.side, (candidate.side, ()))[0], candidate.repositories
        if side not in known.repositories:
            described = named.get(side)
            priority = described.priority if described else places[side].priority
            own = tuple(replace(one, priority=priority) for one in own)
        then[side] = SideRepositories(side, own)
    written = WrittenContracts(
        named,
        (*then, *known.parts),
        candidate.side if candidate else "",
        is_whole=bool(below),
        changed=known.changed_with(candidate.side) if candidate else frozenset(),
    )
    effects = look_across(
        (*then.values(), *below),
        then,
        arch=arch,
        before=(*now.values(), *below) if candidate else (),
        capabilities=_capabilities(named.values()),
        is_whole=written.is_whole,
        named_by=known.divided,
    )
    if known.harmed:
        broken = tuple(one for one in effects.broken if one.package.side in known.harmed)
        effects = replace(effects, broken=broken)
    found = judge(effects, written)
    return ContractAnswer(
        tuple(written.sides),
        written.candidate,
        tuple(one for one in found if one.is_new),
        tuple(one for one in found if not one.is_new),
        effects.replaced,
        tuple(one for one in effects.broken if one.is_new and undecided(one, written)),
        effects.assumed,
    )


def candidate_of_target(side: str, subject: Subject) -> ContractCandidate:
    """Return a target's repository as the candidate of a side, with all that its hosts have."""
    below = (
        SideRepositories(DEPENDENCIES, subject.dependencies),
        SideRepositories(BASE, subject.around.base),
    )
    given = tuple(one for one in below if one.repositories)
    return ContractCandidate(side, subject.own, given, subject.around.arch)


def candidate_at(side: str, place: str, scratch: Path) -> ContractCandidate:
    """Return the repository in a folder or at a URL as the candidate of a side.

    Raises OutsideError for a URL that cannot be read.
    """
    where = place if "://" in place else str(Path(place).absolute())
    found = _located(f"{side}-next", Consumption(repositories=(where,)), scratch, "")
    return ContractCandidate(side, found)


def _by_name(contracts: Sequence[Contract]) -> dict[str, Contract]:
    named: dict[str, Contract] = {}
    for one in contracts:
        if one.name in named:
            raise ConfigError(
                f"two contracts are called {one.name}", hint="name each side's file once"
            )
        if one.name in {BASE, DEPENDENCIES}:
            raise ConfigError(f"a contract cannot be called {one.name}; choose another name")
        named[one.name] = one
    return named


def _is_known(side: str, known: KnownSides) -> bool:
    return side in known.repositories or side in known.parts


def _places(named: Mapping[str, Contract]) -> dict[str, Consumption]:
    """Return each side's repositories: from its own contract, else from one that consumes it."""
    found = {
        name: Consumption((), one.repositories, one.priority)
        for name, one in named.items()
        if one.repositories
    }
    for one in named.values():
        for name, consumed in one.consumes.items():
            if consumed.repositories:
                found.setdefault(name, consumed)
    return found


def _below(
    contracts: Sequence[Contract], candidate: ContractCandidate | None, scratch: Path, arch: str
) -> Iterator[SideRepositories]:
    """Yield the base system of a host, from the candidate's target or from the contracts."""
    if candidate and candidate.below:
        yield from candidate.below
        return
    places = tuple(dict.fromkeys(place for one in contracts for place in one.base))
    if places:
        given = Consumption(repositories=places)
        yield SideRepositories(BASE, _located(BASE, given, scratch, arch))


def _located(
    side: str, place: Consumption, scratch: Path, arch: str
) -> tuple[SolverRepository, ...]:
    """Return the repositories of a side; the metadata of those with URLs is downloaded."""
    folders = [Path(one) for one in place.repositories if "://" not in one]
    urls = [one for one in place.repositories if "://" in one]
    found = [
        SolverRepository(f"{side}-{number}", folder, place.priority)
        for number, folder in enumerate(folders)
    ]
    if urls:
        found += _fetched(side, urls, place.priority, scratch / side, arch)
    return tuple(found)


def _fetched(
    side: str, urls: Sequence[str], priority: int, folder: Path, arch: str
) -> Iterator[SolverRepository]:
    from rdo.roots.platform.dnf_base import repositories_at

    any_platform = Platform(
        "contract", Family.DNF, arch or platform.machine(), "", "1", "", "", "", ()
    )
    for one in repositories_at(urls, any_platform, folder, priority=priority).for_solver:
        yield replace(one, name=f"{side}-{one.name}")


def _capabilities(contracts: Iterable[Contract]) -> Iterator[str]:
    for one in contracts:
        yield from one.promises
        for consumed in one.consumes.values():
            yield from consumed.requires
