"""The candidates of a promotion: where its candidate name pointed, and what each still lacks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rdo.app.targets import OpenTarget
from rdo.promotion.deciding.criteria import (
    Condition,
    ConditionState,
    Criteria,
    judge_age,
    judge_jobs,
    unmet,
)
from rdo.promotion.deciding.votes import ballot_of
from rdo.publish.references import has_repodata
from rdo.store import Transaction
from rdo.store.given.names import PastPlace
from rdo.store.given.repositories import Repository
from rdo.store.given.votes import Ballot


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that a promotion name may move to; `component` is set if it moves alone."""

    place: PastPlace
    component: str | None = None

    @property
    def label(self) -> str:
        """The name for people: the path of its repository, or the hash of its aggregate."""
        if self.place.aggregate and self.component is None:
            return self.place.aggregate
        return self.place.repositories[0].path

    @property
    def hash(self) -> str:
        """The hash of its content: of its aggregate, or of its repository's builds."""
        if self.place.aggregate and self.component is None:
            return self.place.aggregate
        return self.place.repositories[0].digest

    @property
    def ballots(self) -> Mapping[str | None, Ballot]:
        """What jobs vote on, by component; the key None means all components together."""
        own = {one.component: ballot_of(one) for one in self.place.repositories}
        if self.component is not None or None in own:
            return own
        return {None: Ballot(ref_hash=self.place.aggregate), **own}


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with the conditions of the criteria; conditions of checks only if requested."""

    candidate: Candidate
    conditions: tuple[Condition, ...]

    @property
    def unmet(self) -> tuple[Condition, ...]:
        """The conditions that are not met."""
        return unmet(self.conditions)


def components_of(opened: OpenTarget, criteria: Criteria) -> tuple[str | None, ...]:
    """Return the components that are promoted one by one; only None if all move together."""
    if not criteria.each:
        return (None,)
    there = opened.members.components(opened.tree.site)
    chosen = criteria.component_jobs if not criteria.jobs else there
    return tuple(one for one in there if one in chosen)


def candidates(
    at: Transaction, opened: OpenTarget, criteria: Criteria, component: str | None
) -> Iterator[Candidate]:
    """Yield the candidates that are newer than what the name has pointed to, newest first.

    Without components, or if they are promoted one by one, a candidate is one repository. A
    repository that the candidate name pointed to several times appears once, at its last time. The
    last candidate may be one from which the name has only a part, because packages were held back.
    """
    target, seen = opened.name, set[str]()
    if opened.tree.site.components and not criteria.each:
        found = at.names.led_to_aggregates(target, criteria.candidate, limit=criteria.most)
    else:
        found = at.names.led_to(target, component, criteria.candidate, limit=criteria.most)
    for place in found:
        one = Candidate(place, component)
        if one.label in seen:
            continue
        if at.names.has_led_to(target, criteria.name, place):
            return
        seen.add(one.label)
        yield one
        if at.held_back.has_part_of(target, criteria.name, one.hash):
            return


def judge(at: Transaction, opened: OpenTarget, criteria: Criteria, one: Candidate) -> Judged:
    """Return a candidate with the conditions of the criteria, without those of checks."""
    conditions = list(_in_tree(opened, one))
    for component, ballot in one.ballots.items():
        if criteria.jobs_of(component):
            votes = at.votes.on(opened.name, ballot)
            conditions += judge_jobs(criteria, votes, component)
    for component in criteria.component_jobs:
        if not criteria.each and component not in one.ballots:
            missing = f"the candidate has no component {component}"
            conditions.append(Condition("component", ConditionState.MISSING, missing, component))
    conditions += judge_age(criteria, one.place.since, opened.now())
    return Judged(one, tuple(conditions))


def _in_tree(opened: OpenTarget, one: Candidate) -> Iterator[Condition]:
    for repository in one.place.repositories:
        if repository.removed or not has_repodata(opened.tree.repos / repository.path):
            detail = f"{repository.path} was removed"
            yield Condition("repository", ConditionState.FAILED, detail, repository.component)


def of_repositories(opened: OpenTarget, repositories: tuple[Repository, ...]) -> Candidate:
    """Return the candidate with repositories that a person named; its age is theirs."""
    aggregate = ""
    if opened.tree.site.components:
        aggregate = opened.tree.aggregate_hash(repositories)
    since = max(one.created for one in repositories)
    return Candidate(PastPlace(since, repositories, aggregate))
