"""The fewest packages to hold back, compared with a search of every choice."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from rdo.tools.children.solving.fewest_held import HoldBackSearch

PACKAGES = 7
NEVER = float("inf")


def is_true(clause: frozenset[int], held: frozenset[int]) -> bool:
    return any((abs(one) in held) == (one < 0) for one in clause)


def by_trying(clauses: list[frozenset[int]]) -> int | None:
    everything = range(1, PACKAGES + 1)
    for size in range(PACKAGES + 1):
        for held in combinations(everything, size):
            if all(is_true(one, frozenset(held)) for one in clauses):
                return size
    return None


def search_of(clauses: list[frozenset[int]]) -> HoldBackSearch:
    found = HoldBackSearch()
    for one in clauses:
        found.add(one)
    return found


literals = st.integers(1, PACKAGES).flatmap(lambda one: st.sampled_from([one, -one]))


@given(st.lists(st.frozensets(literals, min_size=1, max_size=4), max_size=14))
def test_no_other_choice_holds_fewer(clauses: list[frozenset[int]]) -> None:
    found = search_of(clauses).choose(NEVER)

    fewest = by_trying(clauses)
    assert found.is_proven
    assert (len(found.held) if found.held is not None else None) == fewest
    if found.held is not None:
        assert all(is_true(one, found.held) for one in clauses)
        assert found.at_least == fewest


def test_a_chain_of_needs_is_followed_without_a_choice() -> None:
    """The newest of a thousand is held, and each that is newer needs the one after it newer."""
    clauses = [frozenset({-number, number + 1}) for number in range(1, 1000)]

    found = search_of([*clauses, frozenset({-1000})]).choose(NEVER)

    assert found.held == frozenset(range(1, 1001))


def test_over_its_time_it_says_that_nothing_is_proven() -> None:
    triangles = [
        frozenset({-(3 * group + a), -(3 * group + b)})
        for group in range(10)
        for a, b in ((1, 2), (2, 3), (1, 3))
    ]
    clock = iter(range(10**6))

    found = search_of(triangles).choose(40, lambda: float(next(clock)))

    assert not found.is_proven
    assert 10 <= found.at_least <= 20
    assert found.held is None or len(found.held) >= 20
