"""Commits that were not built and are worth another try, although nothing of theirs changed."""

from dataclasses import replace

import pytest

from rdo.model.build import Failed, FailureReason, Waiting
from rdo.trunk.order.revive import worth_another_try
from tests.unit.trunk.past import TARGET, Past

MISSING, CYCLE = FailureReason.MISSING_DEPENDENCY, FailureReason.CYCLE
A, B, C = (f"python3dist({name})" for name in "abc")


def again(past: Past, *planned: str) -> list[str]:
    with past.store.read() as at:
        found = worth_another_try(at, TARGET, past.packages, {f"python-{x}" for x in planned})
    return sorted(commit.package.removeprefix("python-") for commit in found)


def without_tests(past: Past, name: str) -> None:
    key = f"python-{name}"
    past.packages[key] = replace(past.packages[key], skip_tests="they need a network")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        pytest.param(FailureReason.TEST, ["a"], id="it failed in its tests"),
        pytest.param(FailureReason.COMPILE, [], id="it failed in something else"),
    ],
)
def test_tests_that_were_turned_off(past: Past, reason: FailureReason, expected: list[str]) -> None:
    past.failed("a", reason)
    assert again(past) == []

    without_tests(past, "a")

    assert again(past) == expected


def test_what_is_planned_anyway_is_not_planned_twice(past: Past) -> None:
    past.failed("a", FailureReason.TEST)
    without_tests(past, "a")

    assert again(past, "a") == []


def test_what_is_in_the_queue_is_not_planned_twice(past: Past) -> None:
    past.failed("a", FailureReason.TEST)
    past.queued("a", "2")
    without_tests(past, "a")

    assert again(past) == []


def test_what_left_the_release_is_left_alone(past: Past) -> None:
    past.failed("a", FailureReason.TEST)
    without_tests(past, "a")
    del past.packages["python-a"]

    assert again(past) == []


@pytest.mark.parametrize(
    ("reason", "asked", "expected"),
    [
        pytest.param(MISSING, (A,), ["x"], id="it lacked what was published since"),
        pytest.param(MISSING, (B, A), ["x"], id="one of the things that it lacked"),
        pytest.param(MISSING, (B,), [], id="it lacked something else"),
        pytest.param(MISSING, ("python3dist(zz)",), [], id="it lacked what nobody packages"),
        pytest.param(MISSING, (), [], id="it asked for nothing"),
        pytest.param(FailureReason.COMPILE, (A,), [], id="it had that, and failed to compile"),
        pytest.param(CYCLE, (A,), [], id="it was in a cycle, which is no longer one"),
    ],
)
def test_a_dependency_that_was_published_since(
    past: Past, reason: FailureReason, asked: tuple[str, ...], expected: list[str]
) -> None:
    past.failed("x", reason, asked=asked)
    past.built("a", provides=[A])

    assert again(past) == expected


def test_a_dependency_that_was_there_before_is_no_news(past: Past) -> None:
    past.built("a", provides=[A])
    past.failed("x", MISSING, asked=(A,))

    assert again(past) == []


def test_a_dependency_that_is_built_and_not_published_is_no_news(past: Past) -> None:
    past.failed("x", MISSING, asked=(A,))
    past.built("a", published=False)

    assert again(past) == []


def test_a_cycle_with_a_new_commit_is_tried_whole(past: Past) -> None:
    past.failed("a", CYCLE, asked=(B,))
    past.failed("b", CYCLE, asked=(C,))
    past.failed("c", CYCLE, asked=(A,))
    assert again(past) == []

    assert again(past, "a") == ["b", "c"]


def test_a_member_of_another_cycle_is_not_tried(past: Past) -> None:
    past.failed("a", CYCLE, asked=(B,))
    past.failed("b", CYCLE, asked=(A,))
    past.failed("x", CYCLE, asked=(C,))
    past.failed("c", MISSING, asked=(B,))

    assert again(past, "a") == ["b"]


def test_a_cycle_of_which_a_member_is_revived_is_tried_with_it(past: Past) -> None:
    past.failed("x", MISSING, asked=(A,))
    past.failed("b", CYCLE, asked=("python3dist(x)",))
    past.built("a", provides=[A])

    assert again(past) == ["b", "x"]


def drop(past: Past, name: str, upstream: str = "1") -> None:
    build = past.queued(name, upstream)
    with past.store.write() as at:
        at.builds.drop(build.id, "it left the release", now=past.clock())


def test_what_left_with_something_in_the_queue_and_came_back(past: Past) -> None:
    drop(past, "a")

    assert again(past) == ["a"]


def test_what_was_dropped_and_has_not_come_back_stays_away(past: Past) -> None:
    drop(past, "a")
    del past.packages["python-a"]

    assert again(past) == []


def test_what_was_dropped_is_not_tried_beside_what_is_planned(past: Past) -> None:
    drop(past, "a")

    assert again(past, "a") == []


def test_an_older_commit_that_was_dropped_is_not_tried(past: Past) -> None:
    past.built("a", "2")
    drop(past, "a", "1")
    with past.store.write() as at:  # the newer one becomes the head again
        at.commits.add(TARGET, past.commit("a", "2"), as_newest=True)

    assert again(past) == []


def test_a_build_that_waits_is_none_that_failed(past: Past) -> None:
    past.ended(past.running("x"), Waiting((A,)))
    past.ended(past.running("b"), Failed(FailureReason.NETWORK, ""), final=False)
    past.built("a", provides=[A])

    assert again(past) == []
