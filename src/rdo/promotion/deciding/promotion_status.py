"""Where promotion names point, and what their candidates still lack."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from rdo.app.targets import OpenTarget
from rdo.errors import NotFoundError, did_you_mean
from rdo.promotion.deciding.candidates import Judged, candidates, components_of, judge
from rdo.promotion.deciding.criteria import Criteria
from rdo.publish.names import CONSISTENT, CURRENT, PREVIOUS
from rdo.store import Transaction


@dataclass(frozen=True, slots=True)
class PromotionState:
    """Where a promotion name points, its last move, and its newer candidates, newest first.

    `candidate` is the name that they come from, empty if the name has no criteria. Checks in the
    criteria are not run for this.
    """

    name: str
    leads: tuple[str, ...]
    moved: datetime | None
    by: str
    why: str
    candidate: str
    judged: tuple[Judged, ...]


def promotion_states(
    opened: OpenTarget, criteria: Mapping[str, Criteria], names: Collection[str] = ()
) -> tuple[PromotionState, ...]:
    """Return the state of these promotion names, or of all that exist or have criteria.

    Raises NotFoundError for a name that neither exists nor has criteria.
    """
    with opened.store.read() as at:
        there = [name for name, _ in at.names.all(opened.name)]
        follow = {CURRENT, CONSISTENT}
        known = dict.fromkeys(
            name
            for name in (*criteria, *there)
            if name not in follow and not name.startswith(PREVIOUS)
        )
        for name in names:
            if name not in known:
                raise NotFoundError(
                    f"{opened.name} has no promotion name {name}{did_you_mean(name, known)}",
                    hint="rdo promotion promote NAME makes one",
                )
        found = []
        for name in names or known:
            one = criteria.get(name)
            last = next(iter(at.names.promotions(opened.name, name=name, limit=1)), None)
            judged = _judged(at, opened, one) if one else ()
            found.append(
                PromotionState(
                    name,
                    tuple(place.path for place in at.names.components(opened.name, name).values()),
                    last.moved if last else None,
                    last.by if last else "",
                    last.why if last else "",
                    one.candidate if one else "",
                    judged,
                )
            )
    return tuple(found)


def _judged(at: Transaction, opened: OpenTarget, criteria: Criteria) -> tuple[Judged, ...]:
    return tuple(
        judge(at, opened, criteria, candidate)
        for component in components_of(opened, criteria)
        for candidate in candidates(at, opened, criteria, component)
    )
