"""The promoter: moves promotion names to the newest candidates that meet their criteria.

A run can be killed at any line and repeated: what it decides on is read from the store each time,
and a name moves in one step (`publish/tree.py`).
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from rdo import lock
from rdo.app.targets import OpenTarget
from rdo.checks.findings import CheckAnswer
from rdo.errors import RefusedError, UserError
from rdo.promotion import promoting
from rdo.promotion.candidates import (
    Candidate,
    Judged,
    candidates,
    components_of,
    judge,
    of_repositories,
)
from rdo.promotion.compositions import Composition
from rdo.promotion.compositions import of_repositories as compose
from rdo.promotion.criteria import CRITERIA, Condition, ConditionState, Criteria, reason
from rdo.store import Transaction
from rdo.store.repositories import Repository

log = logging.getLogger(__name__)

LOCK = "promoter.lock"

CheckCandidate = Callable[
    [Composition, Composition | None, tuple[str, ...] | None], Sequence[CheckAnswer]
]
"""Ask checks about a composition, compared with what hosts have; None: those of the default."""


@dataclass(frozen=True, slots=True)
class PromotionDecision:
    """What the promoter decided about one name, in one component or in all.

    `judged` are the candidates, the newest first, down to the one that is `chosen`; `led_to` is
    where the name led then, and `moved` are the paths that it did not lead to before. `error` is
    why it did not move after all.
    """

    name: str
    component: str | None
    candidate: str
    judged: tuple[Judged, ...] = ()
    led_to: tuple[Repository, ...] = ()
    chosen: Candidate | None = None
    why: str = ""
    moved: tuple[str, ...] = ()
    error: UserError | None = None


def decide(
    opened: OpenTarget, criteria: Criteria, check: CheckCandidate
) -> tuple[PromotionDecision, ...]:
    """Return what is to be moved by criteria now, one decision for each step; nothing moves."""
    return tuple(
        _decide(opened, criteria, component, check) for component in components_of(opened, criteria)
    )


def run(
    opened: OpenTarget, chosen: Iterable[Criteria], check: CheckCandidate
) -> tuple[PromotionDecision, ...]:
    """Move names by their criteria, one after another, each in one step.

    A name whose move fails does not keep the others. Raises RefusedError if another promoter of the
    target is at work.
    """
    done: list[PromotionDecision] = []
    with lock.hold(opened.folder / LOCK, purpose="promoting by criteria"):
        opened.tree.finish()  # of a promoter that was killed: the store says that it has moved
        for criteria in chosen:
            for component in components_of(opened, criteria):
                done.append(_promote(opened, criteria, component, check))
    return tuple(done)


def require(
    opened: OpenTarget, criteria: Criteria, composition: Composition, check: CheckCandidate
) -> str:
    """Return the reason for which a person may move a name to a composition.

    Raises RefusedError, with what is missing, if it does not meet the criteria.
    """
    if not composition.repositories:
        raise RefusedError(f"{composition.label} is in no repository", hint="rdo repo compose")
    one = of_repositories(opened, composition.repositories)
    with opened.store.read() as at:
        judged = judge(at, opened, criteria, one)
    if not judged.unmet:
        judged = _checked(opened, criteria, judged, check)
    if judged.unmet:
        missing = "\n".join(f"  {one}" for one in judged.unmet)
        raise RefusedError(
            f"{criteria.name} is not moved: {composition.label} does not meet its criteria\n"
            f"{missing}",
            hint="--unchecked moves it all the same, with your reason",
        )
    return reason(criteria, judged.conditions)


def _decide(
    opened: OpenTarget, criteria: Criteria, component: str | None, check: CheckCandidate
) -> PromotionDecision:
    with opened.store.read() as at:
        led_to = tuple(at.names.components(opened.name, criteria.name).values())
        found = [
            judge(at, opened, criteria, one) for one in candidates(at, opened, criteria, component)
        ]
    decision = PromotionDecision(criteria.name, component, criteria.candidate, led_to=led_to)
    seen: list[Judged] = []
    for one in found:
        judged = one if one.unmet else _checked(opened, criteria, one, check)
        seen.append(judged)
        if not judged.unmet:
            why = reason(criteria, judged.conditions)
            return replace(decision, judged=tuple(seen), chosen=judged.candidate, why=why)
    return replace(decision, judged=tuple(seen))


def _checked(
    opened: OpenTarget, criteria: Criteria, judged: Judged, check: CheckCandidate
) -> Judged:
    """Add the checks of the criteria to a candidate's conditions."""
    if criteria.checks == ():
        return judged
    leads = opened.tree.leads(criteria.name)
    before = compose(opened, criteria.name, leads) if leads else None
    after = compose(opened, judged.candidate.label, _together(opened, criteria, judged.candidate))
    answers = check(after, before, criteria.checks)
    conditions = (*judged.conditions, *map(_condition, answers))
    return replace(judged, conditions=conditions)


def _together(opened: OpenTarget, criteria: Criteria, one: Candidate) -> tuple[Repository, ...]:
    """Return what hosts would have: a component alone is not all of a release."""
    if one.component is None:
        return one.place.repositories
    parts = {place.component: place for place in opened.tree.leads(criteria.candidate)}
    parts |= {place.component: place for place in opened.tree.leads(criteria.name)}
    parts |= {place.component: place for place in one.place.repositories}
    return tuple(parts[key] for key in sorted(parts, key=lambda key: key or ""))


def _condition(answer: CheckAnswer) -> Condition:
    name = f"check {answer.check}"
    if not answer.findings:
        return Condition(name, ConditionState.MET, answer.skipped or "passed")
    first, count = answer.findings[0], len(answer.findings)
    more = f", and {count - 1} more" if count > 1 else ""
    return Condition(name, ConditionState.FAILED, f"{first.package}: {first.what}{more}")


def _promote(
    opened: OpenTarget, criteria: Criteria, component: str | None, check: CheckCandidate
) -> PromotionDecision:
    decision = PromotionDecision(criteria.name, component, criteria.candidate)
    try:
        decision = _decide(opened, criteria, component, check)
        if decision.chosen:
            return replace(decision, moved=_move(opened, criteria, decision, decision.chosen))
    except UserError as error:
        log.warning("%s", error)
        return replace(decision, error=error)
    return decision


def _move(
    opened: OpenTarget, criteria: Criteria, decision: PromotionDecision, one: Candidate
) -> tuple[str, ...]:
    """Move a name to what was decided on, if that still holds."""

    def still_meets(at: Transaction) -> None:
        if missing := judge(at, opened, criteria, one).unmet:
            raise RefusedError(
                f"{criteria.name} is not moved: {one.label} has just lost what it needs: "
                f"{missing[0]}"
            )

    done = promoting.promote(
        opened,
        criteria.name,
        Composition(one.label, {}, one.place.repositories),
        by=CRITERIA,
        why=decision.why,
        expected=decision.led_to,
        record=still_meets,
    )
    return done.moved
