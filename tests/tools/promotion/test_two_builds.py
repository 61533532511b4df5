"""The fewest packages at their older build, chosen by libsolv from real repositories."""

import shutil
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import pytest

from rdo.checks.two_builds import Shown, TwoSets
from rdo.promotion.compositions import Composition, find
from rdo.publish.site import Members
from rdo.solver import FewestHeld, SolverRepository, uninstallable
from tests.publishing import Factory, open_target, package

pytestmark = pytest.mark.skipif(not shutil.which("rpmbuild"), reason="rpmbuild is not installed")

ARCH = "x86_64"


@pytest.fixture
def six(made: Factory) -> Factory:
    made.members = Members(tuple(package(f"python-{letter}") for letter in "abcdef"))
    return made


def folders(made: Factory, name: str, found: Composition) -> tuple[SolverRepository, ...]:
    place = made.tree.repos / found.repositories[0].path
    return (SolverRepository(name, place),)


def shown(made: Factory, older: str, newer: str) -> Shown:
    target = open_target(made)
    now, then = find(target, newer), find(target, older)
    sets = TwoSets(now.builds, then.builds)
    return Shown(sets, folders(made, "newer", now), folders(made, "older", then))


def broken(both: Shown, held: Iterable[str]) -> set[str]:
    repositories = both.of(held)
    names = [one.name for one in repositories]
    return {one.name for one in uninstallable(repositories, names, arch=ARCH)}


def fewest(both: Shown, may_be_held: Iterable[str] | None = None) -> FewestHeld:
    allowed = both.sets.changed if may_be_held is None else may_be_held
    return both.fewest_held((), arch=ARCH, may_be_held=allowed, seconds=60)


def is_fewest(both: Shown, held: frozenset[str]) -> bool:
    """Whether a set passes and no smaller one does, by trying them all."""
    smaller = (
        chosen for size in range(len(held)) for chosen in combinations(both.sets.changed, size)
    )
    return not broken(both, held) and all(broken(both, one) for one in smaller)


def test_the_package_that_breaks_another_is_held_and_the_rest_is_not(six: Factory) -> None:
    for letter in "cdef":
        six.publish(f"python-{letter}", f"{letter}1")
    six.publish("python-a", "a1")
    six.publish("python-b", "b1", requires=("python3-a = 1.0",))
    older = six.leads("current")
    for letter in "acdef":
        six.publish(f"python-{letter}", f"{letter}2", "2.0")

    with shown(six, older, "current") as both:
        found = fewest(both)
        assert broken(both, ()) == {"python3-b"}
        assert found == FewestHeld(frozenset({"python-a"}), 1, is_proven=True)
        assert is_fewest(both, frozenset({"python-a"}))


def test_what_needs_the_newer_one_is_held_with_it(six: Factory) -> None:
    """python-a has to wait for python-b; python-c and, by it, python-d need the newer python-a."""
    six.publish("python-a", "a1")
    six.publish("python-b", "b1", requires=("python3-a = 1.0",))
    six.publish("python-c", "c1", requires=("python3-a",))
    six.publish("python-d", "d1")
    older = six.leads("current")
    six.publish("python-a", "a2", "2.0")
    six.publish("python-c", "c2", "2.0", requires=("python3-a = 2.0",))
    six.publish("python-d", "d2", "2.0", requires=("python3-c >= 2",))

    with shown(six, older, "current") as both:
        found = fewest(both)
        assert found.held == frozenset({"python-a", "python-c", "python-d"})
        assert found.is_proven
        assert is_fewest(both, found.held)


def test_of_two_that_exclude_each_other_in_a_third_one_is_held(six: Factory) -> None:
    """Only libsolv sees it: python-c requires both, and the newer python-a conflicts with one."""
    six.publish("python-a", "a1")
    six.publish("python-b", "b1")
    six.publish("python-c", "c1", requires=("python3-a", "python3-b"))
    six.publish("python-d", "d1")
    older = six.leads("current")
    six.publish("python-a", "a2", "2.0", requires=("python3-d\nConflicts: python3-b >= 2",))
    six.publish("python-b", "b2", "2.0")
    six.publish("python-d", "d2", "2.0")

    with shown(six, older, "current") as both:
        found = fewest(both)
        assert found.is_proven
        assert found.at_least == 1
        assert found.held
        assert found.held < frozenset({"python-a", "python-b"})
        assert is_fewest(both, found.held)


def test_a_new_package_is_left_out_and_one_that_is_gone_stays(six: Factory) -> None:
    six.publish("python-a", "a1")
    six.publish("python-b", "b1", requires=("python3-a",))
    older = six.leads("current")
    six.publish("python-c", "c1", requires=("python3-nothing",))
    six.members = Members(tuple(package(f"python-{letter}") for letter in "bcdef"))
    six.publish("python-d", "d1")

    with shown(six, older, "current") as both:
        found = fewest(both)
        assert found.held == frozenset({"python-a", "python-c"})
        assert set(both.sets.chosen(found.held)) == {"python-a", "python-b", "python-d"}
        assert is_fewest(both, found.held)


def test_a_file_that_is_required_counts(six: Factory, tmp_path: Path) -> None:
    six.publish("python-a", "a1")
    six.publish("python-b", "b1", requires=("/usr/share/python-a/file",))
    older = six.leads("current")
    six.members = Members(tuple(package(f"python-{letter}") for letter in "bcdef"))
    six.publish("python-c", "c1")

    with shown(six, older, "current") as both:
        assert fewest(both).held == frozenset({"python-a"})


def test_an_rpm_that_moved_to_another_package_is_never_there_twice(six: Factory) -> None:
    six.publish("python-a", "a1", "2.0")
    older = six.leads("current")
    six.publish("python-a", "a2", "1.0")
    six.publish("python-b", "b1")

    with shown(six, older, "current") as both:
        assert fewest(both).held == frozenset({"python-a"})  # it went backwards


def test_without_a_choice_there_is_no_set(six: Factory) -> None:
    six.publish("python-a", "a1")
    six.publish("python-b", "b1", requires=("python3-nothing",))
    older = six.leads("current")
    six.publish("python-a", "a2", "2.0")

    with shown(six, older, "current") as both:
        assert fewest(both) == FewestHeld(None, 0, is_proven=True)

    six.publish("python-b", "b2", "2.0")
    with shown(six, older, "current") as both:
        assert fewest(both).held == frozenset()
        assert fewest(both, ()).held == frozenset()
