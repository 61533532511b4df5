"""Which packages are built again because of one, in what order, and what it costs."""

import pytest

from rdo.errors import NotFoundError
from rdo.trunk.views.dependents import Dependent, Rebuild, plan_rebuild, queue_rebuild
from tests.unit.trunk.past import TARGET, Past
from tests.unit.trunk.samples import build

NEEDS = {
    "a leaf": ("", []),
    "one that needs it": ("b:a", ["b"]),
    "one by way of another": ("b:a c:b", ["b", "c"]),
    "two that can be built at the same time": ("b:a c:a", ["bc"]),
    "a diamond": ("b:a c:a x:b,c", ["bc", "x"]),
    "what also needs something else": ("b:a,x", ["b"]),
    "a chain with a short cut": ("b:a c:a,b", ["b", "c"]),
    "two that need each other come last together": ("b:a,c c:b x:b", ["bcx"]),
    "one that needs itself": ("b:a,b", ["b"]),
    "the package itself is not its dependent": ("a:b b:a", ["b"]),
}


def build_all(past: Past, needs: str) -> None:
    """Good builds of a, b, c, x; `b:a,c` says that b needs a and c."""
    by_name = dict(part.split(":") for part in needs.split())
    for number, name in enumerate("abcx"):
        requires = [f"python3dist({one})" for one in by_name.get(name, "").split(",") if one]
        past.built(name, seconds=10 * 2**number, requires=requires)


def steps(rebuild: Rebuild) -> list[str]:
    count = max((one.step for one in rebuild.dependents), default=0)
    return [
        "".join(one.package[-1] for one in rebuild.dependents if one.step == step)
        for step in range(1, count + 1)
    ]


@pytest.mark.parametrize(("needs", "expected"), NEEDS.values(), ids=NEEDS)
def test_the_order_of_the_dependents(past: Past, needs: str, expected: list[str]) -> None:
    build_all(past, needs)

    assert steps(plan_rebuild(past.trunk, "python-a")) == expected


def test_direct_dependents_alone(past: Past) -> None:
    build_all(past, "b:a c:b")

    assert steps(plan_rebuild(past.trunk, "python-a", direct=True)) == ["b"]


def test_each_says_what_it_needs_of_those_before_and_what_its_last_build_took(past: Past) -> None:
    build_all(past, "b:a c:a,b,x")

    _, last = plan_rebuild(past.trunk, "python-a").dependents

    assert (last.package, last.step, last.seconds) == ("python-c", 2, 40.0)
    assert last.needs == ("python-a", "python-b")
    assert last.commit == past.commit("c")
    assert not last.is_queued


def test_a_package_of_which_something_is_open_is_marked(past: Past) -> None:
    build_all(past, "b:a c:a x:a")
    past.queued("b", "2")
    past.running("c", "2")

    found = plan_rebuild(past.trunk, "python-a").dependents

    assert [one.is_queued for one in found] == [True, True, False]


def test_what_is_open_already_is_not_queued_again(past: Past) -> None:
    build_all(past, "b:a c:b")
    past.queued("b", "2")

    queued = queue_rebuild(past.trunk, plan_rebuild(past.trunk, "python-a"))

    assert [one.package for one in queued] == ["python-c"]
    with past.store.read() as at:
        assert [one.package for one in at.builds.queue(TARGET)] == ["python-b", "python-c"]


def test_a_held_package_is_not_built_again(past: Past) -> None:
    build_all(past, "b:a c:a")
    with past.store.write() as at:
        at.holds.hold(TARGET, "python-b", None, now=past.clock(), by="me", why="")

    assert steps(plan_rebuild(past.trunk, "python-a")) == ["c"]


def test_a_package_that_left_the_release_is_not_built_again(past: Past) -> None:
    build_all(past, "b:a c:a")
    del past.packages["python-b"]

    assert steps(plan_rebuild(past.trunk, "python-a")) == ["c"]


def test_dependents_of_what_is_not_there(past: Past) -> None:
    with pytest.raises(NotFoundError):
        plan_rebuild(past.trunk, "python-z")


def rebuild(workers: int, *steps_and_seconds: tuple[int, float]) -> Rebuild:
    commit = build(1, "x").commit
    found = (Dependent("x", step, commit, took, ()) for step, took in steps_and_seconds)
    return Rebuild("a", tuple(found), workers)


@pytest.mark.parametrize(
    ("workers", "builds", "seconds"),
    [
        pytest.param(2, [], 0, id="nothing"),
        pytest.param(2, [(1, 10.0), (2, 20.0)], 30, id="steps follow each other"),
        pytest.param(2, [(1, 10.0), (1, 10.0), (1, 10.0), (1, 10.0)], 20, id="two at a time"),
        pytest.param(9, [(1, 10.0), (1, 30.0)], 30, id="a step takes its longest build"),
        pytest.param(1, [(1, 10.0), (1, 30.0)], 40, id="one at a time"),
    ],
)
def test_what_it_takes(workers: int, builds: list[tuple[int, float]], seconds: float) -> None:
    found = rebuild(workers, *builds)

    assert found.seconds == seconds
    assert found.build_seconds == sum(took for _, took in builds)
