"""Which package is built first where packages require each other."""

from collections.abc import Mapping

import pytest

from rdo.model.build import FailureReason, Waiting
from rdo.store.work.builds import Build
from rdo.trunk.order.cycles import Cycles, cycle_failure
from rdo.trunk.order.providers import Providers
from tests.unit.trunk.samples import build, package

NEEDS = ("python3dist(a)", "python3dist(outside)", "python3dist(c)")
A, B, C = (build(n, f"python-{x}", outcome=Waiting(NEEDS)) for n, x in enumerate("abc", 1))
USER = build(9, "python-user")
PROVIDERS = Providers([package(f"python-{x}") for x in "abc"])


def names(text: str) -> frozenset[str]:
    return frozenset(f"python-{x}" for x in text)


WAITING: Mapping[Build, frozenset[str]] = {
    A: names("b"),
    B: names("ac"),
    C: names("a"),
    USER: names("c"),
}
"""a and c are waited for twice, b once."""


def cycles_where(*can_bootstrap: str, last_resort: bool = True) -> Cycles:
    return Cycles(lambda one: one.package in names("".join(can_bootstrap)), last_resort)


@pytest.mark.parametrize(
    ("able", "starter"),
    [
        pytest.param("b", B, id="the only one that can"),
        pytest.param("ab", A, id="the one that most wait for"),
        pytest.param("ac", A, id="of two that as many wait for, the first in order"),
        pytest.param("", None, id="nobody if no spec knows how"),
    ],
)
def test_one_that_can_bootstrap_begins(able: str, starter: Build | None) -> None:
    assert cycles_where(able).starter([A, B, C], WAITING) == starter


def test_nobody_begins_twice() -> None:
    helped = cycles_where("ab")

    begun = [helped.starter([A, B, C], WAITING) for _ in range(3)]

    assert begun == [A, B, None]


def test_a_bootstrap_build_cannot_begin_once_more() -> None:
    begun = build(1, "python-a", bootstrap=True)

    assert cycles_where("a").starter([begun], {begun: names("b")}) is None


def test_where_nothing_is_outside_nothing_is_asked() -> None:
    nothing_known = Cycles(lambda _: False)

    for helped in (cycles_where(last_resort=False), nothing_known):
        assert helped.request([A, B], WAITING, PROVIDERS) is None


def test_the_last_resort_is_asked_for_what_the_cycle_itself_provides() -> None:
    request = cycles_where().request([A, B], WAITING, PROVIDERS)

    assert request is not None
    assert request.build == A
    assert request.needs == ("python3dist(a)",)
    assert (request.for_bootstrap, request.for_users) == (True, False)


def test_what_a_member_waits_for_beside_the_cycle_it_goes_on_waiting_for() -> None:
    request = cycles_where().request([B], {B: names("bc")}, Providers([package("python-b")]))

    assert request is not None
    assert request.behind == names("c")


def test_each_member_asks_once_the_most_awaited_first() -> None:
    helped = cycles_where()

    asked = [helped.request([A, B, C], WAITING, PROVIDERS) for _ in range(4)]

    assert [one and one.build for one in asked] == [A, C, B, None]


def test_a_bootstrap_build_asks_first_for_it_needs_only_one_thing_more() -> None:
    begun = build(7, "python-b", bootstrap=True, outcome=Waiting(NEEDS))

    request = cycles_where().request([A, begun], {A: names("b"), begun: names("a")}, PROVIDERS)

    assert request is not None
    assert request.build == begun


def test_a_member_that_asked_for_nothing_yet_has_nothing_to_ask() -> None:
    hinted = build(1, "python-a")

    assert cycles_where().request([hinted], {hinted: names("b")}, PROVIDERS) is None


@pytest.mark.parametrize(
    ("members", "said"),
    [
        pytest.param([A], "python-a requires itself", id="one that needs itself"),
        pytest.param([A, B], "python-a, python-b require each other", id="several"),
    ],
)
def test_the_failure_names_the_members(members: list[Build], said: str) -> None:
    failure = cycle_failure(members)

    assert failure.reason is FailureReason.CYCLE
    assert failure.detail.startswith(said)
