"""Commands of people to a target, and how rounds obey them."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rdo.builders.protocol import Ticket
from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.model.build import BuildJob, Built, Failed, FailureReason, Outcome
from rdo.trunk.announced.intake import take_in
from rdo.trunk.care import steering
from rdo.trunk.plan import PlanRules, make_plan, record_plan
from rdo.trunk.views import dependents
from rdo.trunk.views.queue import open_builds
from rdo.trunk.views.report import Report, summary
from rdo.trunk.views.state import PackageState
from rdo.trunk.views.why import Known, explain
from tests.fakes.builder import BROKEN, SPURIOUS, GoodBuild, ScriptedBuilder
from tests.rounds.factory import TARGET, Factory


def built(report: Report) -> list[str]:
    return [one.build.package for one in report.built]


def test_a_recheck_builds_the_same_commit_with_a_new_release_date(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", BROKEN, GoodBuild())
    factory.round()

    [checked] = steering.recheck(factory.trunk, ["python-a"])

    assert checked.is_new
    assert built(factory.round()) == ["python-a"]
    first, second = factory.builder.jobs
    assert first.commit == second.commit
    assert first.release.date < second.release.date
    assert factory.name("consistent") == factory.name("current")


def test_a_recheck_of_what_builds_is_refused_unless_forced(factory: Factory) -> None:
    factory.add("a")
    factory.round()

    with pytest.raises(RefusedError, match="python-a of master-deb12 has not failed"):
        steering.recheck(factory.trunk, ["python-a"])
    assert factory.queue() == ()
    steering.recheck(factory.trunk, ["python-a"], force=True)

    assert built(factory.round()) == ["python-a"]


def test_a_recheck_of_what_is_queued_ends_its_rest(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", SPURIOUS, SPURIOUS, GoodBuild())
    factory.round()
    factory.round()
    assert factory.round().built == ()  # it rests

    [checked] = steering.recheck(factory.trunk, ["python-a"])
    [again] = steering.recheck(factory.trunk, ["python-a"])

    assert (checked.is_new, again.is_new) == (True, False)
    assert built(factory.round()) == ["python-a"]


def test_all_that_failed_since_a_moment_is_found(factory: Factory) -> None:
    factory.add("a", "b", "c")
    factory.builder.will("python-a", BROKEN)
    factory.round(["python-a"])
    factory.clock.moment += timedelta(hours=5)
    factory.builder.will("python-b", BROKEN)
    factory.round()
    moment = factory.clock.moment - timedelta(hours=1)

    assert steering.all_failed(factory.trunk) == ["python-a", "python-b"]
    assert steering.all_failed(factory.trunk, moment) == ["python-b"]

    [since] = steering.recheck_failed([factory.trunk], "1h")
    before, again = steering.recheck_failed([factory.trunk])

    assert since.is_new
    assert since.build.package == "python-b"
    assert steering.recheck_row(before) == {
        "target": TARGET,
        "package": "python-a",
        "build": before.build.id,
        "is_new": True,
    }
    assert again == replace(since, is_new=False)


def test_a_moment_that_is_none_rechecks_nothing(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", BROKEN)
    factory.round()

    with pytest.raises(ConfigError, match="'soon' is not a time"):
        steering.recheck_failed([factory.trunk], "soon")

    assert factory.queue() == ()


@pytest.mark.parametrize("text", ["", "yesterday", "3", "3y", "2026-13-01"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a time"):
        steering.parse_since(text, datetime(2026, 8, 1, tzinfo=UTC))


def test_dependents_are_found_in_their_order_with_their_cost(factory: Factory) -> None:
    factory.add("a", "b", "c", "d")
    factory.builder.will("python-b", GoodBuild(needed=("python3dist(a)",)))
    factory.builder.will("python-c", GoodBuild(needed=("python3dist(b)", "python3dist(a)")))
    factory.round()

    plan = dependents.plan_rebuild(factory.trunk, "python-a")
    direct = dependents.plan_rebuild(factory.trunk, "python-b", direct=True)

    assert [(one.step, one.package) for one in plan.dependents] == [
        (1, "python-b"),
        (2, "python-c"),
    ]
    assert [one.package for one in direct.dependents] == ["python-c"]
    assert plan.seconds >= plan.build_seconds > 0
    dependents.queue_rebuild(factory.trunk, plan)
    assert [one.is_queued for one in dependents.plan_rebuild(factory.trunk, "python-a").dependents]
    assert built(factory.round()) == ["python-b", "python-c"]


def test_a_cancelled_build_does_not_come_back_by_itself(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", SPURIOUS)
    factory.round()

    [cancelled] = steering.cancel(factory.trunk, ["python-a"], by="me", why="too long")

    assert not steering.is_ending(cancelled)
    assert factory.queue() == ()
    assert factory.round().is_idle
    factory.builder.will("python-a", GoodBuild())
    steering.recheck(factory.trunk, ["python-a"])
    assert built(factory.round()) == ["python-a"]


class Endless(ScriptedBuilder):
    """Builds python-a until it is cancelled."""

    ended: threading.Event

    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        if job.commit.package != "python-a":
            return ScriptedBuilder._build(self, job, is_cancelled)
        assert self.ended.wait(300)
        return Failed(FailureReason.INTERRUPTED, "cancelled")

    def cancel(self, ticket: Ticket) -> None:
        self.ended.set()


def is_building(factory: Factory) -> bool:
    with factory.store.read() as at:
        return bool(at.builds.running(TARGET))


def test_a_running_build_is_cancelled_by_its_round(factory: Factory) -> None:
    factory.add("a")
    factory.builder = Endless()
    Endless.ended = threading.Event()
    reports: list[Report] = []
    round_ = threading.Thread(target=lambda: reports.append(factory.round()))
    round_.start()
    while not is_building(factory):
        time.sleep(0.01)

    [found] = steering.cancel(factory.trunk, ["python-a"], by="me", why="it hangs")
    round_.join(300)

    assert steering.is_ending(found)
    [report] = reports
    assert [build.dropped for build in report.dropped] == ["cancelled by me: it hangs"]
    assert report.ftbfs == ()
    assert factory.round().is_idle


def test_what_is_in_no_queue_cannot_be_cancelled(factory: Factory) -> None:
    factory.add("a")

    with pytest.raises(NotFoundError, match="master-deb12 matches python-a"):
        steering.cancel(factory.trunk, ["python-a"], by="me", why="")


def test_a_paused_target_builds_nothing_and_says_why(factory: Factory) -> None:
    factory.add("a")
    steering.pause(factory.trunk, by="me", why="a new disk")

    with pytest.raises(RefusedError, match=r"paused by me since .*: a new disk"):
        factory.round()

    assert factory.builder.jobs == []
    assert steering.resume(factory.trunk).was_paused
    assert not steering.resume(factory.trunk).was_paused
    assert built(factory.round()) == ["python-a"]


def test_what_is_held_or_paused_does_not_wait_for_the_next_round(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    steering.recheck(factory.trunk, ["python-a", "python-b"], force=True)
    steering.hold(factory.trunk, "python-a", None, by="me", why="it hangs")
    steering.pause(factory.trunk, by="me", why="a new disk")

    known = Known.of(factory.trunk)
    held, paused = explain(known, "python-a"), explain(known, "python-b")

    assert held.view.sentence.startswith("held by me since 2026-")
    assert held.view.sentence.endswith(": it hangs")
    assert held.next == "rdo trunk release python-a ends the hold"
    assert paused.view.sentence.startswith("master-deb12 is paused by me since 2026-")
    assert paused.next == "rdo trunk resume --target master-deb12 ends the pause"
    steering.release(factory.trunk, "python-a", by="me")
    steering.resume(factory.trunk)
    assert (
        explain(Known.of(factory.trunk), "python-a").next == "rdo trunk run --target master-deb12"
    )


def test_a_package_may_be_called_by_its_project(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", BROKEN)
    factory.round()

    [done] = steering.recheck(factory.trunk, ["a"])

    assert done.build.package == "python-a"


class Pausing(ScriptedBuilder):
    """Pauses the target while it builds the first package."""

    factory: Factory

    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        steering.pause(self.factory.trunk, by="me", why="enough")
        return ScriptedBuilder._build(self, job, is_cancelled)


def test_a_pause_lets_what_runs_end_and_begins_nothing(factory: Factory) -> None:
    factory.add("a", "b")
    factory.workers = 1
    factory.builder = Pausing()
    Pausing.factory = factory

    report = factory.round()

    assert built(report) == ["python-a"]
    assert [build.package for build in factory.queue()] == ["python-b"]
    assert factory.name("current") is not None


def test_a_held_package_is_not_built_and_nobody_waits_for_it(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    steering.hold(factory.trunk, "python-a", None, by="me", why="it breaks b")
    for name in ("a", "b"):
        factory.upstreams[name].commit("two")

    why = explain(Known.of(factory.trunk), "python-a")
    report = factory.round()

    assert why.view.state is PackageState.HELD
    assert why.view.sentence.startswith("held by me since 2026-")
    assert built(report) == ["python-b"]
    said = summary(report)
    assert said.count("python-a is held by me") == 1
    assert f"{TARGET}: 2 packages (1 held): 1 built" in said
    assert factory.name("consistent") == factory.name("current")
    steering.release(factory.trunk, "python-a", by="me")
    assert built(factory.round()) == ["python-a"]


def test_a_package_can_be_held_at_an_older_build(factory: Factory) -> None:
    factory.add("a", "b")
    first = {one.build.package: one.build for one in factory.round().built}["python-a"]
    factory.upstreams["a"].commit("two")
    factory.round()
    newest = factory.name("consistent")

    held = steering.hold(factory.trunk, "python-a", first.id, by="me", why="the new one hangs")

    place = factory.name("current")
    assert place in held.moved
    assert place == factory.name("consistent") != newest
    assert place is not None
    assert first.commit.upstream_hash in (place / "versions.csv").read_text()
    assert steering.release(factory.trunk, "python-a", by="me").moved
    back = factory.name("consistent")
    assert back is not None
    assert newest is not None
    assert (back / "versions.csv").read_text() == (newest / "versions.csv").read_text()


def test_only_a_published_build_can_be_held(factory: Factory) -> None:
    factory.add("a")
    factory.round()

    with pytest.raises(NotFoundError, match="build 99 is not a published build of python-a"):
        steering.hold(factory.trunk, "python-a", 99, by="me", why="x")
    with pytest.raises(NotFoundError, match="is not held"):
        steering.release(factory.trunk, "python-a", by="me")
    with factory.store.read() as at:
        assert at.holds.all(TARGET) == {}


class OneAfterAnother(ScriptedBuilder):
    """Builds python-b only once python-a was built, which somebody asks for meanwhile."""

    begun: threading.Event
    built_a: threading.Event

    def _act(self, job: BuildJob) -> Outcome:
        if job.commit.package == "python-b":
            self.begun.set()
            assert self.built_a.wait(120)
        outcome = ScriptedBuilder._act(self, job)
        if job.commit.package == "python-a" and isinstance(outcome, Built):
            self.built_a.set()
        return outcome


def test_a_recheck_is_heard_by_the_round_that_runs(factory: Factory) -> None:
    factory.add("a", "b", "c")
    factory.builder = builder = OneAfterAnother()
    OneAfterAnother.begun, OneAfterAnother.built_a = threading.Event(), threading.Event()
    builder.will("python-a", BROKEN, GoodBuild())
    factory.round(["python-a"])
    reports: list[Report] = []
    round_ = threading.Thread(
        target=lambda: reports.append(factory.round(["python-a", "python-b"]))
    )
    round_.start()
    assert builder.begun.wait(120)

    steering.recheck(factory.trunk, ["python-a"])
    answer = explain(Known.of(factory.trunk), "python-a")
    shown = [one.view.sentence for one in open_builds([factory.trunk])]
    round_.join(300)

    if answer.view.state is PackageState.QUEUED:  # the round has not taken it yet
        assert answer.view.sentence == "the round that is running builds it"
        assert answer.next == "a round is running; it builds what can be built"
    assert not any("next round" in sentence for sentence in shown)
    assert not factory.trunk.in_round
    [report] = reports
    assert sorted(built(report)) == ["python-a", "python-b"]  # both may end before one look


def test_patterns_name_packages_and_the_head_of_each_may_stay(factory: Factory) -> None:
    factory.add("a", "b", "aclient")
    factory.round()
    for name in ("a", "aclient"):
        for number in range(3):
            factory.upstreams[name].commit(f"more {number}")
    steering.pause(factory.trunk, by="me", why="x")
    plan_all(factory)
    steering.resume(factory.trunk)
    heads = [build.id for build in factory.queue() if build.commit.upstream_hash in tips(factory)]

    with pytest.raises(NotFoundError, match="nobody"):
        steering.cancel(factory.trunk, ["python-a", "nobody*"], by="me", why="")
    assert len(factory.queue()) == 6
    ended = steering.cancel(factory.trunk, ["python-*"], by="me", why="", but_head=True)

    assert len(ended) == 4
    assert sorted(build.id for build in factory.queue()) == sorted(heads)
    last = steering.cancel(factory.trunk, ["python-?client", "python-a"], by="me", why="")
    assert len(last) == 2
    assert factory.queue() == ()


def tips(factory: Factory) -> set[str]:
    return {one.git("rev-parse", "HEAD") for one in factory.upstreams.values()}


def plan_all(factory: Factory) -> None:
    """Queue the commits of the remotes, like a round that is killed before it builds."""
    trunk = factory.trunk
    followed = trunk.remotes.poll(factory.packages)
    with factory.store.read() as at:
        plan = make_plan(at, TARGET, followed, PlanRules())
    record_plan(factory.store, TARGET, plan, followed, platform_digest="", now=trunk.now())


def test_a_push_is_built_by_the_round_that_runs(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round(["python-a"])
    factory.builder = builder = OneAfterAnother()
    OneAfterAnother.begun, OneAfterAnother.built_a = threading.Event(), threading.Event()
    reports: list[Report] = []
    round_ = threading.Thread(target=lambda: reports.append(factory.round()))
    round_.start()
    assert builder.begun.wait(120)

    head = factory.upstreams["a"].commit("pushed")
    with factory.store.write() as at:
        at.polls.ask(TARGET, ["python-a", "python-gone"], "a hook", now=factory.clock())
    queued = take_in(factory.trunk, PlanRules())
    round_.join(300)

    assert queued == 1
    [report] = reports
    assert {one.build.commit.upstream_hash for one in report.ended} >= {head}
    with factory.store.read() as at:
        assert at.polls.asked(TARGET) == ()
