"""A part of a candidate promoted, and what is held back: recorded, kept, lifted, explained."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from rdo.app.targets import OpenTarget
from rdo.checks.findings import CheckAnswer, CheckName, Defect
from rdo.errors import NoSpaceError, RefusedError
from rdo.promotion.checking import Surroundings, check
from rdo.promotion.compositions import Composition, find
from rdo.promotion.deciding.criteria import Condition, ConditionState
from rdo.promotion.explaining import BlockerKind, Explanation, explain
from rdo.promotion.holding_back import HoldTerms, held_back, in_force, past, promote_part
from rdo.promotion.promoting import Promoted, promote
from rdo.promotion.simulating import promotion_start, simulate
from rdo.publish.journal import FRESH
from rdo.publish.site import Members
from rdo.publish.upkeep.verify import verify_tree
from tests.disk import Disk
from tests.publishing import TARGET, Factory, open_target, package

ALONE = Surroundings("x86_64")
WEEK = HoldTerms("me", "all that passes", timedelta(days=7))


@pytest.fixture
def broken(made: Factory) -> Factory:
    """python-a breaks python-b and python-c is newer; `tested` leads to what was before."""
    packages = tuple(
        replace(package(f"python-{letter}"), maintainers=(f"{letter}@example.test",))
        for letter in "abcd"
    )
    made.members = Members(packages)
    made.publish("python-a", "a1")
    made.publish("python-b", "b1", requires=("python3-a = 1.0",))
    made.publish("python-c", "c1")
    target = open_target(made)
    promote(target, "tested", find(target, "current"), by="me", why="first")
    made.publish("python-a", "a2", "2.0")
    made.publish("python-c", "c2", "2.0")
    return made


def checks(target: OpenTarget) -> Callable[[Composition], tuple[CheckAnswer, ...]]:
    before = find(target, "tested")
    return lambda composition: check(target, composition, ALONE, against=before)


def promote_rest(
    target: OpenTarget, reason: HoldTerms = WEEK, may_be_held: tuple[str, ...] | None = None
) -> Promoted:
    start, ask = promotion_start(target, "tested", find(target, "current")), checks(target)
    answers = ask(start.candidate)
    return promote_part(target, start, ALONE, ask, reason, answers=answers, may_be_held=may_be_held)


def explained(target: OpenTarget, candidate: str = "current") -> Explanation:
    start = promotion_start(target, "tested", find(target, candidate))
    return explain(target, start, checks(target)(start.candidate))


def test_the_proof_names_what_each_one_would_break(broken: Factory) -> None:
    target = open_target(broken)

    found = simulate(target, promotion_start(target, "tested", find(target, "current")), ALONE)

    assert (found.passes, found.is_minimal, found.at_least) == (True, True, 1)
    assert found.taken == ("python-c",)
    [held] = found.held
    assert (held.package, held.stays_at, held.instead_of) == (
        "python-a",
        "python-a-1.0-1",
        "python-a-2.0-1",
    )
    assert [one.check for one in held.breaks] == [CheckName.VANISHED]
    assert "python3-b-1.0-1.noarch cannot be installed" in held.breaks[0].what


def test_a_hold_keeps_its_end_and_ends_when_it_is_not_needed(broken: Factory) -> None:
    target = open_target(broken)
    first = promote_rest(target)
    broken.publish("python-a", "a3", "3.0")
    broken.publish("python-d", "d1")
    again = promote_rest(target, HoldTerms("you", "more", timedelta(days=70)))
    broken.publish("python-b", "b2", "2.0")

    done = find(target, "current")
    mended = promote(target, "tested", done, by="me", why="mended", ending="mended")

    [held] = first.held
    assert (held.package, held.until - held.since) == ("python-a", timedelta(days=7))
    assert held.why.startswith("python3-b-1.0-1.noarch cannot be installed")
    assert again.held == first.held
    assert mended.held == ()
    assert held_back(target, "tested") == {}
    [over] = past(target, "tested")
    assert (over.package, over.ending) == ("python-a", "mended")
    assert over.ended is not None


def test_after_its_end_a_hold_holds_nothing_any_more(broken: Factory) -> None:
    target = open_target(broken)
    promote_rest(target)
    broken.publish("python-d", "d1")
    assert set(in_force(target, "tested")) == {"python-a"}

    broken.now.now += timedelta(days=8)

    assert in_force(target, "tested") == {}
    with pytest.raises(RefusedError, match="holding packages back does not help"):
        promote_rest(target, may_be_held=tuple(in_force(target, "tested")))
    [blocker] = explained(target).blockers
    assert blocker.held is not None
    assert not blocker.held.is_in_force(target.now())
    renewed = promote_rest(target, HoldTerms("you", "again", timedelta(days=1)))
    assert [one.by for one in renewed.held] == ["you"]
    assert [one.ending for one in past(target, "tested")] == ["", "expired"]


def test_what_a_later_check_finds_is_held_back_too(broken: Factory) -> None:
    """Such as a file of two packages, which only the composed repository shows."""
    target = open_target(broken)
    seen: list[frozenset[int]] = []

    def also_dislikes_c(composition: Composition) -> tuple[CheckAnswer, ...]:
        seen.append(composition.build_ids)
        found = checks(target)(composition)
        build = composition.builds["python-c"]
        if build.nvr == "python-c-1.0-1":
            return found
        defect = Defect(CheckName.FILES, "python-c", "python-c has a file of python-b")
        return (*found, CheckAnswer(CheckName.FILES, (defect,)))

    broken.publish("python-d", "d1")
    start = promotion_start(target, "tested", find(target, "current"))
    answers = also_dislikes_c(start.candidate)
    done = promote_part(target, start, ALONE, also_dislikes_c, WEEK, answers=answers)

    assert [one.package for one in done.held] == ["python-a", "python-c"]
    assert len(seen) == 2


def test_nothing_is_moved_if_nothing_newer_passes(broken: Factory) -> None:
    target = open_target(broken)
    promote_rest(target)
    before = broken.leads("tested")

    with pytest.raises(RefusedError, match="no newer build of current passes"):
        promote_rest(target)

    assert broken.leads("tested") == before


def test_the_second_mover_is_refused_and_loses_nothing(broken: Factory) -> None:
    target = open_target(broken)
    start = promotion_start(target, "tested", find(target, "current"))
    promote_rest(target)
    now = broken.leads("tested"), held_back(target, "tested")

    ask = checks(target)
    answers = ask(start.candidate)
    with pytest.raises(RefusedError, match="was moved by someone else in the meantime") as told:
        promote_part(target, start, ALONE, ask, WEEK, answers=answers)

    assert "rdo promotion history tested" in told.value.hint
    assert (broken.leads("tested"), held_back(target, "tested")) == now


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_full_disk_is_reported_and_nothing_is_lost(broken: Factory) -> None:
    target = open_target(broken)
    disk = Disk(broken.tree.repos / FRESH)
    disk.mount("64k")
    try:
        disk.fill()
        before = broken.leads("tested")

        with pytest.raises(NoSpaceError, match="no space left for the tree") as told:
            promote_rest(target)
    finally:
        subprocess.run(["umount", "--lazy", disk.place], check=True)

    assert told.value.hint
    assert (broken.leads("tested"), held_back(target, "tested")) == (before, {})
    assert verify_tree(broken.tree, broken.store, broken.members) == []
    assert [one.package for one in promote_rest(target).held] == ["python-a"]


def test_a_new_name_leaves_out_what_cannot_be_installed(broken: Factory) -> None:
    target = open_target(broken)
    start = promotion_start(target, "fresh", find(target, "current"))

    answers = check(target, start.candidate, ALONE)
    done = promote_part(
        target, start, ALONE, lambda one: check(target, one, ALONE), WEEK, answers=answers
    )

    assert [(one.package, one.build_id) for one in done.held] == [("python-b", None)]
    assert set(find(target, "fresh").builds) == {"python-a", "python-c"}


def test_the_shortest_list_has_one_blocker_for_each_package_to_mend(broken: Factory) -> None:
    target = open_target(broken)
    broken.publish("python-d", "d1", requires=("python3-a = 1.0", "python3-b"))

    found = explained(target)

    [blocker] = found.blockers
    assert (blocker.kind, blocker.package, blocker.others) == (BlockerKind.DEFECT, "python-a", 1)
    assert blocker.owners == ("a@example.test",)
    assert blocker.since == find(target, "current").builds["python-a"].release_date
    assert found.command == (
        f"rdo promotion promote tested current --target {TARGET} --because WHY --hold-back"
    )
    assert found.newer == ("python-a", "python-c", "python-d")


def test_a_name_at_its_candidate_is_blocked_by_what_blocks_that(broken: Factory) -> None:
    target = open_target(broken)
    broken.publish("python-d", "d1")
    promote(target, "tested", find(target, "consistent"), by="me", why="")
    broken.fail("python-c", "c3")
    with broken.store.write() as at:
        at.holds.hold(TARGET, "python-b", None, now=broken.now(), by="bo", why="it hangs")
        at.holds.pause(TARGET, now=broken.now(), by="op", why="a new disk")

    found = explained(target, "consistent")

    assert found.newer == ()
    assert [(one.kind, one.package, one.owners) for one in found.blockers] == [
        (BlockerKind.PAUSE, "", ("op",)),
        (BlockerKind.BUILD, "python-c", ("c@example.test",)),
        (BlockerKind.HOLD, "python-b", ("bo",)),
    ]
    assert all(one.since for one in found.blockers)
    assert [one.command.rpartition(" --")[0] for one in found.blockers] == [
        "rdo trunk resume",
        "rdo why python-c",
        "rdo trunk release python-b",
    ]


def test_criteria_that_are_not_met_come_first(broken: Factory) -> None:
    target = open_target(broken)
    start = promotion_start(target, "tested", find(target, "current"))
    unmet = (
        Condition("tempest", ConditionState.MISSING, "has not voted"),
        Condition("age", ConditionState.RUNNING, "old enough at noon"),
    )

    found = explain(target, start, (), unmet)

    assert [(one.kind, one.what) for one in found.blockers] == [
        (BlockerKind.CRITERIA, "tempest: has not voted"),
        (BlockerKind.CRITERIA, "age: old enough at noon"),
    ]
    where = f"--target {TARGET}"
    assert [one.command for one in found.blockers] == [
        f"rdo promotion vote current --job tempest --success {where}",
        f"rdo promotion promote tested {where}",
    ]
