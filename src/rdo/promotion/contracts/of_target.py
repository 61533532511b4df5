"""The dependency repositories of a target as sides of contracts, one contract each.

They are the bridged packages, parts of these, and repositories of other targets. What the target
takes from them is found in its packages, unless it has a contract of its own.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rdo.app.targets import OpenTarget
from rdo.checks.across import SideRepositories, SideUse, look_across
from rdo.checks.tree_repositories import (
    dependency_repositories,
    neighbour_repositories,
    own_repositories,
    snapshot_repositories,
)
from rdo.config.depending import BRIDGED
from rdo.errors import ConfigError, NotFoundError, did_you_mean
from rdo.model.neighbours import Neighbour, neighbours_of
from rdo.model.repo_file import DEPENDENCIES, NEIGHBOUR
from rdo.promotion.checking import Subject
from rdo.promotion.compositions import find
from rdo.promotion.contracts.contract_check import (
    BASE,
    ContractAnswer,
    ContractCandidate,
    KnownSides,
    candidate_at,
    check_contracts,
)
from rdo.promotion.contracts.contract_file import Consumption, Contract, read_contract
from rdo.solver import SolverRepository

if TYPE_CHECKING:
    from rdo.config import Settings

_SNAPSHOT = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class TargetSides:
    """A repository of a target, and the dependency repositories that it names."""

    settings: "Settings"
    subject: Subject

    @property
    def target(self) -> str:
        """The name of the target, and of its side unless its own contract has another name."""
        return self.subject.opened.name

    @cached_property
    def known(self) -> KnownSides:
        """The repositories of all sides."""
        found = {self.own.name: self.subject.own, BRIDGED: snapshot_repositories(*self._named)}
        for one, repository in zip(
            self.neighbours, neighbour_repositories(*self._named), strict=True
        ):
            side = self._side_of(one)
            found[side] = (*found.get(side, ()), repository)
        sections = self.settings.target(self.target).dependencies
        parts = {
            side: (BRIDGED, tuple(one.packages)) for side, one in sections.items() if one.packages
        }
        base = self.subject.around.base
        below = (SideRepositories(BASE, base),) if base else ()
        for side in self.settings.target(self.target).neighbours:
            found.setdefault(side, ())  # the repository does not name it yet
        harmed = frozenset({self.own.name})
        return KnownSides(found, parts, harmed, below, self.subject.around.arch)

    @cached_property
    def neighbours(self) -> tuple[Neighbour, ...]:
        """The repositories of other targets that the repository names."""
        _, folders = self._named
        return tuple(dict.fromkeys(one for folder in folders for one in neighbours_of(folder)))

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides of dependency repositories that rdo.toml or the repository names."""
        known = self.known
        rest = (side for side in known.repositories if side not in {self.own.name, BRIDGED})
        return (*known.parts, BRIDGED, *rest)

    @cached_property
    def uses(self) -> tuple[SideUse, ...]:
        """What the target's own packages take from its dependency repositories."""
        known = self.known
        rows = [SideRepositories(side, one) for side, one in known.repositories.items() if one]
        givers = [one.side for one in rows if one.side != self.own.name]
        effects = look_across(
            (*rows, *known.below),
            [self.own.name],
            arch=known.arch,
            givers=givers,
            named_by=known.divided,
        )
        return tuple(effects.uses)

    @cached_property
    def own(self) -> Contract:
        """The target's own contract, from its file; without a file it promises nothing."""
        file = self.settings.target(self.target).contract
        return read_contract(file) if file else Contract(self.target)

    def contracts(self, files: Iterable[Contract] = ()) -> tuple[Contract, ...]:
        """Return a contract for each side; those in `files` override those of rdo.toml.

        Raises ConfigError if a contract belongs to another side.
        """
        given = {one.name: one for one in files}
        found = dict(given)
        found.setdefault(self.own.name, self._with_uses(self.own))
        for side in self.sides:
            found.setdefault(side, self._configured(side))
        return tuple(found.values())

    def has_contract(self, side: str) -> bool:
        """Whether rdo.toml names a contract for a side."""
        return self._file(side) is not None

    def check(
        self,
        scratch: Path,
        candidate: ContractCandidate | None = None,
        files: Iterable[Contract] = (),
    ) -> ContractAnswer:
        """Return what a candidate of a side breaks; without a candidate, what is broken now."""
        return check_contracts(self.contracts(files), candidate, scratch, self.known)

    def candidate(
        self, side: str, place: str, scratch: Path, other: OpenTarget | None = None
    ) -> ContractCandidate:
        """Return the next repository of a side: a folder, a URL, or a repository of this factory.

        For bridged packages, a snapshot is given by its name; for another target, which is then
        `other`, anything that points to one of its repositories. Raises NotFoundError if there is
        none.
        """
        if side not in self.sides:
            near = did_you_mean(side, self.sides)
            raise NotFoundError(
                f"{self.target} has no dependency repository {side}{near}",
                hint=f"dependency repositories: {', '.join(self.sides)}",
            )
        now = self.known.repositories[self.known.parts.get(side, (side, ()))[0]]
        priority = now[0].priority if now else NEIGHBOUR if other else DEPENDENCIES
        beside: tuple[SolverRepository, ...] = ()
        given: Sequence[SolverRepository]
        if "://" in place or Path(place).is_dir():
            given = candidate_at(side, place, scratch).repositories
        elif other:
            found = find(other, place)
            repos = other.tree.repos
            given = own_repositories(repos, found.repositories, f"{side}-next")
            named = dependency_repositories(repos, (repos / x.path for x in found.repositories))
            beside = self._new(named, side)
        elif _SNAPSHOT.fullmatch(place) and (self._deps / place).is_dir():
            given = (SolverRepository(f"{side}-next", self._deps / place),)
        else:
            raise NotFoundError(
                f"{place} is not a folder, a URL or a snapshot of {self.target}",
                hint=f"snapshots are in {self._deps}",
            )
        next_ones = tuple(replace(one, priority=priority) for one in given)
        return ContractCandidate(side, (*next_ones, *beside))

    def _new(self, beside: Collection[SolverRepository], side: str) -> tuple[SolverRepository, ...]:
        """Return what a candidate names and this repository does not name yet."""
        known = {
            one.folder.resolve() for given in self.known.repositories.values() for one in given
        }
        return tuple(
            replace(one, name=f"{side}-beside-{number}")
            for number, one in enumerate(beside)
            if one.folder.resolve() not in known
        )

    @property
    def _deps(self) -> Path:
        return self.subject.opened.tree.repos / "deps"

    @property
    def _named(self) -> tuple[Path, tuple[Path, ...]]:
        repos = self.subject.opened.tree.repos
        return repos, tuple(repos / one.path for one in self.subject.composition.repositories)

    def _side_of(self, one: Neighbour) -> str:
        """Return the side of a repository: its own in rdo.toml, else the side that named it."""
        sections = self.settings.target(self.target).neighbours
        if not one.path.startswith("deps/"):
            for side, section in sections.items():
                if section.target == one.target:
                    return side
        return one.repo_id.partition("-deps-")[2] or one.target

    def _file(self, side: str) -> Path | None:
        section = self.settings.target(self.target).dependencies.get(side)
        if section is None:
            return None
        other = section.target
        return section.contract or (self.settings.target(other).contract if other else None)

    def _configured(self, side: str) -> Contract:
        file = self._file(side)
        if file is None:
            return Contract(side)
        found = read_contract(file)
        section = self.settings.target(self.target).dependencies[side]
        if section.contract and found.name != side:
            raise ConfigError(
                f"{file} is the contract of {found.name}, and stands for {side} of {self.target}",
                hint=f'write name = "{side}" into it, or call the dependency {found.name}',
            )
        return replace(found, name=side)

    def _with_uses(self, own: Contract) -> Contract:
        """Return the target's contract with what it takes, from its file or as found."""
        if own.consumes:
            return own
        return replace(own, consumes=consumed(self.uses))


def consumed(uses: Iterable[SideUse]) -> dict[str, Consumption]:
    """Return what uses mean in a contract, which has no rich dependencies."""
    found: dict[str, set[str]] = {}
    for use in uses:
        if not use.need.startswith("("):
            found.setdefault(use.of.side, set()).add(use.need)
    return {side: Consumption(tuple(sorted(needs))) for side, needs in sorted(found.items())}
