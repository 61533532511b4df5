"""Checking the next repository of one side against the contracts of all, before it is published."""

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rdo.checks.across import BrokenPackage, Replacement, SideRepositories, look_across
from rdo.errors import ConfigError, NotFoundError, did_you_mean
from rdo.model.platform import Family, Platform
from rdo.promotion.checking import Subject
from rdo.promotion.contracts.contract_file import Consumption, Contract
from rdo.promotion.contracts.judging import ContractBreach, WrittenContracts, judge, undecided
from rdo.solver import SolverRepository

BASE, DEPENDENCIES = "base", "dependencies"
"""The sides that no contract is about: the system below, and what a target's bridge has brought."""


@dataclass(frozen=True, slots=True)
class ContractCandidate:
    """The next repository of a side, and what a host has below it, if that is known."""

    side: str
    repositories: tuple[SolverRepository, ...]
    below: tuple[SideRepositories, ...] = ()
    arch: str = ""


@dataclass(frozen=True, slots=True)
class ContractAnswer:
    """How a check of contracts went.

    `breaches` come with the candidate, `earlier` were there before. `replaced` are the packages
    that others take the place of. `assumed` is what is required and was described by nobody
    before; `undecided` are packages that newly require something of that kind.
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
        """Whether nothing is broken that was whole before."""
        return not self.breaches


def check_contracts(
    contracts: Sequence[Contract], candidate: ContractCandidate | None, scratch: Path
) -> ContractAnswer:
    """Return what the candidate would break; without one, what is broken now.

    The metadata of repositories with URLs is fetched into `scratch`. Raises ConfigError for two
    contracts of one name, NotFoundError for a side that nobody describes or a folder without
    repodata, OutsideError for a URL that cannot be read.
    """
    named = _by_name(contracts)
    arch = (candidate.arch if candidate else "") or platform.machine()
    places = _places(named)
    if candidate and candidate.side not in {*named, *places}:
        raise NotFoundError(
            f"no contract is about {candidate.side}{did_you_mean(candidate.side, named)}",
            hint="the name of a side is the `name` in its contract",
        )
    below = tuple(_below(contracts, candidate, scratch, arch))
    now = {
        side: SideRepositories(side, _located(side, place, scratch, arch))
        for side, place in places.items()
    }
    then = dict(now)
    if candidate:
        side = named.get(candidate.side)
        priority = side.priority if side else places[candidate.side].priority
        own = tuple(replace(one, priority=priority) for one in candidate.repositories)
        then[candidate.side] = SideRepositories(candidate.side, own)
    written = WrittenContracts(
        named,
        tuple(then),
        candidate.side if candidate else "",
        is_whole=bool(below),
    )
    effects = look_across(
        (*then.values(), *below),
        then,
        arch=arch,
        before=(*now.values(), *below) if candidate else (),
        capabilities=_capabilities(named.values()),
        is_whole=written.is_whole,
    )
    found = judge(effects, written)
    return ContractAnswer(
        tuple(then),
        written.candidate,
        tuple(one for one in found if one.is_new),
        tuple(one for one in found if not one.is_new),
        effects.replaced,
        tuple(one for one in effects.broken if one.is_new and undecided(one, written)),
        effects.assumed,
    )


def candidate_of_target(side: str, subject: Subject) -> ContractCandidate:
    """Return a repository of a target as the candidate of a side, with all that its hosts have."""
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
            raise ConfigError(f"two contracts are called {one.name}")
        if one.name in {BASE, DEPENDENCIES}:
            raise ConfigError(f"a contract cannot be called {one.name}; choose another name")
        named[one.name] = one
    return named


def _places(named: Mapping[str, Contract]) -> dict[str, Consumption]:
    """Return where each side's repositories are: its own contract knows, else who consumes it."""
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
    """Yield what a host has anyway: what the candidate's target knows, or what contracts name."""
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
    """Return the repositories of a side; the metadata of those with URLs is fetched."""
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
