"""Criteria: which votes meet them, and which criteria can never be met."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdo.model.vote import JobVerdict
from rdo.promotion.deciding.criteria import (
    ConditionState,
    Criteria,
    CriteriaFaults,
    judge_age,
    judge_jobs,
    reason,
    unmet,
)
from rdo.store.given.votes import Ballot, Vote
from tests.publishing import START

JOBS = ("a", "b", "c")
ALL = CriteriaFaults(("installable", "files"), ("compute", "network"), lambda _: "")


def vote(number: int, job: str, verdict: JobVerdict, at: int = 0) -> Vote:
    when = START + timedelta(seconds=at or number)
    return Vote(
        number, Ballot(1), None, job, verdict, when, when, f"https://ci/{number}", user="ci"
    )


def votes(*said: tuple[str, JobVerdict]) -> list[Vote]:
    return [vote(number, job, verdict) for number, (job, verdict) in enumerate(said, 1)]


S, F, P = JobVerdict.SUCCESS, JobVerdict.FAILURE, JobVerdict.IN_PROGRESS
ONE = Criteria("tested", "current", ("a",))


@pytest.mark.parametrize(
    ("said", "criteria", "state"),
    [
        ([], ONE, ConditionState.MISSING),
        ([("b", S)], ONE, ConditionState.MISSING),
        ([("a", S)], ONE, ConditionState.MET),
        ([("a", F)], ONE, ConditionState.FAILED),
        ([("a", P)], ONE, ConditionState.RUNNING),
        ([("a", F), ("a", S)], ONE, ConditionState.MET),
        ([("a", S), ("a", F)], ONE, ConditionState.FAILED),
        ([("a", S), ("a", F)], replace(ONE, any_success=True), ConditionState.MET),
        ([("a", S), ("a", P)], ONE, ConditionState.MET),
        ([("a", F), ("a", P)], ONE, ConditionState.FAILED),
        ([("a", F), ("x", S)], replace(ONE, alternatives={"a": ("y", "x")}), ConditionState.MET),
        ([("x", F)], replace(ONE, alternatives={"a": ("x",)}), ConditionState.FAILED),
        ([("x", P)], replace(ONE, alternatives={"a": ("x",)}), ConditionState.RUNNING),
        ([("a", P), ("x", F)], replace(ONE, alternatives={"a": ("x",)}), ConditionState.FAILED),
    ],
)
def test_the_last_verdict_of_a_job_or_of_an_alternative_counts(
    said: list[tuple[str, JobVerdict]], criteria: Criteria, state: ConditionState
) -> None:
    [condition] = judge_jobs(criteria, votes(*said))

    assert condition.state is state
    assert condition.is_met == (state is ConditionState.MET)


ANY_VOTES = st.lists(
    st.builds(
        vote,
        st.integers(1, 50),
        st.sampled_from((*JOBS, "x", "y")),
        st.sampled_from(list(JobVerdict)),
        st.integers(1, 20),
    ),
    unique_by=lambda one: one.id,
    max_size=12,
)
ANY_CRITERIA = st.builds(
    Criteria,
    st.just("tested"),
    st.just("current"),
    jobs=st.lists(st.sampled_from(JOBS), unique=True).map(tuple),
    alternatives=st.dictionaries(
        st.sampled_from(JOBS), st.lists(st.sampled_from(("x", "y")), unique=True).map(tuple)
    ),
    any_success=st.booleans(),
)


@given(ANY_CRITERIA, ANY_VOTES, st.randoms())
def test_the_order_of_votes_does_not_matter(
    criteria: Criteria, cast: list[Vote], random: Random
) -> None:
    shuffled = list(cast)
    random.shuffle(shuffled)

    assert judge_jobs(criteria, cast) == judge_jobs(criteria, shuffled)


@given(ANY_CRITERIA, ANY_VOTES, st.sampled_from(JOBS))
def test_another_alternative_never_takes_away_what_is_met(
    criteria: Criteria, cast: list[Vote], job: str
) -> None:
    more: Mapping[str, tuple[str, ...]] = {
        **criteria.alternatives,
        job: (*criteria.alternatives.get(job, ()), "z"),
    }
    wider = replace(criteria, alternatives=more)

    before, after = judge_jobs(criteria, cast), judge_jobs(wider, cast)

    met = {one.what for one in before if one.is_met}
    assert met <= {one.what for one in after if one.is_met}


@given(ANY_CRITERIA, ANY_VOTES, st.sampled_from(JOBS))
def test_a_later_success_of_a_job_meets_its_condition_whatever_came_before(
    criteria: Criteria, cast: list[Vote], job: str
) -> None:
    judged = judge_jobs(criteria, [*cast, vote(99, job, S, 99)])

    assert all(one.is_met for one in judged if one.what == job)


@given(ANY_CRITERIA, ANY_VOTES)
def test_criteria_do_not_change_from_one_candidate_to_the_next(
    criteria: Criteria, cast: list[Vote]
) -> None:
    fresh = judge_jobs(criteria, [])

    judge_jobs(criteria, cast)

    assert judge_jobs(criteria, []) == fresh


@pytest.mark.parametrize(("hours", "is_met"), [(0, None), (1, True), (2, True), (3, False)])
def test_a_candidate_must_be_old_enough(hours: int, is_met: bool | None) -> None:
    criteria = replace(ONE, minimum_age=timedelta(hours=hours))

    judged = judge_age(criteria, START, START + timedelta(hours=2))

    assert [one.is_met for one in judged] == ([] if is_met is None else [is_met])


def test_the_reason_of_a_move_names_the_votes() -> None:
    criteria = replace(ONE, jobs=("a", "b"), alternatives={"b": ("x",)})
    judged = judge_jobs(criteria, votes(("a", S), ("x", S)))

    assert not unmet(judged)
    assert reason(criteria, judged) == (
        "criteria met by current; a: success at 2026-08-01 12:00 UTC (ci); "
        "b: success of x at 2026-08-01 12:00 UTC (ci)"
    )


GOOD = Criteria("tested", "current", ("a", "b"), {"a": ("x",)}, checks=("installable",))


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"checks": ("nothing",)}, "there is no check nothing: there are installable, files"),
        ({"alternatives": {"c": ("x",)}}, "c has alternatives, but is not required"),
        ({"alternatives": {"a": ()}}, "a has an empty list of alternatives"),
        ({"alternatives": {"a": ("a",)}}, "a is an alternative of itself"),
        ({"jobs": ("a", "b", "a")}, "a is twice in jobs"),
        ({"component_jobs": {"network": ("c", "c")}}, "c is twice in component-jobs.network"),
        ({"component_jobs": {"ui": ("c",)}}, "the release has no component ui: compute, network"),
        ({"candidate": "tested"}, "its candidate tested comes from tested itself"),
    ],
)
def test_criteria_that_can_never_be_met_are_one_fault_each(
    wrong: dict[str, object], fault: str
) -> None:
    assert list(ALL.of({"tested": GOOD})) == []

    faults = list(ALL.of({"tested": replace(GOOD, **wrong)}))  # type: ignore[arg-type]

    assert faults == [("tested", fault)]


def test_names_that_follow_each_other_never_move() -> None:
    one, two = Criteria("one", "two"), Criteria("two", "one")

    faults = list(ALL.of({"one": one, "two": two, "three": Criteria("three", "one")}))

    assert faults == [
        ("one", "its candidate two comes from one itself"),
        ("two", "its candidate one comes from two itself"),
    ]


def test_a_target_without_components_has_no_criteria_about_them() -> None:
    none = replace(ALL, components=())

    for one in (replace(GOOD, each=True), replace(GOOD, component_jobs={"network": ("c",)})):
        [(_, fault)] = none.of({"tested": one})
        assert fault.startswith("it names components, but the target has none")
