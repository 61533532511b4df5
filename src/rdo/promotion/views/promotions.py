"""Why a repository is not promoted, for pages: what each promotion name still lacks."""

from collections.abc import Iterator, Mapping
from itertools import islice

from rdo.app.targets import OpenTarget
from rdo.logs.reader import clean
from rdo.pages.live_values import ShownPromotion
from rdo.pages.values import ShownLevel
from rdo.promotion.deciding.candidates import Candidate, Judged, components_of, judge
from rdo.promotion.deciding.criteria import Condition, ConditionState, Criteria
from rdo.promotion.deciding.promotion_status import promotion_states
from rdo.store import Transaction
from rdo.store.given.names import PastPlace
from rdo.store.given.repositories import Repository

_NEWEST = 3
_LEVELS = {ConditionState.MET: ShownLevel.GOOD, ConditionState.FAILED: ShownLevel.BAD}


def promotions_of(
    at: Transaction, opened: OpenTarget, repository: Repository, criteria: Mapping[str, Criteria]
) -> tuple[ShownPromotion, ...]:
    """Return how far a repository is with the criteria of each promotion name.

    Names whose candidates are aggregates of all components are left out.
    """
    place = PastPlace(repository.created, (repository,), "")
    leads = {name for name, one in at.names.all(opened.name) if one.id == repository.id}
    found = []
    for name, one in criteria.items():
        if opened.tree.site.components and not one.each:
            continue
        if repository.component in components_of(opened, one):
            candidate = Candidate(place, repository.component)
            judged = judge(at, opened, one, candidate)
            found.append(_shown(name, repository, judged, leads_here=name in leads))
    return tuple(found)


def newest_candidates(
    opened: OpenTarget, criteria: Mapping[str, Criteria]
) -> Iterator[ShownPromotion]:
    """Yield the newest candidates of each promotion name, and what they wait for."""
    for state in promotion_states(opened, criteria, list(criteria)) if criteria else ():
        for judged in islice(state.judged, _NEWEST):
            first = judged.candidate.place.repositories[0]
            yield _shown(state.name, first, judged, leads_here=False)


def _shown(
    name: str, repository: Repository, judged: Judged, *, leads_here: bool
) -> ShownPromotion:
    if leads_here:
        level, state = ShownLevel.GOOD, "leads here"
    elif judged.unmet:
        level, state = ShownLevel.WARN, "waits"
    else:
        level, state = ShownLevel.GOOD, "its jobs are met"
    return ShownPromotion(
        name,
        repository.path,
        repository.id,
        judged.candidate.place.since,
        level,
        state,
        tuple(map(_condition, judged.conditions)),
    )


def _condition(one: Condition) -> tuple[str, ShownLevel]:
    return clean(str(one)), _LEVELS.get(one.state, ShownLevel.WARN)
