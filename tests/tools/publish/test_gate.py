"""The name `consistent` waits for installable packages, in a target of several components."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.checks.consistent_gate import InstallableGate
from rdo.publish.upkeep.verify import verify_tree
from tests.publishing import Factory, RpmShelf, factory, package


@pytest.fixture
def gated(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """python-a of the component one, python-b and python-c of two; b requires a in version 1."""
    members = (
        package("python-a", component="one"),
        package("python-b", component="two"),
        package("python-c", component="two"),
    )
    with factory(tmp_path, shelf, *members, components=True) as made:
        made.tree.gate = InstallableGate(made.tree, made.store, lambda: ("x86_64", ()))
        made.publish("python-a", "a1", component="one")
        made.publish("python-b", "b1", requires=("python3-a = 1.0",), component="two")
        made.publish("python-c", "c1", component="two")
        made.tree.refresh(made.members)
        assert at_current(made) == {"one", "two"}
        yield made


def at_current(made: Factory) -> set[str]:
    """The components whose `consistent` leads where `current` does."""
    places = {one: f"component/{one}" for one in ("one", "two")}
    return {
        one
        for one, place in places.items()
        if made.leads(f"{place}/consistent") == made.leads(f"{place}/current")
    }


def aggregate(made: Factory, name: str) -> str:
    return (made.tree.repos / name / "delorean.repo.md5").read_text()


def test_a_component_that_breaks_another_waits_and_is_named(gated: Factory) -> None:
    before = aggregate(gated, "consistent")
    broken = gated.publish("python-a", "a2", "2.0", component="one")
    gated.publish("python-c", "c2", "2.0", component="two")
    gated.tree.refresh(gated.members)
    during, blocked = at_current(gated), gated.tree.blockers(gated.members)

    gated.publish("python-b", "b2", "2.0", requires=("python3-a",), component="two")
    gated.tree.refresh(gated.members)

    assert during == {"two"}, "what breaks nothing moves"
    assert [one.package for one in broken.blocked] == ["python-a"]
    assert "python3-b-1.0-1.noarch cannot be installed" in blocked["one"][0].reason
    assert blocked["two"] == ()
    assert at_current(gated) == {"one", "two"}
    assert aggregate(gated, "consistent") == aggregate(gated, "current") != before
    assert verify_tree(gated.tree, gated.store, gated.members) == []


def test_components_that_need_each_others_new_builds_move_in_one_step(gated: Factory) -> None:
    gated.publish("python-a", "a2", "2.0", requires=("python3-b >= 2.0",), component="one")
    gated.publish("python-b", "b2", "2.0", requires=("python3-a >= 2.0",), component="two")

    gated.tree.refresh(gated.members)

    assert at_current(gated) == {"one", "two"}
    assert aggregate(gated, "consistent") == aggregate(gated, "current")
    assert verify_tree(gated.tree, gated.store, gated.members) == []


def test_what_is_broken_in_one_component_already_stops_no_other(gated: Factory) -> None:
    gate, gated.tree.gate = gated.tree.gate, None
    gated.publish("python-c", "c2", "2.0", requires=("libnothing.so",), component="two")
    gated.tree.gate = gate
    gated.publish("python-a", "a2", component="one")

    gated.tree.refresh(gated.members)

    assert at_current(gated) == {"one", "two"}
    assert gated.tree.blockers(gated.members) == {"one": (), "two": ()}
