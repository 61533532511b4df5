"""The criteria of a promotion, and whether a candidate meets them: decided from values alone.

Pure: nothing is read or written here.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from rdo.model.text.dates import minute_utc
from rdo.model.vote import JobVerdict
from rdo.store.given.votes import Vote

CRITERIA = "criteria"
"""The author that is recorded if the criteria moved a name."""

MOST_CANDIDATES = 100


@dataclass(frozen=True, slots=True)
class Criteria:
    """The conditions for a repository before the promotion name `name` points to it.

    `candidate` is the name whose repositories are considered, at most the newest `most` of them.
    Each of `jobs`, or one of its `alternatives`, must have voted for the candidate. With `each`,
    components are promoted one by one, otherwise all together; `component_jobs` are additional jobs
    of single components, which vote on the component's own repository. `any_success`: one success
    of a job is enough, whatever it reports later. `checks` is None for the default checks.
    """

    name: str
    candidate: str
    jobs: tuple[str, ...] = ()
    alternatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    minimum_age: timedelta = timedelta()
    checks: tuple[str, ...] | None = ()
    each: bool = False
    component_jobs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    any_success: bool = False
    most: int = MOST_CANDIDATES

    def jobs_of(self, component: str | None) -> tuple[str, ...]:
        """Return the jobs that must vote on the repository of one component."""
        of_all = self.jobs if self.each or component is None else ()
        own = self.component_jobs.get(component, ()) if component else ()
        return tuple(dict.fromkeys((*of_all, *own)))


class ConditionState(StrEnum):
    """Whether a candidate meets a condition, fails it, or still waits for it."""

    MET = "met"
    FAILED = "failed"
    RUNNING = "running"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the criteria.

    `what` is a job, `age`, or a check; `component` is set for a job of one component. `vote` is the
    vote that decided, which may be that of an alternative; `detail` is an explanation for people.
    """

    what: str
    state: ConditionState
    detail: str = ""
    component: str | None = None
    vote: Vote | None = None

    @property
    def is_met(self) -> bool:
        """Whether nothing more is needed."""
        return self.state is ConditionState.MET

    def __str__(self) -> str:
        where = f"{self.component}: " if self.component else ""
        return f"{where}{self.what}: {self.detail or self.state}"


def judge_jobs(
    criteria: Criteria, votes: Iterable[Vote], component: str | None = None
) -> tuple[Condition, ...]:
    """Return a condition for each job that must vote on one thing, in the order of the criteria.

    The order of the votes does not matter. A job's last vote by timestamp decides, and of two votes
    at the same time the one recorded later; a job that starts again does not withdraw its verdict.
    """
    by_job: dict[str, list[Vote]] = {}
    for one in votes:
        by_job.setdefault(one.job, []).append(one)
    return tuple(_of_job(criteria, job, by_job, component) for job in criteria.jobs_of(component))


def judge_age(criteria: Criteria, since: datetime, now: datetime) -> tuple[Condition, ...]:
    """Return the condition that a candidate is old enough; none if any age is enough."""
    if not criteria.minimum_age:
        return ()
    until = since + criteria.minimum_age
    if now >= until:
        return (Condition("age", ConditionState.MET, f"a candidate since {minute_utc(since)}"),)
    return (Condition("age", ConditionState.RUNNING, f"old enough at {minute_utc(until)}"),)


def unmet(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Return the conditions that are not met."""
    return tuple(one for one in conditions if not one.is_met)


def reason(criteria: Criteria, conditions: Iterable[Condition]) -> str:
    """Return the reason to record for moving a name."""
    return "; ".join([f"criteria met by {criteria.candidate}", *map(str, conditions)])


def _of_job(
    criteria: Criteria, job: str, by_job: Mapping[str, list[Vote]], component: str | None
) -> Condition:
    alike = (job, *criteria.alternatives.get(job, ()))
    decided = {one: _verdict(by_job.get(one, ()), criteria.any_success) for one in alike}
    for one, vote in decided.items():
        if vote and vote.success:
            said = f"success of {one}" if one != job else "success"
            by = f" ({vote.user})" if vote.user else ""
            return Condition(
                job,
                ConditionState.MET,
                f"{said} at {minute_utc(vote.timestamp)}{by}",
                component,
                vote,
            )
    for one, vote in decided.items():
        if vote:
            said = f"{one} failed at {minute_utc(vote.timestamp)}"
            detail = f"{said}, {vote.url}" if vote.url else said
            return Condition(job, ConditionState.FAILED, detail, component, vote)
    for one in alike:
        if begun := _newest(by_job.get(one, ())):
            detail = f"{one} runs since {minute_utc(begun.timestamp)}"
            return Condition(job, ConditionState.RUNNING, detail, component, begun)
    return Condition(job, ConditionState.MISSING, "has not voted", component)


def _verdict(votes: Collection[Vote], any_success: bool) -> Vote | None:
    """Return the deciding vote of a job; None if it has no verdict yet."""
    ended = [one for one in votes if one.verdict is not JobVerdict.IN_PROGRESS]
    if any_success and (good := _newest([one for one in ended if one.success])):
        return good
    return _newest(ended)


def _newest(votes: Collection[Vote]) -> Vote | None:
    return max(votes, key=lambda one: (one.timestamp, one.id), default=None)


@dataclass(frozen=True, slots=True)
class CriteriaFaults:
    """Finds faults in criteria; `known_checks` and `components` are what exists.

    `components` are empty in a target without them.
    """

    known_checks: Collection[str]
    components: Collection[str]
    can_promote: Callable[[str], str]

    def of(self, criteria: Mapping[str, Criteria]) -> Iterator[tuple[str, str]]:
        """Yield the name and the fault of criteria that can never be met, or are ambiguous."""
        for name, one in criteria.items():
            for fault in (*self._names(one), *self._jobs(one), *self._parts(one)):
                yield name, fault
        for name in criteria:
            if name in _followed(criteria, name):
                yield name, f"its candidate {criteria[name].candidate} comes from {name} itself"

    def _names(self, one: Criteria) -> Iterator[str]:
        if fault := self.can_promote(one.name):
            yield fault
        for check in one.checks or ():
            if check not in self.known_checks:
                yield f"there is no check {check}: there are {', '.join(self.known_checks)}"

    def _jobs(self, one: Criteria) -> Iterator[str]:
        required = {*one.jobs, *(job for jobs in one.component_jobs.values() for job in jobs)}
        for job, others in one.alternatives.items():
            if job not in required:
                yield f"{job} has alternatives, but is not required"
            if not others:
                yield f"{job} has an empty list of alternatives"
            if job in others:
                yield f"{job} is an alternative of itself"
        lists = {"jobs": one.jobs}
        lists |= {f"component-jobs.{key}": jobs for key, jobs in one.component_jobs.items()}
        for where, jobs in lists.items():
            for job in sorted({job for job in jobs if jobs.count(job) > 1}):
                yield f"{job} is twice in {where}"

    def _parts(self, one: Criteria) -> Iterator[str]:
        if (one.each or one.component_jobs) and not self.components:
            yield "it names components, but the target has none (components = true)"
            return
        for component in one.component_jobs:
            if component not in self.components:
                yield f"the release has no component {component}: {', '.join(self.components)}"


def _followed(criteria: Mapping[str, Criteria], name: str) -> set[str]:
    """Return the names whose candidates lead to a name's own, following the criteria of each."""
    found: set[str] = set()
    at = criteria[name].candidate
    while at not in found:
        found.add(at)
        if at not in criteria:
            break
        at = criteria[at].candidate
    return found
