"""Rounds with packages that need each other; the builds do what a test announced."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from rdo.bridge.protocol import Provision
from rdo.errors import CommandError, ConfigError, OutsideError
from rdo.model.build import BuildJob, Failed, FailureReason, Outcome, Waiting
from rdo.run import run
from rdo.store.work.builds import BuildState
from rdo.trunk.care import steering
from rdo.trunk.context import Trunk
from rdo.trunk.views.report import Report, summary
from tests.fakes.builder import (
    BROKEN,
    SPURIOUS,
    GoodBuild,
    ScriptedBridge,
    ScriptedBuilder,
    ScriptedLastResort,
    Unless,
    UnlessOutside,
    project_need,
)
from tests.rounds.factory import TARGET, Factory

CAN_BOOTSTRAP = "%if 0%{?repo_bootstrap}\n%endif\n"
NEEDS_A = ("python3dist(a)",)
NEEDS_B = ("python3dist(b)",)


def built(report: Report) -> list[tuple[str, bool]]:
    return [(one.build.package, one.build.bootstrap) for one in report.built]


def failures(report: Report) -> dict[str, FailureReason]:
    return {
        one.build.package: one.outcome.reason
        for one in report.failed
        if isinstance(one.outcome, Failed)
    }


def make_cycle(factory: Factory, *, can_bootstrap: bool = True) -> None:
    """Packages a and b that need each other; a builds without b under %{repo_bootstrap}."""
    factory.add("a", spec=CAN_BOOTSTRAP if can_bootstrap else "")
    factory.add("b")
    needs_b = Unless(("python-b",), NEEDS_B)
    factory.builder.will("python-a", needs_b, GoodBuild(), needs_b)
    factory.builder.will("python-b", Unless(("python-a",), NEEDS_A))


def test_the_second_pass_has_a_new_release_date_and_is_what_is_published(
    factory: Factory,
) -> None:
    make_cycle(factory)

    report = factory.round()

    assert built(report) == [("python-a", True), ("python-b", False), ("python-a", False)]
    first, _, second = (one.build for one in report.built)
    assert second.release_date > first.release_date
    assert second.id != first.id
    assert "python-a@" in summary(report)
    assert "(bootstrap)" in summary(report)
    current = factory.name("current")
    assert current is not None
    published = [path.name for path in current.glob("python3-a-*.noarch.rpm")]
    assert [str(report.built[2].release) in name for name in published] == [True]
    assert factory.queue() == ()


def test_of_a_cycle_only_as_many_are_bootstrapped_as_it_takes(factory: Factory) -> None:
    factory.add("a", "b", spec=CAN_BOOTSTRAP)
    factory.add("c", spec=f"BuildRequires: {NEEDS_B[0]}\n{CAN_BOOTSTRAP}")
    factory.builder.will("python-a", Unless(("python-b",), NEEDS_B))
    factory.builder.will("python-c", Unless(("python-b",), NEEDS_B))
    needs_a = Unless(("python-a",), NEEDS_A)
    factory.builder.will("python-b", needs_a, GoodBuild(), needs_a)

    report = factory.round()

    assert [name for name, bootstrap in built(report) if bootstrap] == ["python-b"]
    assert sorted(name for name, bootstrap in built(report) if not bootstrap) == [
        "python-a",
        "python-b",
        "python-c",
    ]


def test_a_bootstrap_that_fails_fails_its_package_and_the_others_wait_for_it(
    factory: Factory,
) -> None:
    make_cycle(factory)
    factory.builder.will("python-a", Unless(("python-b",), NEEDS_B), BROKEN)

    report = factory.round()

    assert failures(report) == {"python-a": FailureReason.COMPILE}
    assert [(held.build.package, held.packages) for held in report.held] == [
        ("python-b", ("python-a",))
    ]
    assert report.ftbfs == ("python-a",)


def test_a_bootstrap_that_was_killed_is_taken_up_with_its_second_pass(factory: Factory) -> None:
    make_cycle(factory)
    needs_b = Unless(("python-b",), NEEDS_B)
    factory.builder.will("python-a", needs_b, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        factory.round()
    factory.builder.will("python-a", GoodBuild(), needs_b)

    report = factory.round()

    assert built(report) == [("python-a", True), ("python-b", False), ("python-a", False)]


def test_a_round_killed_after_the_bootstrap_still_knows_the_second_pass(
    factory: Factory,
) -> None:
    make_cycle(factory)
    factory.builder.will("python-b", Unless(("python-a",), NEEDS_A), KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        factory.round()
    with factory.store.read() as at:
        left = (*at.builds.queue(TARGET), *at.builds.running(TARGET))
    assert sorted((build.package, build.bootstrap) for build in left) == [
        ("python-a", False),
        ("python-b", False),
    ]
    factory.builder.will("python-b", GoodBuild())

    assert sorted(built(factory.round())) == [("python-a", False), ("python-b", False)]


def test_without_a_way_to_bootstrap_the_wanted_thing_comes_from_outside(
    factory: Factory,
) -> None:
    make_cycle(factory, can_bootstrap=False)
    factory.builder.will("python-a", UnlessOutside(("python-b",), NEEDS_B))
    factory.builder.will("python-b", Waiting(NEEDS_A), UnlessOutside(("python-b",), NEEDS_B))
    factory.last_resort = ScriptedLastResort({"python3dist(b)"})

    report = factory.round()

    assert built(report)[:2] == [("python-a", True), ("python-b", True)]
    assert sorted(built(report)[2:]) == [("python-a", False), ("python-b", False)]
    assert factory.last_resort.asked == [NEEDS_B, NEEDS_B]
    assert factory.bridge.asked == []
    assert report.exit_code == 0
    assert factory.name("consistent") == factory.name("current")


def test_only_bootstrap_builds_see_what_came_from_outside(factory: Factory) -> None:
    make_cycle(factory, can_bootstrap=False)
    factory.builder.will("python-a", UnlessOutside(("python-b",), NEEDS_B))
    factory.builder.will("python-b", UnlessOutside(("python-a",), NEEDS_A))
    factory.last_resort = ScriptedLastResort({"python3dist(b)"})

    factory.round()

    assert [bool(job.last_resort) for job in factory.builder.jobs] == [
        job.bootstrap for job in factory.builder.jobs
    ]
    assert any(job.bootstrap for job in factory.builder.jobs)


def test_a_cycle_that_nothing_breaks_fails_its_members_and_nobody_else(
    factory: Factory,
) -> None:
    make_cycle(factory, can_bootstrap=False)
    factory.add("c", "d")
    factory.builder.will("python-c", Waiting(NEEDS_A))
    factory.last_resort = ScriptedLastResort()

    report = factory.round()

    assert failures(report) == dict.fromkeys(("python-a", "python-b"), FailureReason.CYCLE)
    assert sorted(factory.last_resort.asked) == [NEEDS_A, NEEDS_B]
    assert [held.build.package for held in report.held] == ["python-c"]
    assert built(report) == [("python-d", False)]


def test_an_outside_that_cannot_be_asked_is_no_failure_of_the_cycle(factory: Factory) -> None:
    make_cycle(factory, can_bootstrap=False)
    factory.last_resort = ScriptedLastResort(error=OutsideError("no route"))

    report = factory.round()

    assert failures(report) == {}
    assert report.ftbfs == ()
    assert report.exit_code == 6


def test_what_outside_gave_and_still_does_not_help_fails(factory: Factory) -> None:
    make_cycle(factory, can_bootstrap=False)
    factory.builder.will("python-a", Waiting(NEEDS_B))
    factory.builder.will("python-b", Waiting(NEEDS_A))
    factory.last_resort = ScriptedLastResort({*NEEDS_A, *NEEDS_B})

    report = factory.round()

    assert set(failures(report)) == {"python-a", "python-b"}
    assert factory.queue() == ()


def test_what_waits_for_a_package_that_rests_is_not_to_blame(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    for name in ("a", "b"):
        factory.upstreams[name].commit("two")
    factory.builder.will("python-b", SPURIOUS, SPURIOUS, GoodBuild())
    factory.builder.will("python-a", Waiting(("python3dist(b) >= 2",)))
    factory.retries = 3
    factory.round()
    factory.round()

    resting = factory.round()

    assert failures(resting) == {}
    assert ("python-a", ("python-b",)) in [
        (held.build.package, held.packages) for held in resting.held
    ]
    factory.clock.moment += timedelta(minutes=11)
    factory.builder.will("python-a", Unless(("python-b",), NEEDS_B))
    assert sorted(built(factory.round())) == [("python-a", False), ("python-b", False)]


def test_what_only_a_package_under_review_provides_is_waited_for(factory: Factory) -> None:
    factory.add("a", "b")
    factory.change("b", tags=frozenset({"under-review"}))
    factory.builder.will("python-a", Waiting(NEEDS_B))

    report = factory.round()

    assert built(report) == [("python-b", False)]
    assert [(held.build.package, held.packages) for held in report.held] == [
        ("python-a", ("python-b",))
    ]
    assert report.ftbfs == ()


def test_what_is_only_called_like_a_package_is_asked_of_the_bridge(factory: Factory) -> None:
    factory.add("a", "b")
    needs = ("python3dist(b-extras)", "python3-b-more")
    factory.builder.will("python-a", Waiting(needs), GoodBuild())
    factory.bridge.known = set(needs)

    assert sorted(built(factory.round())) == [("python-a", False), ("python-b", False)]
    assert factory.bridge.asked == [needs]


def test_of_many_commits_behind_a_broken_package_only_the_newest_is_kept(
    factory: Factory,
) -> None:
    factory.add("a", "b")
    factory.round()
    factory.distgits["b"].commit("break")
    factory.builder.will("python-b", BROKEN)
    factory.builder.will("python-a", Waiting(("python3dist(b) >= 2",)))
    heads = [factory.upstreams["a"].commit(f"commit {number}") for number in range(30)]

    report = factory.round()

    held = [one.build.commit.upstream_hash for one in report.held]
    assert held == heads[-1:]
    assert {build.commit.upstream_hash for build in report.dropped} == set(heads[:-1])
    assert {build.state for build in report.dropped} == {BuildState.DONE}
    assert "only its newest commit stays" in summary(report)
    assert len(factory.queue()) == 1
    # Once it was known that nobody builds b, the commits between were not even tried.
    assert factory.builder.order.count("python-a") <= 4

    newer = factory.upstreams["a"].commit("newer")
    again = factory.round()
    assert [one.build.commit.upstream_hash for one in again.held] == [newer]
    assert [build.commit.upstream_hash for build in again.dropped] == heads[-1:]


def test_commits_behind_what_is_still_to_be_built_are_all_built(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    heads = [factory.upstreams["a"].commit(f"commit {number}") for number in range(3)]
    factory.upstreams["b"].commit("two")
    first = Unless(("python-b", "again"), ("python3dist(b) >= 2",))
    factory.builder.will("python-a", first, GoodBuild())

    report = factory.round()

    ours = [one.build.commit for one in report.built if one.build.package == "python-a"]
    assert sorted(commit.upstream_hash for commit in ours) == sorted(heads)
    assert report.dropped == ()


def test_the_queued_builds_of_a_package_that_left_are_dropped(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-b", SPURIOUS)
    factory.round()
    del factory.packages[1]

    report = factory.round()

    assert [build.package for build in report.dropped] == ["python-b"]
    assert report.dropped[0].dropped == "its package has left the release"
    assert factory.queue() == ()
    assert factory.round().is_idle


def test_a_package_that_comes_back_is_built_where_it_had_stopped(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-b", SPURIOUS, GoodBuild())
    factory.round()
    package = factory.packages.pop()
    factory.round()
    factory.packages.append(package)

    assert built(factory.round()) == [("python-b", False)]
    assert factory.round().is_idle


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CommandError("pip: timed out after 900 s"), FailureReason.BUILDER),
        (ConfigError("the lock file is damaged"), FailureReason.BUILDER),
        (OSError(28, "No space left on device"), FailureReason.NO_SPACE),
        (OutsideError("no route"), FailureReason.NETWORK),
    ],
)
def test_what_fails_in_a_bridge_of_ours_is_no_failure_of_the_package(
    factory: Factory, error: Exception, reason: FailureReason
) -> None:
    factory.add("a")
    factory.builder.will("python-a", Waiting(("cmake",)), GoodBuild())
    factory.bridge.error = error

    report = factory.round()

    assert [one.outcome.reason for one in report.to_retry if isinstance(one.outcome, Failed)] == [
        reason
    ]
    assert (report.ftbfs, report.exit_code) == ((), 6)
    factory.bridge.error = None
    assert built(factory.round()) == [("python-a", False)]


def test_a_failed_git_of_ours_is_no_failure_of_the_package(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", CommandError("git checkout-index: exit status 128"))

    report = factory.round()

    assert (report.ftbfs, report.exit_code) == ((), 6)
    assert [one.build.package for one in report.to_retry] == ["python-a"]


class InterruptedDownload(ScriptedBridge):
    """A download that takes for ever, with Ctrl-C a moment after it began."""

    def provide(self, needs: Sequence[str]) -> Provision:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        run("sleep", "600")
        raise AssertionError("it went on")


def test_ctrl_c_ends_a_request_of_the_bridge(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", Waiting(("cmake",)))
    factory.bridge = InterruptedDownload()
    started = time.monotonic()

    with pytest.raises(KeyboardInterrupt):
        factory.round()

    assert time.monotonic() - started < 300
    assert [build.package for build in factory.queue()] == ["python-a"]
    with factory.store.read() as at:
        assert at.packages.ftbfs(TARGET) == ()


def test_a_failed_cycle_is_tried_again_when_one_of_it_has_a_new_commit(factory: Factory) -> None:
    factory.add("a", "b", "c")
    factory.builder.will("python-a", Unless(("python-b",), NEEDS_B))
    factory.builder.will("python-b", Unless(("python-c",), ("python3dist(c)",)))
    factory.builder.will("python-c", Unless(("python-a",), NEEDS_A))
    assert set(failures(factory.round())) == {"python-a", "python-b", "python-c"}
    assert factory.round().is_idle
    spec = {"python-a.spec": f"Name: python-a\n{CAN_BOOTSTRAP}"}
    factory.distgits["a"].commit("begin without b", spec)
    needs_b = Unless(("python-b",), NEEDS_B)
    factory.builder.will("python-a", needs_b, GoodBuild(), needs_b)

    report = factory.round()

    assert [one for one in built(report) if one[1]] == [("python-a", True)]
    assert sorted(name for name, bootstrap in built(report) if not bootstrap) == [
        "python-a",
        "python-b",
        "python-c",
    ]
    assert report.ftbfs == ()


def test_what_lacked_a_newer_package_is_tried_again_once_that_is_published(
    factory: Factory,
) -> None:
    factory.add("a", "b")
    factory.round()
    factory.upstreams["a"].commit("wants more of b")
    factory.builder.will("python-a", Waiting(("python3dist(b) >= 2",)))
    assert failures(factory.round()) == {"python-a": FailureReason.MISSING_DEPENDENCY}
    assert factory.round().is_idle

    factory.upstreams["b"].commit("two")
    factory.round()
    again = factory.round()

    assert set(failures(again)) == {"python-a"}
    assert factory.round().is_idle
    factory.upstreams["b"].commit("three")
    factory.builder.will("python-a", GoodBuild())
    assert built(factory.round()) == [("python-b", False)]
    assert built(factory.round()) == [("python-a", False)]


class Patient(ScriptedBuilder):
    """Builds python-long only after the cycle of the others was broken."""

    bootstrapped: threading.Event

    def _act(self, job: BuildJob) -> Outcome:
        if job.commit.package == "python-long":
            assert self.bootstrapped.wait(120)
        if job.bootstrap:
            self.bootstrapped.set()
        return ScriptedBuilder._act(self, job)


def test_a_known_cycle_is_broken_while_others_are_still_building(factory: Factory) -> None:
    factory.add("a", "b", spec=CAN_BOOTSTRAP)
    factory.add("long")
    factory.workers = 2
    factory.builder = builder = Patient()
    Patient.bootstrapped = threading.Event()
    builder.will("python-a", Unless(("python-b",), ("python3dist(b)",)))
    builder.will("python-b", Waiting(("python3dist(a)",)), GoodBuild())

    report = factory.round()

    assert {one.build.package for one in report.built} == {"python-a", "python-b", "python-long"}
    assert report.exit_code == 0


CLIENTS = ("barbicanclient", "designateclient", "neutronclient", "novaclient", "osc-placement")


@pytest.mark.parametrize("can_bootstrap", [True, False])
def test_a_cycle_of_one_with_many_is_broken(factory: Factory, *, can_bootstrap: bool) -> None:
    """The documentation of a client loads all its plugins, and each of them is built with it."""
    client = "openstackclient"
    factory.add(client, spec=CAN_BOOTSTRAP if can_bootstrap else "")
    factory.add(*CLIENTS, "user")
    names = tuple(f"python-{one}" for one in CLIENTS)
    needs = tuple(map(project_need, names))
    factory.builder.will(f"python-{client}", UnlessOutside(names, needs))
    for name in names:
        factory.builder.will(name, UnlessOutside((f"python-{client}",), (project_need(client),)))
    factory.builder.will("python-user", Unless((f"python-{client}",), (project_need(client),)))
    if can_bootstrap:
        act = UnlessOutside(names, needs)
        factory.builder.will(f"python-{client}", act, GoodBuild(), act)
    else:
        factory.last_resort = ScriptedLastResort({*needs, project_need(client)})

    report = factory.round()

    assert sorted(name for name, bootstrap in built(report) if not bootstrap) == sorted(
        [f"python-{client}", *names, "python-user"]
    )
    assert report.held == ()


class CancelsMeanwhile(ScriptedBuilder):
    """Has the queued build of python-x cancelled while python-b is built first."""

    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        if job.commit.package == "python-b" and self.trunk:
            trunk, self.trunk = self.trunk, None
            steering.cancel(trunk, ["python-x"], by="me", why="not now")
        return ScriptedBuilder._build(self, job, is_cancelled)

    trunk: Trunk | None = None


def test_a_cycle_is_seen_whose_members_also_wait_for_what_is_no_longer_queued(
    factory: Factory,
) -> None:
    make_cycle(factory)
    factory.add("x")
    factory.round(["python-x"])
    factory.upstreams["x"].commit("two")
    builder = CancelsMeanwhile()
    builder.trunk = factory.trunk
    factory.other_builder = builder
    first = Waiting((*NEEDS_B, "python3dist(x)"))
    builder.will("python-a", first, GoodBuild(), Unless(("python-b",), NEEDS_B))
    builder.will("python-b", Unless(("python-a",), NEEDS_A))

    report = factory.round()

    assert [build.package for build in report.dropped] == ["python-x"]
    assert built(report) == [("python-a", True), ("python-b", False), ("python-a", False)]
    assert report.held == ()
