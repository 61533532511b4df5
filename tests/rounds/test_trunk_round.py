"""Rounds from real git to a published tree; the builds do what a test announced."""

import threading
from datetime import timedelta
from typing import cast

import pytest

from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.lock import hold
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.trunk.plan import PlanRules, make_plan, record_plan
from rdo.trunk.views.report import Report, summary
from rdo.trunk.views.state import PackageState
from rdo.trunk.views.status import remark, status, status_row
from tests.fakes.builder import BROKEN, SPURIOUS, GoodBuild, Unless
from tests.rounds.factory import TARGET, Factory


def built(report: Report) -> list[str]:
    return [one.build.package for one in report.built]


def failures(report: Report) -> dict[str, str]:
    return {
        one.build.package: str(one.outcome.detail)
        for one in report.failed
        if isinstance(one.outcome, Failed)
    }


def test_the_first_round_builds_and_publishes_everything(factory: Factory) -> None:
    factory.add("a", "b")

    report = factory.round()

    assert sorted(built(report)) == ["python-a", "python-b"]
    assert report.exit_code == 0
    current = factory.name("current")
    assert current
    assert factory.name("consistent") == current
    assert (current / "repodata" / "repomd.xml").exists()


def test_an_unchanged_round_builds_nothing_and_says_so(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    before = factory.name("current")

    report = factory.round()

    assert report.is_idle
    assert report.exit_code == 0
    assert len(factory.builder.jobs) == 2
    assert factory.name("current") == before


def test_a_new_commit_and_a_changed_distgit_are_built(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    new = factory.upstreams["a"].commit("two")
    changed = factory.distgits["b"].commit("fix")

    report = factory.round()

    commits = {one.build.package: one.build.commit for one in report.built}
    assert commits["python-a"].upstream_hash == new
    assert commits["python-b"].distgit_hash == changed
    assert len(commits) == 2


def test_a_clock_that_goes_back_lowers_no_release(factory: Factory) -> None:
    factory.add("a")
    [first] = factory.round().built
    factory.clock.moment -= timedelta(days=730)
    factory.upstreams["a"].commit("two")

    report = factory.round()

    [second] = report.built
    assert second.build.release_date > first.build.release_date
    assert report.exit_code == 0
    assert factory.name("current") == factory.name("consistent")


def test_a_clock_that_was_years_ahead_delays_no_try(factory: Factory) -> None:
    factory.add("a")
    factory.clock.moment += timedelta(days=730)
    factory.builder.will("python-a", *[Failed(FailureReason.NETWORK, "no route")] * 2, GoodBuild())
    factory.retries = 3
    factory.round()
    factory.round()
    factory.clock.moment -= timedelta(days=730)

    report = factory.round()

    assert [one.build.package for one in report.built] == ["python-a"]


def test_a_failing_package_stops_no_other_and_keeps_consistent_where_it_was(
    factory: Factory,
) -> None:
    factory.add("a", "b")
    factory.round()
    consistent = factory.name("consistent")
    for name in ("a", "b"):
        factory.upstreams[name].commit("two")
    factory.builder.will("python-a", BROKEN)

    report = factory.round()

    assert report.exit_code == 1
    assert failures(report) == {"python-a": "gcc: error"}
    assert built(report) == ["python-b"]
    assert factory.name("consistent") == consistent
    assert factory.name("current") != consistent
    assert report.ftbfs == ("python-a",)


def test_a_failed_commit_is_not_tried_again_and_the_next_one_mends_it(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", BROKEN, GoodBuild())
    factory.round()

    again = factory.round()
    assert again.is_idle
    assert again.exit_code == 0
    assert again.ftbfs == ("python-a",)

    factory.upstreams["a"].commit("two")
    assert built(factory.round()) == ["python-a"]
    assert factory.name("consistent") == factory.name("current")


def test_independent_packages_are_built_at_the_same_time(factory: Factory) -> None:
    factory.add("a", "b", "c")
    factory.builder.gate = threading.Barrier(3)  # opens only when three builds run together
    factory.workers = 3

    assert len(factory.round().built) == 3


def test_the_commits_of_a_package_are_published_in_their_order(factory: Factory) -> None:
    factory.add("a")
    heads = [factory.upstreams["a"].commit(subject) for subject in ("two", "three", "four")]

    report = factory.round(initial=3)

    assert [one.build.commit.upstream_hash for one in report.built] == heads
    current = factory.name("current")
    assert current is not None
    assert heads[-1] in current.name


def test_a_build_that_needs_a_queued_package_goes_behind_it(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", Unless(("python-b",), ("python3dist(b) >= 1",)))

    report = factory.round()

    assert sorted(built(report)) == ["python-a", "python-b"]
    assert factory.builder.order.count("python-a") == 2
    assert factory.bridge.asked == []
    last = factory.builder.jobs[-1]
    assert last.commit.package == "python-a"
    assert [folder.is_dir() for folder in last.repositories] == [True]


def test_what_the_last_build_needed_is_built_first_the_next_time(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", GoodBuild(needed=("python3dist(b)",)))
    factory.round()
    factory.upstreams["a"].commit("two")
    factory.upstreams["b"].commit("two")

    factory.round()

    assert factory.builder.order[2:] == ["python-b", "python-a"]


def test_what_the_spec_says_is_built_first(factory: Factory) -> None:
    factory.add("a", spec="BuildRequires: python3-b >= 1\n")
    factory.add("b")

    factory.round()

    assert factory.builder.order == ["python-b", "python-a"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("requirements.txt", "# the list\nb>=1 # Apache-2.0\n"),
        ("pyproject.toml", "[project]\ndependencies = ['b']\n"),
        ("pyproject.toml", "[build-system]\nrequires = ['setuptools', 'b>2']\n"),
        ("PKG-INFO", "Name: a\nRequires-Dist: b[x]>=2; python_version > '3'\n\nText\n"),
    ],
)
def test_what_the_source_declares_is_built_first(factory: Factory, file: str, text: str) -> None:
    factory.add("a", "b")
    factory.upstreams["a"].commit("declare", {file: text})

    factory.round()

    assert factory.builder.order == ["python-b", "python-a"]


@pytest.mark.parametrize("text", ["[project", "project = 3", "[project]\ndependencies = 3"])
def test_a_declaration_that_cannot_be_read_is_left_to_the_build(
    factory: Factory, text: str
) -> None:
    factory.add("a")
    factory.upstreams["a"].commit("declare", {"pyproject.toml": text})

    assert built(factory.round()) == ["python-a"]


def test_what_nobody_packages_is_asked_of_the_bridge(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", Waiting(("python3dist(pbr)",)), GoodBuild())
    factory.bridge.known = {"python3dist(pbr)"}

    assert built(factory.round()) == ["python-a"]
    assert factory.bridge.asked == [("python3dist(pbr)",)]


def test_what_nobody_provides_fails_with_its_names(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", Waiting(("python3dist(pbr)", "libfoo-devel", "cmake")))
    factory.bridge.known = {"python3dist(pbr)"}

    report = factory.round()

    assert failures(report) == {"python-a": "libfoo-devel, cmake"}
    assert built(report) == ["python-b"]
    assert report.failed[0].outcome == Failed(
        FailureReason.MISSING_DEPENDENCY, "libfoo-devel, cmake"
    )


def test_what_the_bridge_brought_in_and_is_still_missing_fails(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", Waiting(("python3dist(pbr) >= 99",)))
    factory.bridge.known = {"python3dist(pbr) >= 99"}

    report = factory.round()

    assert "does not meet it" in failures(report)["python-a"]
    assert len(factory.builder.jobs) == 2


def test_what_the_release_packages_itself_is_never_bridged(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    factory.upstreams["a"].commit("two")
    factory.builder.will("python-a", Waiting(("python3dist(b) >= 99",)))

    report = factory.round()

    assert failures(report) == {"python-a": "python3dist(b) >= 99"}
    assert factory.bridge.asked == []


def test_a_bridge_without_network_is_no_failure_of_the_package(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", Waiting(("cmake",)), GoodBuild())
    factory.bridge.error = OutsideError("no route")

    report = factory.round()

    assert report.exit_code == 6
    assert report.ftbfs == ()
    factory.bridge.error = None
    assert built(factory.round()) == ["python-a"]


def test_what_needs_a_broken_package_waits_for_it_and_is_not_to_blame(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", Unless(("python-b",), ("python3-b",)))
    factory.builder.will("python-b", BROKEN, GoodBuild())

    report = factory.round()

    assert report.ftbfs == ("python-b",)
    assert [(held.build.package, held.packages) for held in report.held] == [
        ("python-a", ("python-b",))
    ]
    assert report.exit_code == 1

    tries = factory.builder.order.count("python-a")
    idle = factory.round()
    assert factory.builder.order.count("python-a") == tries
    assert idle.held == report.held

    factory.distgits["b"].commit("fix")
    assert sorted(built(factory.round())) == ["python-a", "python-b"]


def test_a_cycle_fails_its_members_and_nobody_else(factory: Factory) -> None:
    factory.add("a", "b", "c", "d")
    factory.builder.will("python-a", Waiting(("python3dist(b)",)))
    factory.builder.will("python-b", Waiting(("python3dist(a)",)))
    factory.builder.will("python-c", Waiting(("python3dist(a)",)))

    report = factory.round()

    assert failures(report).keys() == {"python-a", "python-b"}
    assert "python-a, python-b require each other" in failures(report)["python-a"]
    assert [held.build.package for held in report.held] == ["python-c"]
    assert built(report) == ["python-d"]


def test_a_cycle_whose_spec_can_bootstrap_is_built(factory: Factory) -> None:
    factory.add("a", spec="%if 0%{?repo_bootstrap}\n%endif\n")
    factory.add("b")
    needs_b = Unless(("python-b",), ("python3dist(b)",))
    factory.builder.will("python-a", needs_b, GoodBuild(), needs_b)
    factory.builder.will("python-b", Unless(("python-a",), ("python3dist(a)",)))

    report = factory.round()

    assert [(one.build.package, one.build.bootstrap) for one in report.built] == [
        ("python-a", True),
        ("python-b", False),
        ("python-a", False),
    ]
    assert report.exit_code == 0
    assert factory.name("consistent") == factory.name("current")


def test_a_package_that_needs_itself_is_a_cycle_of_one(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", Waiting(("python3dist(a)",)))

    assert failures(factory.round()).keys() == {"python-a"}


def test_a_spurious_failure_is_tried_again_with_the_same_release_date(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", SPURIOUS, GoodBuild())

    report = factory.round()
    assert report.exit_code == 6
    assert report.ftbfs == ()

    assert built(factory.round()) == ["python-a"]
    first, second = (job for job in factory.builder.jobs if job.commit.package == "python-a")
    assert first.release == second.release
    assert first.id != second.id


def test_tries_are_bounded_and_rest_between_them(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", SPURIOUS)

    factory.round()
    factory.round()
    resting = factory.round()
    assert len(factory.builder.jobs) == 2
    assert resting.exit_code == 6
    assert [held.packages for held in resting.held] == [()]

    factory.clock.moment += timedelta(minutes=11)
    report = factory.round()
    assert report.exit_code == 1
    assert report.ftbfs == ("python-a",)
    assert factory.queue() == ()


def test_a_round_that_was_killed_is_taken_up_again(factory: Factory) -> None:
    factory.add("a", "b")
    factory.workers = 1
    factory.builder.will("python-a", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        factory.round()
    factory.builder.will("python-a", GoodBuild())

    report = factory.round()

    assert sorted(built(report)) == ["python-a", "python-b"]
    assert report.exit_code == 0


def test_builds_that_were_running_at_a_kill_are_interrupted_and_tried_again(
    factory: Factory,
) -> None:
    factory.add("a")
    factory.round()
    factory.upstreams["a"].commit("two")
    followed = factory.trunk.remotes.poll(factory.packages)
    with factory.store.read() as at:
        plan = make_plan(at, TARGET, followed, PlanRules())
    record_plan(factory.store, TARGET, plan, followed, platform_digest="", now=factory.clock())
    (queued,) = factory.queue()
    with factory.store.write() as at:
        at.builds.start(queued.id, now=factory.clock())

    report = factory.round()

    assert built(report) == ["python-a"]
    assert report.built[0].build.release_date == queued.release_date


def test_a_second_round_at_the_same_time_is_told_who_holds_the_lock(factory: Factory) -> None:
    factory.add("a")
    lock = factory.trunk.folder / "round.lock"

    with hold(lock, purpose="rdo trunk run"), pytest.raises(RefusedError, match="rdo trunk run"):
        factory.round()

    assert built(factory.round()) == ["python-a"]


def test_a_dry_run_says_what_it_would_build_and_changes_nothing(factory: Factory) -> None:
    factory.add("a")

    report = factory.round(dry_run=True)

    assert [commit.package for commit in report.plan.commits] == ["python-a"]
    assert factory.queue() == ()
    assert factory.name("current") is None
    assert "would build python-a@" in summary(report)


def test_only_the_named_packages_are_built(factory: Factory) -> None:
    factory.add("a", "b")

    assert built(factory.round(["python-b"])) == ["python-b"]
    assert built(factory.round()) == ["python-a"]
    with pytest.raises(NotFoundError, match='no package python-c; did you mean "python-'):
        factory.round(["python-c"])


def test_head_only_skips_what_is_between(factory: Factory) -> None:
    factory.add("a")
    factory.round()
    factory.upstreams["a"].commit("two")
    head = factory.upstreams["a"].commit("three")

    report = factory.round(head_only=True)

    assert [one.build.commit.upstream_hash for one in report.built] == [head]
    assert factory.round().is_idle


def test_an_unreachable_remote_is_never_nothing_to_do(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    factory.upstreams["a"].path.rename(factory.folder / "away")

    report = factory.round()

    assert report.exit_code == 6
    assert not report.is_idle
    assert "stale    python-a" in summary(report)


def test_a_bug_in_the_builder_fails_its_build_only(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", ZeroDivisionError("division by zero"))

    report = factory.round()

    assert failures(report) == {
        "python-a": "rdo cannot handle it: ZeroDivisionError: division by zero"
    }
    assert built(report) == ["python-b"]


def test_a_package_under_review_is_built_and_moves_no_name(factory: Factory) -> None:
    factory.add("a")
    factory.round()
    before = factory.name("current")
    factory.add("new")
    factory.change("new", tags=frozenset({"under-review"}))

    report = factory.round()

    assert built(report) == ["python-new"]
    assert factory.name("current") == factory.name("consistent") == before


def test_consistent_moves_when_the_broken_package_leaves_the_release(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-b", BROKEN)
    factory.round()
    assert factory.name("consistent") is None

    del factory.packages[1]
    report = factory.round()

    assert report.is_idle
    assert factory.name("consistent") == factory.name("current")


def test_the_summary_says_what_failed_why_and_where_to_look(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", BROKEN)

    report = factory.round()
    text = summary(report)

    failed = report.failed[0]
    assert f"FAILED   {failed.build.commit}  compile: gcc: error" in text
    assert f"rdo trunk log {failed.build.id}" in text
    assert (failed.folder / "rpmbuild.log").exists()
    assert "master-deb12: 2 packages: 1 built, 1 failed" in text
    assert "does not build: python-a" in text


def test_what_packages_need_once_installed_is_asked_for_before_they_are_published(
    factory: Factory,
) -> None:
    factory.add("alpha", "beta")
    factory.bridge.known = {"openvswitch"}
    factory.builder.will("python-alpha", GoodBuild(lacking=("openvswitch", "nobody-has-it")))
    factory.builder.will("python-beta", GoodBuild(lacking=("openvswitch", "python3dist(alpha)")))

    report = factory.round()

    asked = sorted(need for needs in factory.bridge.asked for need in needs)
    assert asked == ["nobody-has-it", "openvswitch"]  # once, and nothing of the release's own
    assert {one.build.package for one in report.ended} == {"python-alpha", "python-beta"}
    assert factory.name("consistent")


def test_a_branch_that_stands_in_is_reported_wherever_its_package_is_shown(
    factory: Factory,
) -> None:
    factory.add("a")
    factory.change("a", upstream_branch="stable/2026.1")

    report = factory.round()

    said = "python-a: upstream has no branch stable/2026.1; master stands in (fallback-to-master)"
    assert said in report.plan.notes
    assert f"note: {said}" in summary(report)
    found = status(factory.trunk)
    assert "no branch stable/2026.1; master stands in" in remark(found.view.packages["python-a"])
    [row] = cast("list[dict[str, object]]", status_row(found)["packages"])
    assert row["stands_in"] == "master"
    page = factory.trunk.tree.repos / "status_report.html"
    assert "no branch stable/2026.1; master stands in" in page.read_text()


def test_a_spec_for_another_architecture_is_no_failure(factory: Factory) -> None:
    factory.add("a", "b")
    said = "not for x86_64: Architecture is not included: x86_64"
    factory.builder.will("python-a", Failed(FailureReason.ARCHITECTURE, said))

    report = factory.round()

    assert [one.build.package for one in report.built] == ["python-b"]
    assert report.failed == ()
    assert report.ftbfs == ()
    assert [one.dropped for one in report.dropped] == [said]
    assert report.exit_code == 0
    found = status(factory.trunk)
    assert found.blocked == ()
    assert found.view.packages["python-a"].state is PackageState.EXCLUDED
    assert said in found.view.packages["python-a"].sentence
    assert factory.name("consistent") == factory.name("current")
    assert factory.round().is_idle
    factory.builder.will("python-a", GoodBuild())
    factory.distgits["a"].commit("for all architectures")
    assert built(factory.round()) == ["python-a"]
    assert status(factory.trunk).view.packages["python-a"].state is PackageState.BUILT
