"""The promoter: moves promotion names to the newest candidates that meet their criteria.

If a candidate passes the checks only without the packages that a name holds back, the name moves to
the candidate without them, until their time is over.

A run can be killed at any line and repeated: it reads everything from the store each time, and a
name moves in one step (`publish/tree.py`).
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rdo import lock
from rdo.app.targets import OpenTarget
from rdo.checks.findings import CHEAP, CheckAnswer
from rdo.errors import RefusedError, UserError, is_of_the_machine
from rdo.model.text.dates import minute_utc
from rdo.notify.promotions import note_refusal
from rdo.promotion import promoting
from rdo.promotion.checking import Surroundings
from rdo.promotion.compositions import Composition
from rdo.promotion.compositions import of_repositories as compose
from rdo.promotion.deciding.candidates import (
    Candidate,
    Judged,
    candidates,
    components_of,
    judge,
    of_repositories,
)
from rdo.promotion.deciding.criteria import CRITERIA, Condition, ConditionState, Criteria, reason
from rdo.promotion.holding_back import HoldTerms, PassingPart, find_part, in_force, lift_expired
from rdo.promotion.simulating import PromotionStart
from rdo.store import Transaction
from rdo.store.given.held_back import HeldBack
from rdo.store.given.repositories import Repository

log = logging.getLogger(__name__)

LOCK = "promoter.lock"

CheckCandidate = Callable[
    [Composition, Composition | None, tuple[str, ...] | None], Sequence[CheckAnswer]
]
"""Runs checks of a composition, compared with what hosts have; None means the default checks."""


@dataclass(frozen=True, slots=True)
class PromoterChecks:
    """How the promoter checks candidates, and what hosts have besides, loaded only if needed."""

    ask: CheckCandidate
    around: Callable[[], Surroundings]


@dataclass(frozen=True, slots=True)
class PromotionDecision:
    """What the promoter decided about one name, in one component or in all.

    `judged` are the candidates, newest first, down to the `chosen` one; `part` is the part of it
    that passes without the packages that the name holds back. `led_to` is where the name pointed at
    that time, and `moved` are the paths that it did not point to before. `error` is why the move
    failed.
    """

    name: str
    component: str | None
    candidate: str
    judged: tuple[Judged, ...] = ()
    led_to: tuple[Repository, ...] = ()
    chosen: Candidate | None = None
    part: PassingPart | None = None
    why: str = ""
    moved: tuple[str, ...] = ()
    error: UserError | None = None

    @property
    def label(self) -> str:
        """Where the name moves to, as text for people."""
        if self.part:
            return self.part.composition.label
        return self.chosen.label if self.chosen else ""

    @property
    def repositories(self) -> tuple[Repository, ...]:
        """The repositories that the name moves to; empty for a part not composed yet."""
        if self.chosen is None:
            return ()
        if self.part is None:
            return self.chosen.place.repositories
        return _concerned(self.part.composition.repositories, self.component)


def decide(
    opened: OpenTarget, criteria: Criteria, checks: PromoterChecks
) -> tuple[PromotionDecision, ...]:
    """Return the moves that the criteria require now, one decision for each step; nothing moves.

    A part that passes only without held-back packages is searched for, but not composed.
    """
    return tuple(
        _Deciding(opened, criteria, component, checks, composes=False).decide()
        for component in components_of(opened, criteria)
    )


def run(
    opened: OpenTarget, chosen: Iterable[Criteria], checks: PromoterChecks
) -> tuple[PromotionDecision, ...]:
    """Move names by their criteria, one after another, each in one step.

    Expired holds of a name are lifted first, whether the name moves or not. A name whose move fails
    does not stop the others. Raises RefusedError if another promoter of the target is running.
    """
    done: list[PromotionDecision] = []
    with lock.hold(opened.folder / LOCK, purpose="promoting by criteria"):
        opened.tree.journal.finish()  # moves that a killed promoter has made only in the store
        for criteria in chosen:
            for one in lift_expired(opened, criteria.name):
                log.info("%s no longer holds %s back: the hold has expired", one.name, one.package)
            for component in components_of(opened, criteria):
                done.append(_promote(opened, criteria, component, checks))
    return tuple(done)


def require(
    opened: OpenTarget, criteria: Criteria, composition: Composition, checks: PromoterChecks
) -> str:
    """Return the reason to record when a person moves a name to a composition.

    Raises RefusedError, with what is missing, if the composition does not meet the criteria.
    """
    if not composition.repositories:
        raise RefusedError(f"{composition.label} is in no repository", hint="rdo repo compose")
    one = of_repositories(opened, composition.repositories)
    with opened.store.read() as at:
        judged = judge(at, opened, criteria, one)
    if not judged.unmet and criteria.checks != ():
        answers = checks.ask(
            _whole(opened, criteria, one), _before(opened, criteria), criteria.checks
        )
        judged = _with(judged, map(_condition, answers))
    if judged.unmet:
        missing = "\n".join(f"  {one}" for one in judged.unmet)
        raise RefusedError(
            f"{criteria.name} is not moved: {composition.label} does not meet its criteria\n"
            f"{missing}",
            hint="--unchecked moves it anyway, with your reason",
        )
    return reason(criteria, judged.conditions)


@dataclass(frozen=True)
class _Deciding:
    """Decides on one name, in one component or in all; data for all candidates is read once."""

    opened: OpenTarget
    criteria: Criteria
    component: str | None
    checks: PromoterChecks
    composes: bool

    def decide(self) -> PromotionDecision:
        """Return the first candidate that meets the criteria, with all candidates judged so far."""
        opened, criteria = self.opened, self.criteria
        with opened.store.read() as at:
            led_to = tuple(at.names.components(opened.name, criteria.name).values())
            found = [
                judge(at, opened, criteria, one)
                for one in candidates(at, opened, criteria, self.component)
            ]
        decision = PromotionDecision(
            criteria.name, self.component, criteria.candidate, led_to=led_to
        )
        seen: list[Judged] = []
        for one in found:
            judged, part = (one, None) if one.unmet else self._checked(one)
            seen.append(judged)
            if not judged.unmet:
                why = reason(criteria, judged.conditions)
                return replace(
                    decision, judged=tuple(seen), chosen=one.candidate, part=part, why=why
                )
        return replace(decision, judged=tuple(seen))

    def _checked(self, judged: Judged) -> tuple[Judged, PassingPart | None]:
        """Add the checks of the criteria to a candidate's conditions.

        If they find something and the name holds packages back, the part that passes without these
        is returned too. While the name holds any package back, the default checks also run, to show
        which packages are fixed.
        """
        asked, held = self.criteria.checks, self._held
        if held and asked is not None:
            asked = tuple(dict.fromkeys((*CHEAP, *asked)))
        if asked == ():
            return judged, None
        before = self._led_to
        after = _whole(self.opened, self.criteria, judged.candidate)
        answers = self.checks.ask(after, before, asked)
        whole = _with(judged, map(_condition, answers))
        if not whole.unmet or not held:
            return whole, None
        part = find_part(
            self.opened,
            PromotionStart(self.criteria.name, before or Composition("", {}), after),
            self.checks.around(),
            lambda one: self.checks.ask(one, before, asked),
            HoldTerms(CRITERIA, f"held back by {self.criteria.name}"),
            answers=answers,
            may_be_held=held,
            composes=self.composes,
        )
        if why := part.refusal or self._left(part):
            missing = Condition("held back", ConditionState.FAILED, why)
            return _with(whole, [missing]), None
        until = min((one.until for one in part.held), default=None)
        said = f"{part.packages}, until {minute_utc(until)}" if until else ""
        kept = Condition("held back", ConditionState.MET, f"held back: {said}")
        return _with(judged, [kept, *map(_condition, part.answers)]), part

    @cached_property
    def _led_to(self) -> Composition | None:
        """Where the name points now."""
        return _before(self.opened, self.criteria)

    @cached_property
    def _held(self) -> dict[str, HeldBack]:
        """Return the packages that the name holds back now, in this decision's component."""
        held = in_force(self.opened, self.criteria.name)
        besides = _besides(self.opened, self.component)
        return {package: one for package, one in held.items() if package not in besides}

    def _left(self, part: PassingPart) -> str:
        """Return why a part is not used: the name pointed to it before and was moved away."""
        opened, name = self.opened, self.criteria.name
        made = opened.tree.composed(part.composition.build_ids, opened.members)
        if not made:
            return ""
        one = of_repositories(opened, _concerned(made, self.component))
        with opened.store.read() as at:
            has_led = at.names.has_led_to(opened.name, name, one.place)
        return f"{name} has led to {one.label} before" if has_led else ""


def _with(judged: Judged, more: Iterable[Condition]) -> Judged:
    return replace(judged, conditions=(*judged.conditions, *more))


def _before(opened: OpenTarget, criteria: Criteria) -> Composition | None:
    """Return what hosts have now; None for a new name."""
    leads = opened.tree.leads(criteria.name)
    return compose(opened, criteria.name, leads) if leads else None


def _whole(opened: OpenTarget, criteria: Criteria, one: Candidate) -> Composition:
    return compose(opened, one.label, _together(opened, criteria, one))


def _concerned(repositories: Iterable[Repository], component: str | None) -> tuple[Repository, ...]:
    """Return the repositories that a step moves a name to: of one component, or all."""
    return tuple(one for one in repositories if component in (None, one.component))


def _besides(opened: OpenTarget, component: str | None) -> frozenset[str]:
    """Return the packages outside the component of a step."""
    if component is None:
        return frozenset()
    others = opened.packages.values()
    return frozenset(one.name for one in others if one.component not in (None, component))


def _together(opened: OpenTarget, criteria: Criteria, one: Candidate) -> tuple[Repository, ...]:
    """Return everything that hosts would have, because a component alone is not a whole release."""
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
    opened: OpenTarget, criteria: Criteria, component: str | None, checks: PromoterChecks
) -> PromotionDecision:
    decision = PromotionDecision(criteria.name, component, criteria.candidate)
    try:
        decision = _Deciding(opened, criteria, component, checks, composes=True).decide()
        if decision.chosen:
            return replace(decision, moved=_move(opened, criteria, decision, decision.chosen))
    except UserError as error:
        log.warning("%s", error)
        if decision.chosen and not is_of_the_machine(error):
            _note_refusal(opened, decision, decision.label, [str(error)])
        return replace(decision, error=error)
    newest = decision.judged[0] if decision.judged else None
    failed = [one for one in newest.unmet if one.state is ConditionState.FAILED] if newest else []
    if newest and failed:  # votes that are still expected may come
        _note_refusal(opened, decision, newest.candidate.label, map(str, failed))
    return decision


def _note_refusal(
    opened: OpenTarget, decision: PromotionDecision, candidate: str, lacks: Iterable[str]
) -> None:
    """Record for webhooks, only once, why the name does not move to a candidate."""
    with opened.store.write() as at:
        note_refusal(
            at,
            opened.name,
            decision.name,
            decision.component,
            candidate,
            tuple(lacks),
            now=opened.now(),
            by=CRITERIA,
        )


def _move(
    opened: OpenTarget, criteria: Criteria, decision: PromotionDecision, one: Candidate
) -> tuple[str, ...]:
    """Move a name as decided, if the decision is still valid."""

    def still_meets(at: Transaction) -> None:
        if missing := judge(at, opened, criteria, one).unmet:
            raise RefusedError(
                f"{criteria.name} is not moved: {one.label} has just lost what it needs: "
                f"{missing[0]}"
            )

    done = promoting.promote(
        opened,
        criteria.name,
        Composition(decision.label, {}, decision.repositories),
        by=CRITERIA,
        why=decision.why,
        held=decision.part.held if decision.part else (),
        ending="mended",
        part_of=one.hash,
        besides=_besides(opened, decision.component),
        expected=decision.led_to,
        record=still_meets,
    )
    return done.moved
