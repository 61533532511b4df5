"""The promoter on a published tree: which candidate it takes, and that it moves once."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rdo.app.targets import OpenTarget
from rdo.checks.findings import CheckAnswer, CheckName
from rdo.errors import RefusedError
from rdo.model.vote import JobVerdict
from rdo.promotion.checked import CheckWish, check
from rdo.promotion.checking import Subject, Surroundings
from rdo.promotion.compositions import Composition, find
from rdo.promotion.deciding.criteria import Criteria
from rdo.promotion.deciding.promoter import (
    LOCK,
    CheckCandidate,
    PromoterChecks,
    PromotionDecision,
    require,
    run,
)
from rdo.promotion.deciding.promotion_status import promotion_states
from rdo.promotion.deciding.votes import find_ballot, vote
from rdo.promotion.promoting import history, promote, rollback
from rdo.publish.upkeep.verify import verify_tree
from tests.databases import copy_factory
from tests.publishing import Factory, RpmShelf, factory, open_target, package
from tests.tools.publish.test_kill import kill_at

SUCCESS, FAILURE, BEGUN = JobVerdict.SUCCESS, JobVerdict.FAILURE, JobVerdict.IN_PROGRESS
CRITERIA = Criteria("tested", "current", jobs=("one", "two"))


def asking(check: CheckCandidate) -> PromoterChecks:
    return PromoterChecks(check, lambda: Surroundings("x86_64"))


@asking
def no_check(*_: object) -> Sequence[CheckAnswer]:
    raise AssertionError("no check is asked for")


def say(target: OpenTarget, on: str, verdict: JobVerdict = SUCCESS, *jobs: str) -> None:
    for job in jobs or ("one", "two"):
        vote(target, find_ballot(target, on), job, verdict, by="ci")


def go(target: OpenTarget, *criteria: Criteria) -> PromotionDecision:
    [done] = run(target, criteria or (CRITERIA,), no_check)
    return done


def test_the_newest_candidate_that_all_jobs_voted_for_is_promoted(
    made: Factory, target: OpenTarget, places: list[str]
) -> None:
    one, two, three = places
    say(target, one)
    say(target, two)
    say(target, three, SUCCESS, "one")
    say(target, three, BEGUN, "two")

    done = go(target)
    again = go(target)

    assert done.moved == (two,)
    assert made.leads("tested") == two
    [move] = history(target, "tested")
    assert move.by == "criteria"
    assert move.why.startswith("criteria met by current; one: success at 2026-08-01")
    assert (again.moved, again.chosen) == ((), None)
    assert [str(x) for x in again.judged[0].unmet] == ["two: two runs since 2026-08-01 12:00 UTC"]
    assert verify_tree(made.tree, made.store, made.members) == []


def test_what_was_rolled_back_is_not_promoted_again(
    made: Factory, target: OpenTarget, places: list[str]
) -> None:
    one, two, three = places
    say(target, one)
    go(target)
    say(target, two)
    go(target)
    rollback(target, "tested", by="me", why="it does not start")

    assert go(target).chosen is None
    assert made.leads("tested") == one
    say(target, three)
    assert go(target).moved == (three,)
    assert made.leads("previous-tested") == one


def test_a_candidate_may_be_another_promotion_and_both_move_in_one_run(
    made: Factory, target: OpenTarget, places: list[str]
) -> None:
    say(target, places[1], SUCCESS, "one", "two", "three")

    done = run(target, (CRITERIA, Criteria("live", "tested", jobs=("three",))), no_check)

    assert [one.moved for one in done] == [(places[1],), (places[1],)]
    assert made.leads("live") == places[1]


def test_a_candidate_that_was_removed_or_is_too_young_waits(
    made: Factory, target: OpenTarget, places: list[str]
) -> None:
    say(target, places[1])
    made.tree.take_out(find(target, places[1]).repositories[0])

    assert [str(x) for x in go(target).judged[1].unmet] == [f"repository: {places[1]} was removed"]
    say(target, places[2])
    old = Criteria("tested", "current", jobs=("one",), minimum_age=timedelta(hours=2))
    young = go(target, old)
    made.now.now += timedelta(hours=3)

    assert [str(x) for x in young.judged[0].unmet] == ["age: old enough at 2026-08-01 14:00 UTC"]
    assert go(target, old).moved == (places[2],)


def test_a_rebuild_of_a_commit_needs_votes_of_its_own(made: Factory, target: OpenTarget) -> None:
    made.publish("python-a", "a1")
    say(target, "current")
    made.publish("python-a", "a1", "1.1")

    assert go(target).chosen is None


def test_a_vote_that_comes_between_decision_and_move_counts(
    made: Factory, target: OpenTarget, places: list[str]
) -> None:
    say(target, places[2])

    def late(*_: object) -> Sequence[CheckAnswer]:
        say(target, places[2], FAILURE, "two")
        return ()

    [done] = run(target, [Criteria("tested", "current", ("one", "two"), checks=None)], asking(late))

    assert isinstance(done.error, RefusedError)
    assert "has just lost what it needs: two: two failed" in str(done.error)
    assert made.leads("tested") == ""


def test_a_name_that_somebody_moved_meanwhile_is_left_to_them(
    made: Factory, target: OpenTarget, places: list[str]
) -> None:
    say(target, places[2])

    def meanwhile(*_: object) -> Sequence[CheckAnswer]:
        promote(target, "tested", find(target, places[0]), by="me", why="mine")
        return ()

    [done] = run(target, [Criteria("tested", "current", ("one",), checks=None)], asking(meanwhile))

    assert "was moved by someone else in the meantime" in str(done.error)
    assert made.leads("tested") == places[0]


def test_checks_of_the_criteria_keep_a_candidate_back(made: Factory, target: OpenTarget) -> None:
    made.publish("python-a", "a1")
    good = made.leads("current")
    say(target, good)
    made.publish("python-a", "a2", "2.0", requires=("libnothing.so",))
    say(target, "current")

    def real(
        found: Composition, before: Composition | None, wanted: tuple[str, ...] | None
    ) -> Sequence[CheckAnswer]:
        subject = Subject(target, found, Surroundings("x86_64"), before)
        return check(subject, CheckWish((CheckName.INSTALLABLE,)), by="me")

    [done] = run(target, [Criteria("tested", "current", ("one", "two"), checks=None)], asking(real))

    assert done.moved == (good,)
    [bad] = done.judged[0].unmet
    assert bad.what == "check installable"
    assert bad.detail.startswith("python-a: ")


def test_by_hand_a_repository_must_meet_the_criteria(
    made: Factory, target: OpenTarget, places: list[str]
) -> None:
    say(target, places[0])

    assert "two: success" in require(target, CRITERIA, find(target, places[0]), no_check)
    with pytest.raises(RefusedError, match=r"does not meet its criteria\n  one: has not voted"):
        require(target, CRITERIA, find(target, places[1]), no_check)


def test_the_status_tells_what_each_candidate_lacks(
    made: Factory, target: OpenTarget, places: list[str]
) -> None:
    say(target, places[0])
    go(target)
    say(target, places[2], FAILURE, "two")

    [state] = promotion_states(target, {"tested": CRITERIA})

    assert (state.leads, state.by) == ((places[0],), "criteria")
    assert [[str(x) for x in one.unmet] for one in state.judged] == [
        ["one: has not voted", "two: two failed at 2026-08-01 12:00 UTC"],
        ["one: has not voted", "two: has not voted"],
    ]


@pytest.fixture
def parts(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """Two components, each with two builds."""
    packages = (package("python-a", component="one"), package("python-b", component="two"))
    with factory(tmp_path, shelf, *packages, components=True) as made:
        for version in ("1.0", "2.0"):
            made.publish("python-a", f"a{version[0]}", version, component="one")
            made.publish("python-b", f"b{version[0]}", version, component="two")
        yield made


def test_components_together_are_promoted_by_votes_on_their_aggregate(parts: Factory) -> None:
    target = open_target(parts)
    md5 = (parts.tree.repos / "current/delorean.repo.md5").read_text()
    own = Criteria("tested", "current", ("one",), component_jobs={"two": ("three",)})

    before = go(target, own)
    say(target, md5, SUCCESS, "one")
    between = go(target, own)
    say(target, parts.leads("component/two/current"), SUCCESS, "three")
    done = go(target, own)

    assert [str(x) for x in before.judged[0].unmet] == [
        "one: has not voted",
        "two: three: has not voted",
    ]
    assert [str(x) for x in between.judged[0].unmet] == ["two: three: has not voted"]
    assert len(done.moved) == 2
    assert (parts.tree.repos / "tested/delorean.repo.md5").read_text() == md5
    assert go(target, own).judged == ()


def test_components_are_promoted_one_by_one_if_the_criteria_say_so(parts: Factory) -> None:
    target = open_target(parts)
    each = Criteria(
        "tested", "current", each=True, component_jobs={"one": ("job-1",), "two": ("job-2",)}
    )
    place = parts.leads("component/two/current")
    say(target, place, SUCCESS, "job-2")

    done = run(target, [each], no_check)

    assert [(one.component, one.moved) for one in done] == [("one", ()), ("two", (place,))]
    assert parts.leads("component/one/tested") == ""
    assert parts.leads("component/two/tested") == place


def _promoter(root: Path, shelf: Path, started: Any, go_on: Any, answer: Any) -> None:
    """A second promoter in a process of its own, which stops before it moves."""
    with factory(root, RpmShelf(shelf), package("python-a"), package("python-b")) as made:
        target = open_target(made)

        def wait(*_: object) -> Sequence[CheckAnswer]:
            started.set()
            assert go_on.wait(60)
            return ()

        done = run(target, [Criteria("tested", "current", ("one",), checks=None)], asking(wait))
        answer.put([one.moved for one in done])


def test_two_promoters_at_once_move_once(
    tmp_path: Path, made: Factory, target: OpenTarget, places: list[str]
) -> None:
    say(target, places[2])
    spawn = multiprocessing.get_context("spawn")
    started, go_on, answer = spawn.Event(), spawn.Event(), spawn.Queue()
    other = spawn.Process(
        target=_promoter, args=(tmp_path, made.shelf.folder, started, go_on, answer)
    )
    other.start()
    assert started.wait(60)

    with pytest.raises(RefusedError, match="is busy: promoting by criteria, process"):
        run(target, [CRITERIA], no_check)
    go_on.set()

    assert answer.get(timeout=60) == [(places[2],)]
    other.join(60)
    assert go(target).chosen is None
    assert len(history(target, "tested")) == 1


def survives(root: Path, shelf: RpmShelf, step: int, act: Callable[[OpenTarget], object]) -> bool:
    """Do something in a child that dies at its `step`th change of files; whether it did not."""
    child = os.fork()
    if child == 0:
        try:
            with factory(root, shelf, package("python-a"), package("python-b")) as made:
                target = open_target(made)
                kill_at(step)
                act(target)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status)


def test_a_promoter_that_is_killed_anywhere_is_finished_by_the_next(
    tmp_path: Path, shelf: RpmShelf
) -> None:
    members, prepared = (package("python-a"), package("python-b")), tmp_path / "prepared"
    prepared.mkdir()
    with factory(prepared, shelf, *members) as made:
        target = open_target(made)
        made.publish("python-a", "a1")
        say(target, "current")
        go(target)
        made.publish("python-a", "a2", "2.0")
        say(target, "current")
    for step in range(1, 100):
        root = tmp_path / str(step)
        copy_factory(prepared, root)
        ended = survives(root, shelf, step, go)
        with factory(root, shelf, *members) as made:
            target = open_target(made)
            go(target)

            assert made.leads("tested") == made.leads("current")
            assert made.leads("previous-tested") != made.leads("tested")
            assert len(history(target, "tested")) == 2
            assert verify_tree(made.tree, made.store, made.members) == []
            assert not (made.folder / LOCK).read_text()
        if ended:
            return
    raise AssertionError("it never ends")
