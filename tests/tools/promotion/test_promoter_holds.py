"""The promoter of a name that holds packages back: kept, lifted, and never undone by older ones."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rdo.app.targets import OpenTarget
from rdo.checks.findings import CheckAnswer
from rdo.model.vote import JobVerdict
from rdo.promotion import checking
from rdo.promotion.checking import Surroundings
from rdo.promotion.compositions import Composition, find
from rdo.promotion.deciding.criteria import Criteria
from rdo.promotion.deciding.promoter import PromoterChecks, PromotionDecision, decide, run
from rdo.promotion.deciding.votes import find_ballot, vote
from rdo.promotion.holding_back import HoldTerms, held_back, in_force, past, promote_part
from rdo.promotion.promoting import history, promote, rollback
from rdo.promotion.simulating import promotion_start
from rdo.publish.site import Members
from rdo.publish.upkeep.verify import verify_tree
from tests.publishing import Factory, RpmShelf, factory, open_target, package

ALONE = Surroundings("x86_64")
CRITERIA = Criteria("tested", "current", jobs=("one",))
WEEK = HoldTerms("me", "all that passes", timedelta(days=7))
DAY = timedelta(days=1)


def really(target: OpenTarget) -> PromoterChecks:
    """The checks that need no root, asked each time."""

    def ask(
        found: Composition, before: Composition | None, names: tuple[str, ...] | None
    ) -> Sequence[CheckAnswer]:
        assert names != ()
        return checking.check(target, found, ALONE, against=before)

    return PromoterChecks(ask, lambda: ALONE)


def go(target: OpenTarget, criteria: Criteria = CRITERIA) -> PromotionDecision:
    [done] = run(target, [criteria], really(target))
    return done


def succeed(target: OpenTarget, on: str = "current") -> str:
    vote(target, find_ballot(target, on), "one", JobVerdict.SUCCESS, by="ci")
    return on


def versions(target: OpenTarget, name: str = "tested") -> dict[str, str]:
    builds = find(target, name).builds
    return {one.removeprefix("python-"): builds[one].nvr.split("-")[-2] for one in sorted(builds)}


@pytest.fixture
def held(made: Factory) -> OpenTarget:
    """`tested` holds python-a back, of which the newer build breaks python-b."""
    made.members = Members(tuple(package(f"python-{letter}") for letter in "abcd"))
    made.publish("python-a", "a1")
    made.publish("python-b", "b1", requires=("python3-a = 1.0",))
    made.publish("python-c", "c1")
    target = open_target(made)
    promote(target, "tested", find(target, "current"), by="me", why="first")
    made.publish("python-a", "a2", "2.0")
    made.publish("python-c", "c2", "2.0")
    hold(target, ("python-a",))
    return target


def hold(target: OpenTarget, packages: tuple[str, ...]) -> None:
    start = promotion_start(target, "tested", find(target, "current"))
    ask = really(target).ask
    promote_part(
        target,
        start,
        ALONE,
        lambda one: ask(one, start.before, None),
        WEEK,
        answers=ask(start.candidate, start.before, None),
        may_be_held=packages,
    )


def test_a_candidate_is_promoted_without_what_is_held_back(made: Factory, held: OpenTarget) -> None:
    before = in_force(held, "tested")
    made.publish("python-a", "a3", "3.0")
    made.publish("python-d", "d1")
    succeed(held)

    [shown] = decide(held, CRITERIA, really(held))
    shown_repositories = shown.repositories
    done, again = go(held), go(held)

    assert (shown_repositories, shown.label) == ((), done.label)
    assert done.label.endswith(" but python-a")
    assert versions(held) == {"a": "1.0", "b": "1.0", "c": "2.0", "d": "1.0"}
    assert in_force(held, "tested") == before
    assert "held back: python-a, until 2026-08-08 12:00 UTC" in history(held, "tested")[0].why
    assert (again.chosen, again.moved) == (None, ())
    assert "no newer build of" in str(again.judged[0].unmet[-1])
    assert verify_tree(made.tree, made.store, made.members) == []


def test_the_hold_is_lifted_by_what_mends_it(made: Factory, held: OpenTarget) -> None:
    made.publish("python-b", "b2", "2.0")
    succeed(held)

    done = go(held)

    assert done.part is None
    assert versions(held) == {"a": "2.0", "b": "2.0", "c": "2.0"}
    assert held_back(held, "tested") == {}
    assert [one.ending for one in past(held, "tested")] == ["mended"]


def test_nothing_else_than_what_is_held_back_may_be_left_behind(
    made: Factory, held: OpenTarget
) -> None:
    made.publish("python-c", "c3", "3.0", requires=("libnothing.so",))
    made.publish("python-d", "d1")
    succeed(held)

    done = go(held)

    assert done.chosen is None
    assert "holding packages back does not help" in str(done.judged[0].unmet[-1])
    assert versions(held) == {"a": "1.0", "b": "1.0", "c": "2.0"}


def test_a_hold_whose_time_is_over_is_lifted_though_nothing_moves(
    made: Factory, held: OpenTarget
) -> None:
    made.now.now += 8 * DAY
    checked = replace(CRITERIA, checks=None)
    made.publish("python-d", "d1")
    succeed(held)

    [shown] = decide(held, checked, really(held))
    still = held_back(held, "tested")
    done = go(held, checked)

    assert set(still) == {"python-a"}
    assert (shown.chosen, done.chosen) == (None, None)
    assert held_back(held, "tested") == {}
    assert [one.ending for one in past(held, "tested")] == ["expired"]
    assert go(held, CRITERIA).moved, "criteria without checks take all of it then"
    assert versions(held)["a"] == "2.0"


def test_a_candidate_older_than_the_part_that_a_name_has_is_never_taken(
    made: Factory, held: OpenTarget
) -> None:
    """Neither while something is held back nor when its time is over."""
    with made.store.read() as at:
        older = [one.path for one in at.repositories.in_tree(held.name)]
    for place in older:
        if place != made.leads("current") and not place.startswith("composed"):
            succeed(held, place)
    leads = made.leads("tested")

    during = go(held)
    made.now.now += 8 * DAY
    after = go(held)

    assert [len(one.judged) for one in (during, after)] == [1, 1]
    assert made.leads("tested") == leads


def test_a_part_that_was_rolled_back_is_not_promoted_again(made: Factory, held: OpenTarget) -> None:
    made.publish("python-d", "d1")
    succeed(held)
    moved = go(held).moved
    rollback(held, "tested", by="me", why="it does not start")

    [shown] = decide(held, CRITERIA, really(held))
    done = go(held)

    assert len(moved) == 1
    assert (shown.chosen, done.chosen) == (None, None)
    assert f"tested has led to {moved[0]} before" in str(done.judged[0].unmet[-1])
    assert "d" not in versions(held)


@pytest.fixture
def parts(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """Two components; python-a breaks python-b of the other one, python-c is newer."""
    packages = (
        package("python-a", component="one"),
        package("python-c", component="one"),
        package("python-b", component="two"),
    )
    with factory(tmp_path, shelf, *packages, components=True) as made:
        made.publish("python-a", "a1", component="one")
        made.publish("python-c", "c1", component="one")
        made.publish("python-b", "b1", requires=("python3-a = 1.0",), component="two")
        target = open_target(made)
        promote(target, "tested", find(target, "current"), by="me", why="first")
        made.publish("python-a", "a2", "2.0", component="one")
        made.publish("python-c", "c2", "2.0", component="one")
        hold(target, ("python-a",))
        yield made


def test_components_together_move_without_what_is_held_back(parts: Factory) -> None:
    target = open_target(parts)
    parts.publish("python-c", "c3", "3.0", component="one")
    parts.publish("python-b", "b2", "1.1", requires=("python3-a = 1.0",), component="two")
    succeed(target, (parts.tree.repos / "current/delorean.repo.md5").read_text())

    done, again = go(target), go(target)

    assert versions(target) == {"a": "1.0", "b": "1.1", "c": "3.0"}
    assert len(done.moved) == 2
    assert again.moved == ()
    assert set(in_force(target, "tested")) == {"python-a"}
    assert verify_tree(parts.tree, parts.store, parts.members) == []


def test_a_component_that_moves_alone_leaves_the_holds_of_others(parts: Factory) -> None:
    target = open_target(parts)
    each = replace(CRITERIA, each=True)
    parts.publish("python-c", "c3", "3.0", component="one")
    parts.publish("python-b", "b2", "1.1", requires=("python3-a = 1.0",), component="two")
    succeed(target, parts.leads("component/two/current"))

    first = run(target, [each], really(target))
    held = in_force(target, "tested")
    succeed(target, parts.leads("component/one/current"))
    second = run(target, [each], really(target))

    assert [len(one.moved) for one in first] == [0, 1]
    assert set(held) == {"python-a"}
    assert [len(one.moved) for one in second] == [1, 0]
    assert versions(target) == {"a": "1.0", "b": "1.1", "c": "3.0"}
    assert in_force(target, "tested") == held
