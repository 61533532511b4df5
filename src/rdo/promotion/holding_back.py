"""Promoting what passes of a candidate, and remembering what was held back and until when.

It is not a hold of the trunk: what is held back is built and published as before, and only one
promotion name has it at an older build.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

from rdo.app.targets import OpenTarget
from rdo.checks.findings import CheckAnswer
from rdo.errors import RefusedError
from rdo.model.short_list import short_list
from rdo.promotion.checking import Surroundings
from rdo.promotion.compositions import Composition
from rdo.promotion.promoting import Promoted, promote
from rdo.promotion.simulating import SECONDS, PromotionStart, Simulation, disliked, simulate
from rdo.store.held_back import HeldBack

KEEP = timedelta(days=14)
_MOST_TRIES = 10


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """Who promotes and why, and how long packages are held back that are not yet."""

    by: str
    why: str
    keep: timedelta = KEEP


def held_back(opened: OpenTarget, name: str) -> dict[str, HeldBack]:
    """Return what a name holds back, by package, also what is over by now."""
    with opened.store.read() as at:
        return at.held_back.of_name(opened.name, name)


def in_force(opened: OpenTarget, name: str) -> dict[str, HeldBack]:
    """Return what a name holds back at this moment, by package."""
    now = opened.now()
    rows = held_back(opened, name)
    return {package: one for package, one in rows.items() if one.is_in_force(now)}


def past(opened: OpenTarget, name: str, *, limit: int = 20) -> tuple[HeldBack, ...]:
    """Return what a name has held back, the newest first."""
    with opened.store.read() as at:
        return at.held_back.history(opened.name, name, limit=limit)


def promote_part(
    opened: OpenTarget,
    start: PromotionStart,
    around: Surroundings,
    check: Callable[[Composition], Collection[CheckAnswer]],
    terms: HoldTerms,
    *,
    answers: Collection[CheckAnswer],
    may_be_held: Iterable[str] | None = None,
    seconds: float = SECONDS,
) -> Promoted:
    """Point a name at the candidate, or at the largest set of its builds that passes.

    `answers` are what `check` says of the candidate; that set is composed, and checked in the same
    way before the name moves. `may_be_held` are the packages that may be held back; by default,
    all that differ. Raises RefusedError if no set passes, or if the one that passes is what the
    name leads to already.
    """
    what, held, also = start.candidate, tuple[HeldBack, ...](), set[str]()
    for _ in range(_MOST_TRIES):
        if not (defects := [one for answer in answers for one in answer.findings]):
            break
        also.update(disliked(start, answers))
        found = simulate(
            opened, start, around, may_be_held=may_be_held, also=sorted(also), seconds=seconds
        )
        if not found.passes or not found.taken:
            raise RefusedError(_refusal(start, found), hint=_hint(opened, start))
        before, what = what, _compose(opened, start, found)
        if what.build_ids == before.build_ids:
            break
        held, answers = _rows(opened, start, found, terms), check(what)
    if defects:
        why = f"{start.name} is not moved: {defects[0].what}"
        raise RefusedError(why, hint=_hint(opened, start))
    packages = short_list(one.package for one in held)
    return promote(
        opened,
        start.name,
        what,
        by=terms.by,
        why=f"{terms.why} (held back: {packages})" if held else terms.why,
        held=held,
        ending="mended",
        expected=start.promoted.repositories,
    )


def _compose(opened: OpenTarget, start: PromotionStart, found: Simulation) -> Composition:
    builds = start.sets.chosen(one.package for one in found.held)
    ids = {one.id for one in builds.values()}
    label = f"{start.candidate.label} but {short_list(one.package for one in found.held)}"
    return Composition(label, builds, opened.tree.compose(ids, opened.members))


def _rows(
    opened: OpenTarget, start: PromotionStart, found: Simulation, terms: HoldTerms
) -> tuple[HeldBack, ...]:
    """Return what is held back now; what was before keeps its reason and its end."""
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
        return f"{start.name} is not moved: no newer build of {start.candidate.label} passes"
    if not found.is_minimal:
        seconds = f"{found.seconds:.0f} s"
        return f"{start.name} is not moved: no set that passes was found within {seconds}"
    what = f": {found.defects[0].what}" if found.defects else ""
    return f"{start.name} is not moved: nothing that may be held back helps{what}"


def _hint(opened: OpenTarget, start: PromotionStart) -> str:
    return f"rdo promotion explain {start.name} {start.candidate.label} --target {opened.name}"
