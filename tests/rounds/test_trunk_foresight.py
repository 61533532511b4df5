"""The first round of a release: what its packages need is read before the first of them starts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rdo.builders.protocol import Foreseen
from rdo.errors import OutsideError
from rdo.trunk.views.report import Report
from tests.fakes.builder import Asks, EndsAfter, GoodBuild, ScriptedForesight, Unless, project_need
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


def test_a_release_from_empty_starts_each_package_once_and_asks_the_bridge_once(
    factory: Factory,
) -> None:
    factory.add(*RELEASE)
    will_ask(factory, RELEASE)
    foresee(factory, RELEASE)

    report = factory.round()

    assert starts(factory) == dict.fromkeys(names(RELEASE), 1)
    assert len(factory.bridge.asked) == 1
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
