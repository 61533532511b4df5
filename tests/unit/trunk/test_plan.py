"""From the commits of the remotes to builds in the queue, without remotes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rdo.model.build import FailureReason
from rdo.model.commit import package_suffix
from rdo.tools.git.mirror import GitCommit, Mirror
from rdo.trunk.plan import PlanRules, RoundPlan, digest_of_inputs, make_plan, record_plan
from rdo.trunk.sources.history import ReleaseHistory
from rdo.trunk.sources.poll import FollowedPackage
from rdo.trunk.sources.selection import Sources
from tests.unit.trunk.past import TARGET, Past
from tests.unit.trunk.samples import NOW

MIRROR = Mirror(Path("nowhere"))


def line(letters: str) -> ReleaseHistory:
    commits = tuple(GitCommit(x.ljust(40, "0"), NOW, "") for x in letters)
    return ReleaseHistory(MIRROR, "master", commits, url="u")


def follow(
    past: Past, name: str, commits: str, distgit: str = "d", *problems: str
) -> FollowedPackage:
    """What a poll gives for `python-NAME`; without commits nothing could be seen of it."""
    package = past.packages[f"python-{name}"]
    sources = Sources((line(commits),), _distgit(distgit)) if commits else None
    return FollowedPackage(package, sources, problems)


def _distgit(letter: str) -> ReleaseHistory:
    return ReleaseHistory(MIRROR, "rpm-master", (GitCommit(letter * 40, NOW, ""),))


def plan(past: Past, *followed: FollowedPackage, **rules: Any) -> RoundPlan:
    with past.store.read() as at:
        return make_plan(at, TARGET, followed, PlanRules(**rules))


def record(past: Past, made: RoundPlan, *followed: FollowedPackage) -> None:
    record_plan(past.store, TARGET, made, followed, platform_digest="p", now=past.clock())


def shown(made: RoundPlan) -> list[str]:
    return [f"{one.package[-1]}{one.upstream_hash[0]}" for one in made.commits]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param({}, ["a3", "b5"], id="the head of what is new"),
        pytest.param({"initial_commits": 2}, ["a2", "a3", "b4", "b5"], id="as many as are wanted"),
        pytest.param(
            {"initial_commits": 2, "head_only": True}, ["a3", "b5"], id="the head and no other"
        ),
    ],
)
def test_new_packages(past: Past, rules: dict[str, Any], expected: list[str]) -> None:
    made = plan(past, follow(past, "a", "123"), follow(past, "b", "45"), **rules)

    assert shown(made) == expected


def test_what_was_planned_is_not_planned_again(past: Past) -> None:
    first = follow(past, "a", "12")
    record(past, plan(past, first), first)

    assert plan(past, first) == RoundPlan((), (), {})
    assert shown(plan(past, follow(past, "a", "1234"))) == ["a3", "a4"]


def test_a_commit_that_is_known_is_planned_again_only_as_the_head(past: Past) -> None:
    for commits in ("1", "12", "123"):
        seen = follow(past, "a", commits)
        record(past, plan(past, seen), seen)

    assert shown(plan(past, follow(past, "a", "12"))) == ["a2"]
    assert shown(plan(past, follow(past, "a", "9124"), initial_commits=9)) == ["a4"]


def test_a_known_commit_on_the_way_to_a_new_head_is_not_planned_again(past: Past) -> None:
    for commits in ("1", "12", "123", "12"):  # it goes back, and then on again
        seen = follow(past, "a", commits)
        record(past, plan(past, seen), seen)

    assert shown(plan(past, follow(past, "a", "1234"))) == ["a4"]


def test_a_package_that_cannot_be_seen_is_a_problem_and_others_go_on(past: Past) -> None:
    made = plan(past, follow(past, "a", "", "d", "it is away", "both"), follow(past, "b", "1"))

    assert shown(made) == ["b1"]
    assert made.problems == {"python-a": ("it is away", "both")}


def test_a_package_of_which_one_side_is_away_is_planned_and_a_problem(past: Past) -> None:
    made = plan(past, follow(past, "a", "1", "d", "one upstream is away"))

    assert shown(made) == ["a1"]
    assert made.problems == {"python-a": ("one upstream is away",)}


def test_notes_are_those_of_all_packages(past: Past) -> None:
    seen = follow(past, "a", "12")
    record(past, plan(past, seen), seen)

    [note] = plan(past, follow(past, "a", "89"), follow(past, "b", "1")).notes

    assert note.startswith("python-a: ")


def test_of_two_packages_with_the_same_hashes_the_second_gets_an_extended_hash(past: Past) -> None:
    followed = [follow(past, name, "1") for name in "ab"]

    made = plan(past, *followed)
    record(past, made, *followed)
    again = plan(past, *followed, follow(past, "c", "1"))

    assert [one.extended_hash for one in made.commits] == [None, package_suffix("python-b")]
    assert [one.extended_hash for one in again.commits] == [package_suffix("python-c")]


def test_what_is_worth_another_try_comes_last(past: Past) -> None:
    past.failed("x", FailureReason.TEST)
    past.packages["python-x"] = replace(past.packages["python-x"], skip_tests="no network")

    made = plan(past, follow(past, "x", "1"), follow(past, "a", "1"))

    assert shown(made) == ["a1", "x1"]


def heads(past: Past) -> dict[str, tuple[str, str]]:
    with past.store.read() as at:
        return {
            name[-1]: ((head.upstream_hash or "")[:1], head.error)
            for name, head in at.heads.all(TARGET).items()
        }


def test_what_the_poll_saw_is_noted(past: Past) -> None:
    followed = [
        follow(past, "a", "12"),
        follow(past, "b", "", "d", "away", "gone"),
        follow(past, "c", "3", "d", "half of it is away"),
    ]
    record(past, RoundPlan((), (), {}), *followed)
    assert heads(past) == {"a": ("2", ""), "b": ("", "away; gone"), "c": ("", "half of it is away")}

    record(past, RoundPlan((), (), {}), *(replace(one, problems=()) for one in followed))
    assert heads(past)["c"] == ("3", "")


@pytest.mark.parametrize(
    ("seen", "again"),
    [
        pytest.param(("1", "d"), False, id="nothing has moved"),
        pytest.param(("12", "d"), True, id="the upstream has"),
        pytest.param(("1", "e"), True, id="the distgit has"),
        pytest.param(("1", "d", "away"), True, id="it cannot be reached"),
    ],
)
def test_only_what_is_news_is_written(past: Past, seen: tuple[str, ...], again: bool) -> None:
    record(past, RoundPlan((), (), {}), follow(past, "a", "1"))
    with past.store.read() as at:
        before = at.heads.all(TARGET)

    record(past, RoundPlan((), (), {}), follow(past, "a", *seen))

    with past.store.read() as at:
        assert (at.heads.all(TARGET) != before) is again


def test_an_error_that_goes_on_is_known_since_it_began(past: Past) -> None:
    for _ in range(2):
        record(past, RoundPlan((), (), {}), follow(past, "a", "", "d", "away"))

    with past.store.read() as at:
        [head] = at.heads.all(TARGET).values()
    assert head.error_since is not None
    assert (past.now - head.error_since).total_seconds() == 1


def test_builds_are_queued_in_the_order_of_the_plan_with_their_inputs(past: Past) -> None:
    past.packages["python-b"] = replace(past.packages["python-b"], skip_tests="no network")
    followed = [follow(past, "b", "1"), follow(past, "a", "1", "e")]

    record(past, plan(past, *followed), *followed)

    with past.store.read() as at:
        queued = at.builds.queue(TARGET)
    assert [one.package for one in queued] == ["python-b", "python-a"]
    assert [one.inputs for one in queued] == [
        digest_of_inputs(queued[0].commit, "p", skip_tests=True),
        digest_of_inputs(queued[1].commit, "p"),
    ]


def test_inputs_differ_by_all_that_goes_into_a_build(past: Past) -> None:
    one = past.commit("a")
    others = [
        digest_of_inputs(past.commit("b"), "p"),
        digest_of_inputs(past.commit("a", "2"), "p"),
        digest_of_inputs(replace(one, distgit_hash="e" * 40), "p"),
        digest_of_inputs(replace(one, extended_hash="e" * 40), "p"),
        digest_of_inputs(one, "q"),
        digest_of_inputs(one, "p", bootstrap=True),
        digest_of_inputs(one, "p", skip_tests=True),
    ]

    digests = {digest_of_inputs(one, "p"), *others}

    assert len(digests) == 1 + len(others)
    assert digest_of_inputs(replace(one, upstream_branch="stable/1"), "p") in digests
