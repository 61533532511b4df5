"""Promote the part of a candidate that passes, and record what is held back and until when.

This is not a hold of the trunk: a package that is held back is built and published as before, and
only one promotion name has it at an older build.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from rdo.app.targets import OpenTarget
from rdo.checks.findings import CheckAnswer, Defect
from rdo.errors import RefusedError
from rdo.model.text.short_list import short_list
from rdo.promotion.checking import Surroundings
from rdo.promotion.compositions import Composition
from rdo.promotion.deciding.candidates import of_repositories
from rdo.promotion.promoting import Promoted, promote
from rdo.promotion.simulating import SECONDS, PromotionStart, Simulation, disliked, simulate
from rdo.store.given.held_back import HeldBack

KEEP = timedelta(days=14)
_MOST_TRIES = 10


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """Who promotes and why, and how long newly held-back packages stay so."""

    by: str
    why: str
    keep: timedelta = KEEP


CheckComposition = Callable[[Composition], Collection[CheckAnswer]]
"""Runs checks on a composition in the tree."""


@dataclass(frozen=True, slots=True)
class PassingPart:
    """A candidate without the packages held back, and the answers of its checks.

    `refusal` is why a name cannot move to it, if the search found no better one.
    """

    composition: Composition
    held: tuple[HeldBack, ...] = ()
    answers: tuple[CheckAnswer, ...] = ()
    refusal: str = ""

    @property
    def defects(self) -> tuple[Defect, ...]:
        """The findings of its checks."""
        return tuple(one for answer in self.answers for one in answer.findings)

    @property
    def packages(self) -> str:
        """The packages held back, as text for people."""
        return short_list(one.package for one in self.held)


def held_back(opened: OpenTarget, name: str) -> dict[str, HeldBack]:
    """Return the packages that a name holds back, including expired entries."""
    with opened.store.read() as at:
        return at.held_back.of_name(opened.name, name)


def in_force(opened: OpenTarget, name: str) -> dict[str, HeldBack]:
    """Return the packages that a name holds back at this moment."""
    now = opened.now()
    rows = held_back(opened, name)
    return {package: one for package, one in rows.items() if one.is_in_force(now)}


def past(opened: OpenTarget, name: str, *, limit: int = 20) -> tuple[HeldBack, ...]:
    """Return the packages that a name held back earlier, newest first."""
    with opened.store.read() as at:
        return at.held_back.history(opened.name, name, limit=limit)


def lift_expired(opened: OpenTarget, name: str) -> tuple[HeldBack, ...]:
    """End the expired entries of a name, and return them."""
    now = opened.now()
    if all(one.is_in_force(now) for one in held_back(opened, name).values()):
        return ()
    with opened.store.write() as at:
        return at.held_back.lift_expired(opened.name, name, now=now)


def find_part(
    opened: OpenTarget,
    start: PromotionStart,
    around: Surroundings,
    check: CheckComposition,
    terms: HoldTerms,
    *,
    answers: Collection[CheckAnswer],
    may_be_held: Iterable[str] | None = None,
    seconds: float = SECONDS,
    composes: bool = True,
) -> PassingPart:
    """Return the candidate, or the largest set of its builds that passes the checks.

    `answers` are the results of `check` for the candidate; the set is composed, and checked in the
    same way. `may_be_held` are the packages that may be held back; by default, all that differ.
    Without `composes`, the set is only searched for, and only the checks of the search are run.
    """
    part, also = PassingPart(start.candidate, answers=tuple(answers)), set[str]()
    for _ in range(_MOST_TRIES):
        if not part.defects:
            return part
        also.update(disliked(start, part.answers))
        found = simulate(
            opened, start, around, may_be_held=may_be_held, also=sorted(also), seconds=seconds
        )
        if not found.passes or not found.taken:
            return replace(part, refusal=_refusal(start, found))
        before, what = part.composition, _chosen(start, found)
        if what.build_ids == before.build_ids:
            break
        part = PassingPart(what, _rows(opened, start, found, terms), found.answers)
        if composes:
            made = opened.tree.compose(what.build_ids, opened.members)
            what = replace(what, repositories=made)
            part = replace(part, composition=what, answers=tuple(check(what)))
    return part


def promote_part(
    opened: OpenTarget,
    start: PromotionStart,
    around: Surroundings,
    check: CheckComposition,
    terms: HoldTerms,
    *,
    answers: Collection[CheckAnswer],
    may_be_held: Iterable[str] | None = None,
    seconds: float = SECONDS,
) -> Promoted:
    """Point a name to the candidate, or to the part of it that `find_part` returns.

    Raises RefusedError if no set passes, or if the name already points to the one that passes.
    """
    part = find_part(
        opened,
        start,
        around,
        check,
        terms,
        answers=answers,
        may_be_held=may_be_held,
        seconds=seconds,
    )
    why = part.refusal or (part.defects[0].what if part.defects else "")
    if why:
        raise RefusedError(f"{start.name} is not moved: {why}", hint=_hint(opened, start))
    return promote(
        opened,
        start.name,
        part.composition,
        by=terms.by,
        why=f"{terms.why} (held back: {part.packages})" if part.held else terms.why,
        held=part.held,
        ending="mended",
        part_of=of_repositories(opened, start.candidate.repositories).hash,
        expected=start.promoted.repositories,
    )


def _chosen(start: PromotionStart, found: Simulation) -> Composition:
    """Return the set that was found, which is in no repository yet."""
    builds = start.sets.chosen(one.package for one in found.held)
    label = f"{start.candidate.label} but {short_list(one.package for one in found.held)}"
    return Composition(label, builds)


def _rows(
    opened: OpenTarget, start: PromotionStart, found: Simulation, terms: HoldTerms
) -> tuple[HeldBack, ...]:
    """Return what is held back now; a package that was held before keeps its reason and end."""
    before, now = in_force(opened, start.name), opened.now().replace(microsecond=0)
    promoted, candidate = start.promoted.builds, start.candidate.builds
    rows = []
    for one in found.held:
        stays = promoted.get(one.package)
        was = before.get(one.package)
        if was and was.build_id == (stays.id if stays else None):
            rows.append(was)
            continue
        newer = candidate.get(one.package)
        why = one.breaks[0].what if one.breaks else terms.why
        rows.append(
            HeldBack(
                start.name,
                one.package,
                stays.id if stays else None,
                newer.id if newer else None,
                now,
                now + terms.keep,
                terms.by,
                why,
            )
        )
    return tuple(rows)


def _refusal(start: PromotionStart, found: Simulation) -> str:
    if found.passes:
        return f"no newer build of {start.candidate.label} passes"
    if not found.is_minimal:
        return f"no set that passes was found within {found.seconds:.0f} s"
    what = f": {found.defects[0].what}" if found.defects else ""
    return f"holding packages back does not help{what}"


def _hint(opened: OpenTarget, start: PromotionStart) -> str:
    return f"rdo promotion explain {start.name} {start.candidate.label} --target {opened.name}"
