"""The first round of a release reads what packages need before it starts the first build."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest

from rdo.bridge.protocol import Provision
from rdo.builders.protocol import Foreseen
from rdo.errors import OutsideError
from rdo.model.build import BuildJob
from rdo.trunk.care import steering
from rdo.trunk.views.report import Report
from tests.fakes.builder import (
    Asks,
    EndsAfter,
    GoodBuild,
    ScriptedBridge,
    ScriptedBuilder,
    ScriptedForesight,
    ScriptedLastResort,
    Unless,
    UnlessOutside,
    project_need,
)
from tests.rounds.factory import Factory

CAN_BOOTSTRAP = "%if 0%{?repo_bootstrap}\n%endif\n"

RELEASE = {  # the metadata has the services first, as such lists do
    "service": ("client", "middleware", "library"),
    "dashboard": ("client", "service"),
    "client": ("sdk", "cli"),
    "middleware": ("library", "sdk"),
    "sdk": ("auth", "library"),
    "cli": ("library",),
    "auth": ("types", "library"),
    "library": ("base", "types"),
    "types": ("base",),
    "base": (),
}


def names(projects: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"python-{one}" for one in projects)


def will_ask(factory: Factory, release: Mapping[str, Sequence[str]]) -> None:
    """Have each package ask for a thing from outside, then for those that it requires."""
    factory.builder.bridge = factory.bridge
    for project, requires in release.items():
        outside = (f"python3dist(outside-{project})", "python3dist(pbr)")
        factory.bridge.known |= {*outside}
        factory.builder.will(f"python-{project}", Asks(outside, names(requires)))


def foresee(factory: Factory, release: Mapping[str, Sequence[str]]) -> ScriptedForesight:
    known = {}
    for project, requires in release.items():
        needs = map(project_need, names(requires))
        outside = (f"python3dist(outside-{project})", "python3dist(pbr)")
        known[f"python-{project}"] = Foreseen((*outside, *needs))
    factory.foresight = ScriptedForesight(factory.bridge, known)
    return factory.foresight


def starts(factory: Factory) -> Counter[str]:
    return Counter(factory.builder.order)


def built(report: Report) -> list[str]:
    return [one.build.package for one in report.built]


def test_a_release_from_empty_starts_each_package_once_and_asks_the_bridge_in_two_shares(
    factory: Factory,
) -> None:
    factory.add(*RELEASE)
    will_ask(factory, RELEASE)
    foresee(factory, RELEASE)

    report = factory.round()

    assert starts(factory) == dict.fromkeys(names(RELEASE), 1)
    first, second = factory.bridge.asked
    assert {"python3dist(outside-base)", "python3dist(outside-cli)"} <= set(first)
    assert {"python3dist(outside-service)", "python3dist(outside-dashboard)"} <= set(second)
    assert sorted(built(report)) == sorted(names(RELEASE))
    order = factory.builder.order
    assert all(
        order.index(f"python-{needed}") < order.index(f"python-{project}")
        for project, requires in RELEASE.items()
        for needed in requires
    )


def test_without_a_look_ahead_the_same_release_is_built_too(factory: Factory) -> None:
    factory.add(*RELEASE)
    will_ask(factory, RELEASE)

    report = factory.round()

    assert sorted(built(report)) == sorted(names(RELEASE))
    assert starts(factory).total() > 2 * len(RELEASE)


def test_a_package_that_cannot_be_read_asks_by_itself(factory: Factory) -> None:
    factory.add(*RELEASE)
    will_ask(factory, RELEASE)
    foresight = foresee(factory, RELEASE)
    del foresight.known["python-sdk"]

    report = factory.round()

    assert sorted(built(report)) == sorted(names(RELEASE))
    others = {name: count for name, count in starts(factory).items() if name != "python-sdk"}
    assert set(others.values()) == {1}
    assert starts(factory)["python-sdk"] > 1


def test_what_was_foreseen_wrongly_costs_nothing_but_a_try(factory: Factory) -> None:
    factory.add("a", "b", "c")
    foresee(factory, {"a": ("b",), "b": ("a",), "c": ("a",)})

    report = factory.round()

    assert sorted(built(report)) == ["python-a", "python-b", "python-c"]
    assert starts(factory) == {"python-a": 1, "python-b": 1, "python-c": 1}


def test_a_bridge_that_fails_on_all_is_asked_by_each(factory: Factory) -> None:
    factory.add("a", "b")
    will_ask(factory, {"a": (), "b": ()})
    foresee(factory, {"a": (), "b": ()})
    factory.bridge.error = OutsideError("the index does not answer")
    factory.builder.will("python-a", GoodBuild())
    factory.builder.will("python-b", GoodBuild())

    report = factory.round()

    assert len(factory.bridge.asked) == 1
    assert sorted(built(report)) == ["python-a", "python-b"]


def test_a_cycle_that_is_foreseen_is_bootstrapped_before_its_members_are_tried(
    factory: Factory,
) -> None:
    release = {"top": ("a", "b"), "b": ("a",), "a": ("b",)}
    factory.add("top", "b")
    factory.add("a", spec=CAN_BOOTSTRAP)
    will_ask(factory, release)
    foresee(factory, release)

    report = factory.round()

    passes = [(one.build.package, one.build.bootstrap) for one in report.built]
    assert passes[:2] == [("python-a", True), ("python-b", False)]
    assert sorted(passes[2:]) == [("python-a", False), ("python-top", False)]
    assert starts(factory) == {"python-a": 2, "python-b": 1, "python-top": 1}


def test_a_known_cycle_is_broken_while_something_else_is_built(factory: Factory) -> None:
    factory.add("long", "b")
    factory.add("a", spec=CAN_BOOTSTRAP)
    needs_b = Unless(("python-b",), (project_need("b"),))
    factory.builder.will("python-a", needs_b, GoodBuild(), needs_b)
    factory.builder.will("python-b", Unless(("python-a",), (project_need("a"),)))
    factory.builder.will("python-long", EndsAfter("python-b"))

    report = factory.round()

    assert sorted(built(report)) == ["python-a", "python-a", "python-b", "python-long"]


def test_what_was_built_before_is_not_read_again(factory: Factory) -> None:
    factory.add("a", "b", "c")
    foresight = foresee(factory, {"a": (), "b": (), "c": ()})
    factory.round()
    first = list(foresight.read_packages)
    for name in ("a", "b", "c"):
        factory.upstreams[name].commit("two")

    factory.round()

    assert sorted(first) == ["python-a", "python-b", "python-c"]
    assert foresight.read_packages == first


class WhileAsked(ScriptedBridge):
    """A bridge that calls a function during its first request."""

    def __init__(self, known: set[str], act: Callable[[], object]) -> None:
        ScriptedBridge.__init__(self, known)
        self.act = act

    def provide(self, needs: Sequence[str]) -> Provision:
        if not self.asked:
            self.act()
        return ScriptedBridge.provide(self, needs)


def wait_until(builder: ScriptedBuilder, *packages: str) -> None:
    deadline = time.monotonic() + 60
    while not set(packages) <= set(builder.built):
        assert time.monotonic() < deadline, f"{packages} were not built meanwhile"
        time.sleep(0.01)


def test_what_needs_nothing_of_the_bridge_is_built_while_that_is_asked(factory: Factory) -> None:
    factory.add("old", "known")
    factory.round()
    factory.upstreams["known"].commit("two")
    factory.add("new", "plain")
    known = {"python-new": Foreseen(("python3dist(x)",)), "python-plain": Foreseen()}
    both = ("python-known", "python-plain")
    factory.builder.built.clear()
    factory.bridge = WhileAsked({"python3dist(x)"}, lambda: wait_until(factory.builder, *both))
    factory.foresight = ScriptedForesight(factory.bridge, known)

    report = factory.round()

    assert sorted(built(report)) == ["python-known", "python-new", "python-plain"]


def test_a_cancel_is_heard_while_the_bridge_is_asked(factory: Factory) -> None:
    factory.add("a", "b")
    foresee(factory, {"a": (), "b": ()})
    trunk = factory.trunk

    def cancel() -> None:
        steering.cancel(trunk, ["python-a"], by="me", why="not now")

    factory.bridge = WhileAsked(factory.bridge.known, cancel)

    report = factory.round()

    assert [build.package for build in report.dropped] == ["python-a"]
    assert built(report) == ["python-b"]


def test_a_pause_is_heard_while_the_bridge_is_asked(factory: Factory) -> None:
    factory.add(*RELEASE)
    foresee(factory, RELEASE)
    trunk = factory.trunk
    bridge = WhileAsked(factory.bridge.known, lambda: steering.pause(trunk, by="me", why="enough"))
    factory.bridge = bridge

    report = factory.round()

    assert len(bridge.asked) == 1  # and not the second share
    assert built(report) == []
    assert len(factory.queue()) == len(RELEASE)


def test_what_is_bridged_may_require_what_the_release_packages(factory: Factory) -> None:
    """A test runner from outside is written with a library that is built here."""
    factory.add("a", "b", "library")
    factory.builder.bridge = factory.bridge
    factory.bridge.known |= {"python3dist(runner)"}
    foreseen = Foreseen(("python3dist(runner)",))
    foresight = ScriptedForesight(
        factory.bridge, {"python-a": foreseen, "python-b": foreseen, "python-library": Foreseen()}
    )
    foresight.brings["python3dist(runner)"] = ("python3dist(library)",)
    factory.foresight = foresight
    for name in ("python-a", "python-b"):
        factory.builder.will(name, Asks(("python3dist(runner)",), ("python-library",)))

    report = factory.round()

    assert sorted(built(report)) == ["python-a", "python-b", "python-library"]
    assert starts(factory) == {"python-a": 1, "python-b": 1, "python-library": 1}


def test_what_depends_on_a_cycle_is_not_tried_before_that_is_broken(factory: Factory) -> None:
    """Without %{repo_bootstrap} in it, the cycle is begun with what comes from outside."""
    users = tuple(f"user{number}" for number in range(6))
    factory.add("a", "b", *users)
    needs = {"a": ("b",), "b": ("a",), **dict.fromkeys(users, ("a",))}
    foresee(factory, needs)
    assert factory.foresight
    factory.foresight.known = {
        name: Foreseen(one.build[2:]) for name, one in factory.foresight.known.items()
    }
    factory.builder.will("python-a", UnlessOutside(("python-b",), (project_need("b"),)))
    factory.builder.will("python-b", UnlessOutside(("python-a",), (project_need("a"),)))
    for user in users:
        factory.builder.will(f"python-{user}", Unless(("python-a",), (project_need("a"),)))
    factory.last_resort = ScriptedLastResort({project_need("a"), project_need("b")})

    report = factory.round()

    assert sorted(set(built(report))) == sorted(names(needs))
    assert {starts(factory)[f"python-{user}"] for user in users} == {1}


def test_what_the_bridged_requires_from_outside_is_asked_for_in_advance(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.bridge = factory.bridge
    wanted = ("python3dist(redis)", "python3dist(async-timeout)")
    factory.bridge.known |= {*wanted}
    foresight = ScriptedForesight(
        factory.bridge, {"python-a": Foreseen(wanted[:1]), "python-b": Foreseen()}
    )
    foresight.brings[wanted[0]] = wanted[1:]
    factory.foresight = foresight
    factory.builder.will("python-a", Asks(wanted))

    report = factory.round()

    assert sorted(built(report)) == ["python-a", "python-b"]
    assert starts(factory) == {"python-a": 1, "python-b": 1}
    assert factory.bridge.asked == [wanted[:1], wanted[1:]]


def test_what_the_bridged_requires_goes_out_with_the_next_share(factory: Factory) -> None:
    first = {f"base{number}": () for number in range(8)}
    release = {**first, **{f"top{number}": ("base0",) for number in range(3)}}
    factory.add(*release)
    will_ask(factory, release)
    foresight = foresee(factory, release)
    more = "python3dist(more)"
    factory.bridge.known.add(more)
    foresight.brings["python3dist(outside-base1)"] = (more,)

    report = factory.round()

    assert len(report.built) == len(release)
    assert len(factory.bridge.asked) == 2
    assert {more, "python3dist(outside-top0)"} <= set(factory.bridge.asked[1])


def test_what_was_not_foreseen_is_asked_for_once_nothing_else_can_be_built(
    factory: Factory,
) -> None:
    many = {f"p{number}": () for number in range(6)}
    factory.add(*many, "long")
    will_ask(factory, many)
    factory.builder.will("python-long", EndsAfter("python-p5"))

    report = factory.round()

    assert sorted(built(report)) == sorted(names([*many, "long"]))
    assert len(factory.bridge.asked) == 1


class Blind(ScriptedForesight):
    """Cannot read anything."""

    def read(
        self, jobs: Sequence[BuildJob], is_cancelled: Callable[[], bool]
    ) -> Mapping[int, Foreseen]:
        raise OutsideError("a mirror is gone")


def test_a_look_ahead_that_fails_costs_nothing_but_tries(factory: Factory) -> None:
    factory.add(*RELEASE)
    will_ask(factory, RELEASE)
    factory.foresight = Blind(factory.bridge)

    report = factory.round()

    assert sorted(built(report)) == sorted(names(RELEASE))


def test_a_round_tells_how_far_it_is(factory: Factory, caplog: pytest.LogCaptureFixture) -> None:
    factory.add("a", "b", "c")
    factory.workers = 1

    with caplog.at_level(logging.INFO, "rdo"):
        factory.round()

    said = [one.getMessage() for one in caplog.records if "done" in one.getMessage()]
    assert [line.partition(" done, ")[0] for line in said] == [
        f"master-deb12: {number} of 3" for number in (1, 2, 3)
    ]
