from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdo.model.build import FailureReason
from rdo.publish.consistent import Blocker, blockers, good_builds, set_digest
from rdo.store.work.packages import Pointers
from tests.publishing import package

SINCE = datetime(2026, 8, 1, tzinfo=UTC)
A, B = package("a"), package("b")
GOOD = Pointers("a", 1, SINCE, None, 1, None)
BROKEN = Pointers("b", 5, SINCE, FailureReason.TEST, 2, SINCE)
NEVER_GOOD = Pointers("b", 5, SINCE, FailureReason.SPEC, None, SINCE)
UNPUBLISHED = Pointers("b", 5, SINCE, None, 2, None)


def blocking(*states: Pointers, is_first: bool, held: str = "") -> tuple[Blocker, ...]:
    by_name = {state.package: state for state in states}
    return blockers((A, B), frozenset({held}), by_name, is_first=is_first)


def test_before_the_first_everybody_must_have_been_built() -> None:
    assert blocking(GOOD, is_first=True) == (Blocker("b", "was never built"),)
    assert blocking(GOOD, is_first=False) == ()


def test_a_member_that_was_only_bootstrapped_was_never_built() -> None:
    bootstrapped = Pointers("b", None, None, None, None, None)

    assert blocking(GOOD, bootstrapped, is_first=True) == blocking(GOOD, is_first=True)
    assert blocking(GOOD, bootstrapped, is_first=False) == ()


@pytest.mark.parametrize("is_first", [True, False])
def test_a_member_that_fails_blocks_and_it_is_said_since_when(is_first: bool) -> None:
    expected = Blocker("b", "fails to build: test", SINCE, 5)

    assert blocking(GOOD, BROKEN, is_first=is_first) == (expected,)


def test_a_newcomer_that_fails_blocks_only_the_first() -> None:
    assert blocking(GOOD, NEVER_GOOD, is_first=False) == ()
    assert len(blocking(GOOD, NEVER_GOOD, is_first=True)) == 1


def test_a_build_that_is_not_published_yet_blocks() -> None:
    (blocker,) = blocking(GOOD, UNPUBLISHED, is_first=False)

    assert blocker.reason == "is built and not yet published"


def test_a_held_package_never_blocks() -> None:
    assert blocking(GOOD, BROKEN, is_first=True, held="b") == ()


def test_good_builds_are_the_members_own() -> None:
    states = {"a": GOOD, "b": BROKEN, "c": Pointers("c", 9, SINCE, None, 9, None)}

    assert good_builds((A, B), states) == {1, 2}


def test_a_member_that_never_was_good_has_no_good_build() -> None:
    assert good_builds((A, B), {"b": NEVER_GOOD}) == set()


@given(st.sets(st.integers(min_value=1)), st.sets(st.integers(min_value=1)))
def test_two_sets_have_the_same_name_if_and_only_if_they_are_equal(
    one: set[int], other: set[int]
) -> None:
    assert (set_digest(one) == set_digest(other)) == (one == other)


def test_the_order_of_a_set_does_not_matter() -> None:
    assert set_digest([3, 1, 2, 1]) == set_digest([1, 2, 3])
