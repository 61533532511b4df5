"""Decide which contracts a change breaches, and which side is at fault.

A side must keep its promises, and must declare what it uses. A side that removes what another one
declares is at fault. So each breach has one side that must act.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from rdo.checks.across import BrokenPackage, CapabilityOffer, Replacement, SideEffects, SidePackage
from rdo.model.rich_dependency import names_in
from rdo.promotion.contracts.contract_file import Contract


class BreachKind(StrEnum):
    """What is broken: a promise, a declared requirement, packages, or a package replaced."""

    PROMISE = "promise"
    REQUIREMENT = "requirement"
    PACKAGES = "packages"
    REPLACEMENT = "replacement"


@dataclass(frozen=True, slots=True)
class ContractBreach:
    """One breach.

    `fault` is the side that must act, `why` the rule for that, `harmed` the sides that suffer.
    `packages` cannot be installed, all for the reason at the end of `chain`, which begins with the
    first of them. `is_new`: the candidate causes it.
    """

    kind: BreachKind
    fault: str
    harmed: tuple[str, ...]
    what: str
    why: str
    packages: tuple[SidePackage, ...] = ()
    chain: tuple[str, ...] = ()
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class WrittenContracts:
    """The contracts of all sides by name, and the side whose next repository is judged.

    `sides` are those whose repositories are known. Without a `candidate`, the current repositories
    are judged. `is_whole`: there are no other repositories. `changed` are the sides that change
    with the candidate, because they are parts of one repository.
    """

    by_side: Mapping[str, Contract]
    sides: Collection[str]
    candidate: str = ""
    is_whole: bool = False
    changed: frozenset[str] = frozenset()

    def changes(self, side: str) -> bool:
        """Whether a side is the candidate's, or changes with it."""
        return side == self.candidate or side in self.changed

    def declared(self, user: str, giver: str, names: AbstractSet[str]) -> str:
        """Return what a side declares to take from another, under one of these names."""
        contract = self.by_side.get(user)
        taken = contract.consumes.get(giver) if contract else None
        return next(
            (one for one in (taken.requires if taken else ()) if names_in(one) <= names), ""
        )

    def users(self, giver: str, capability: str) -> tuple[str, ...]:
        """Return the sides that declare to take a capability, in any version, from a side."""
        named = names_in(capability)
        return tuple(user for user in self.by_side if self.declared(user, giver, named))


def judge(effects: SideEffects, contracts: WrittenContracts) -> tuple[ContractBreach, ...]:
    """Return all breaches, those of promises first."""
    promises = tuple(_promises(effects.offers, contracts))
    unkept = {(one.fault, one.what) for one in promises}
    broken = {
        (contract.name, text)
        for contract in contracts.by_side.values()
        for text in contract.promises
        if (contract.name, _unkept(contract.name, text)) in unkept
    }
    return (
        *promises,
        *_requirements(effects.offers, contracts, broken),
        *_packages(effects.broken, contracts, broken),
        *_replacements(effects.replaced, contracts),
    )


def undecided(broken: BrokenPackage, contracts: WrittenContracts) -> bool:
    """Whether a package may be installable with repositories that no contract describes."""
    return bool(broken.need) and broken.was is None and not contracts.is_whole


def _unkept(side: str, capability: str) -> str:
    return f"{side} promises {capability} and does not provide it"


def _promises(
    offers: Mapping[str, CapabilityOffer], contracts: WrittenContracts
) -> Iterator[ContractBreach]:
    for contract in contracts.by_side.values():
        for text in contract.promises:
            offer = offers[text]
            if contract.name not in contracts.sides or _has(offer.after, contract.name):
                continue
            was_kept = offer.before is None or _has(offer.before, contract.name)
            users = contracts.users(contract.name, text)
            yield ContractBreach(
                BreachKind.PROMISE,
                contract.name,
                users,
                _unkept(contract.name, text),
                "a promise is kept by the side that makes it",
                is_new=was_kept or contracts.changes(contract.name),
            )


def _has(packages: Sequence[SidePackage], side: str) -> bool:
    return any(one.side == side for one in packages)


def _requirements(
    offers: Mapping[str, CapabilityOffer],
    contracts: WrittenContracts,
    broken: Collection[tuple[str, str]],
) -> Iterator[ContractBreach]:
    for user, contract in contracts.by_side.items():
        for giver, consumed in contract.consumes.items():
            for text in consumed.requires:
                offer = offers[text]
                if offer.after or giver not in contracts.sides:
                    continue
                was_met = offer.before is None or bool(offer.before)
                promised = _promise(giver, names_in(text), contracts, broken)
                fault, why = user, f"{giver} does not have what {user} declares to take from it"
                if promised:
                    fault, why = giver, f"{giver} promises {promised}"
                elif contracts.changes(giver) and offer.before:
                    fault, why = giver, f"{user} declares to take it from {giver}, which had it"
                yield ContractBreach(
                    BreachKind.REQUIREMENT,
                    fault,
                    (user,),
                    f"{user} takes {text} from {giver}, and nothing provides it",
                    why,
                    is_new=was_met or contracts.changes(user),
                )


def _packages(
    found: Sequence[BrokenPackage],
    contracts: WrittenContracts,
    broken: Collection[tuple[str, str]],
) -> Iterator[ContractBreach]:
    groups: dict[tuple[str, str, str, bool], list[BrokenPackage]] = {}
    for one in found:
        if not undecided(one, contracts):
            last = str(one.by) if one.by else str(one.package)
            key = (one.package.side, one.need, last, one.is_new)
            groups.setdefault(key, []).append(one)
    for (side, need, _, is_new), alike in groups.items():
        # the longest chain shows most of the path, and the package that is affected indirectly
        ordered = sorted(alike, key=lambda one: (-len(one.chain), one.package.nevra))
        fault, why = _fault(ordered[0], contracts, broken)
        reason = f"nothing provides {need}" if need else "what they require conflicts"
        number = f"{len(alike)} package{'s' if len(alike) > 1 else ''}"
        yield ContractBreach(
            BreachKind.PACKAGES,
            fault,
            (side,),
            f"{number} of {side} cannot be installed: {reason}",
            why,
            tuple(one.package for one in ordered),
            ordered[0].chain,
            is_new,
        )


def _fault(
    one: BrokenPackage, contracts: WrittenContracts, broken: Collection[tuple[str, str]]
) -> tuple[str, str]:
    """Return the side that must act, and why."""
    if one.by is None:
        if contracts.candidate:
            return contracts.candidate, "they could be installed before"
        return one.package.side, "its own packages do not fit"
    user, need = one.by.side, one.need
    if one.was is None:
        return user, f"{one.by.nevra} requires {need}, which no side has"
    giver, had = one.was.side, one.was.nevra
    if giver == user:
        return user, f"its own {had} provided it"
    named = {*names_in(need), one.was.name}
    if promised := _promise(giver, named, contracts, broken):
        return giver, f"{giver} promises {promised}, and {had} provided it"
    if declared := contracts.declared(user, giver, named):
        return giver, f"{user} declares to take {declared} from {giver}; {had} provided it"
    return user, f"{user} uses {need} of {had} without declaring it in its contract"


def _promise(
    giver: str,
    names: AbstractSet[str],
    contracts: WrittenContracts,
    broken: Collection[tuple[str, str]],
) -> str:
    """Return the broken promise of a side about one of these names; empty if there is none."""
    contract = contracts.by_side.get(giver)
    made = contract.promises if contract else ()
    return next((one for one in made if names_in(one) <= names and (giver, one) in broken), "")


def _replacements(
    found: Sequence[Replacement], contracts: WrittenContracts
) -> Iterator[ContractBreach]:
    for one in found:
        contract = contracts.by_side.get(one.by.side)
        is_candidate = contracts.changes(one.by.side)
        if not (one.is_new and is_candidate and contract) or one.what.name in contract.replaces:
            continue
        how = "obsoletes" if one.how == "obsoletes" else f"takes the place, by {one.how}, of"
        yield ContractBreach(
            BreachKind.REPLACEMENT,
            one.by.side,
            (one.what.side,),
            f"{one.by} {how} {one.what}",
            f'its contract does not list {one.what.name} in "replaces"',
        )
