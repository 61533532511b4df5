"""Rounds that are killed with SIGKILL in the middle."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rdo.builders.protocol import Ticket
from rdo.model.build import BuildJob, Failed, FailureReason, Outcome
from rdo.publish.site import Members
from rdo.store import Store
from rdo.store.work.builds import BuildState
from rdo.trunk.views.report import summary
from tests.fakes.builder import GoodBuild, ScriptedBuilder
from tests.rounds.factory import TARGET, Factory


def killed(factory: Factory, url: str, act: Callable[[], object], marker: Path) -> None:
    """Do `act` in a process of its own, with its own store; kill it once `marker` is there."""
    pid = os.fork()
    if pid == 0:
        factory.store = Store(url)
        act()
        os._exit(0)
    deadline = time.monotonic() + 300
    while not marker.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), "it ended before it was killed"


class Hanging(ScriptedBuilder):
    """Builds the first package and hangs in all others."""

    marker: Path

    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        if self.built:
            self.marker.touch()
            time.sleep(600)
        return ScriptedBuilder._build(self, job, is_cancelled)


def test_after_a_kill_in_a_build_everything_is_built_once_more_or_kept(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rdo.sqlite"
    with Store(url) as store:
        factory = Factory(tmp_path, store, workers=1)
        factory.add("a", "b", "c")
        builder = factory.builder
        factory.builder = Hanging()
        Hanging.marker = tmp_path / "hangs"

        killed(factory, url, factory.round, Hanging.marker)
        factory.builder = builder
        report = factory.round()

        assert sorted(builder.order) == ["python-b", "python-c"]
        assert report.exit_code == 0
        assert factory.name("consistent") == factory.name("current")
        with store.read() as at:
            assert at.builds.unpublished(TARGET) == ()
        assert factory.round().is_idle


class HangingAfterFailure(ScriptedBuilder):
    """Fails the first package and hangs in the next."""

    marker: Path

    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        if len(self.jobs) > 1:
            self.marker.touch()
            time.sleep(600)
        return Failed(FailureReason.COMPILE, "no such file")


@pytest.mark.parametrize("failed_already", [False, True])
def test_a_failure_that_a_killed_round_has_recorded_is_in_the_exit_code_of_the_next(
    tmp_path: Path, failed_already: bool
) -> None:
    url = f"sqlite:///{tmp_path}/rdo.sqlite"
    with Store(url) as store:
        factory = Factory(tmp_path, store, workers=1)
        factory.add("a", "b")
        builder = factory.builder
        if failed_already:
            builder.will("python-a", Failed(FailureReason.COMPILE, "no such file"), GoodBuild())
            assert factory.round().exit_code == 1
            for name in ("a", "b"):
                factory.upstreams[name].commit("two", {"setup.py": "two"})
            builder.built.clear()
        factory.builder = HangingAfterFailure()
        HangingAfterFailure.marker = tmp_path / "hangs"

        killed(factory, url, factory.round, HangingAfterFailure.marker)
        factory.builder = builder
        report = factory.round()

        assert [one.build.package for one in report.built] == ["python-b"]
        assert (report.failed, report.failed_before) == ((), ("python-a",))
        assert report.exit_code == 1
        assert "FAILED   python-a  in a round that did not end; rdo why python-a" in summary(report)
        after = factory.round()
        assert (after.failed_before, after.exit_code, after.is_idle) == ((), 0, True)


class Dying(ScriptedBuilder):
    """Has its process killed before or after it is given its second build."""

    before: bool
    marker: Path

    def start(self, job: BuildJob) -> Ticket:
        if not self.jobs:
            return ScriptedBuilder.start(self, job)
        ticket = None if self.before else ScriptedBuilder.start(self, job)
        self.marker.touch()
        time.sleep(60)  # until the kill comes
        assert ticket
        return ticket


@pytest.mark.parametrize("before", [True, False])
def test_a_kill_while_a_build_is_handed_over_costs_it_one_try(tmp_path: Path, before: bool) -> None:
    url = f"sqlite:///{tmp_path}/rdo.sqlite"
    with Store(url) as store:
        factory = Factory(tmp_path, store, workers=1)
        factory.add("a", "b")
        builder = factory.builder
        factory.builder = Dying()
        Dying.marker, Dying.before = tmp_path / "starting", before

        killed(factory, url, factory.round, Dying.marker)
        with store.read() as at:
            [starting] = at.builds.running(TARGET)
        factory.builder = builder
        report = factory.round()

        assert (starting.state, starting.ticket) == (BuildState.STARTING, "")
        assert [(one.build.package, one.build.attempt) for one in report.built] == [
            (starting.package, 2)
        ]
        assert report.exit_code == 0
        assert factory.name("consistent") == factory.name("current")


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.1, 0.2, 0.4, 0.8])
def test_after_a_kill_at_any_moment_the_next_round_ends_well(
    tmp_path: Path, seconds: float
) -> None:
    url = f"sqlite:///{tmp_path}/rdo.sqlite"
    with Store(url) as store:
        factory = Factory(tmp_path, store)
        factory.add("a", "b")

        started = tmp_path / "started"

        def act() -> None:
            started.touch()
            factory.round()
            time.sleep(600)

        pid = os.fork()
        if pid == 0:
            factory.store = Store(url)
            act()
        while not started.exists():
            time.sleep(0.01)
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

        report = factory.round()

        assert report.exit_code == 0
        assert factory.queue() == ()
        assert factory.name("consistent") == factory.name("current")
        assert factory.trunk.tree.blockers(Members(tuple(factory.packages))) == {None: ()}
