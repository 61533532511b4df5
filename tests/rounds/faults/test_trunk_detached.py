"""Rounds whose builds outlive them: killed, stopped, and continued without a second build."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rdo.builders.command import PLACE, DetachedCommandBuilder
from rdo.builders.protocol import Ticket
from rdo.errors import RefusedError
from rdo.model.build import BuildJob, Failed, FailureReason, Outcome
from rdo.store import Store
from rdo.store.work.builds import Build, BuildState
from rdo.tools.detached import CLAIM, STATUS, identity
from rdo.trunk.care import steering, verify
from rdo.trunk.views.report import Report
from tests.patience import until
from tests.rounds.factory import TARGET, Factory
from tests.rounds.farm import detached_farm
from tests.rpms import make_rpms


class Farmed:
    """A factory with python-a and python-b on a farm whose client outlives the round."""

    def __init__(self, folder: Path, shelf: Path, store: Store) -> None:
        self.folder, self.url = folder, f"sqlite:///{folder}/rdo.sqlite"
        self.factory = Factory(folder, store)
        self.factory.add("a", "b")
        self.farm = folder / "farm"
        self.factory.other_builder = detached_farm(self.farm, DetachedCommandBuilder)
        (self.farm / "shelf").symlink_to(shelf)

    def announce(self, act: str, package: str = "python-a") -> None:
        (self.farm / package).write_text(act)

    def announce_gate(self) -> Path:
        """Have python-a wait for a file; opened by `touch`."""
        gate = self.folder / "gate"
        self.announce(f"until {gate}")
        return gate

    def runs(self, package: str = "python-a") -> int:
        """How often the command ran."""
        file = self.farm / "runs"
        return file.read_text().split().count(package) if file.exists() else 0

    def kill_round(self, when: Callable[[], bool], act: Callable[[], object] | None = None) -> None:
        """Do a round in a process group of its own and send it SIGKILL as soon as `when` is so."""
        pid = os.fork()
        if pid == 0:
            try:
                os.setpgid(0, 0)
                self.factory.store = Store(self.url)
                (act or (lambda: self.factory.round(["python-a"])))()
            finally:
                os._exit(0)
        until(when)
        os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), "it ended before it was killed"

    def open_build(self) -> Build:
        with self.factory.store.read() as at:
            [build] = at.builds.running(TARGET)
        return build

    def builds(self) -> list[Build]:
        with self.factory.store.read() as at:
            return list(at.builds.history(TARGET, "python-a"))

    def place(self, build: Build) -> Path:
        return self.factory.trunk.build_folder(build) / PLACE

    def is_at_work(self) -> bool:
        """Whether the command waits for its gate."""
        return (self.farm / "pid").exists()

    def has_ticket(self) -> bool:
        with self.factory.store.read() as at:
            return any(build.ticket for build in at.builds.running(TARGET))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    for name in ("a", "b"):
        make_rpms(folder / f"python-{name}", f"python-{name}")
    return folder


@pytest.fixture
def farmed(tmp_path: Path, shelf: Path) -> Iterator[Farmed]:
    with Store(f"sqlite:///{tmp_path}/rdo.sqlite") as store:
        yield Farmed(tmp_path, shelf, store)


def built(report: Report) -> list[tuple[str, int]]:
    return [(one.build.package, one.build.attempt) for one in report.built]


def test_a_round_builds_with_a_detached_command_as_with_any(farmed: Farmed) -> None:
    farmed.announce("exit 75", "python-b")

    report = farmed.factory.round()

    assert built(report) == [("python-a", 1)]
    assert [one.build.package for one in report.to_retry] == ["python-b"]
    current = farmed.factory.name("current")
    assert current is not None
    assert (current / "rpmbuild.log").is_file()
    assert (farmed.runs("python-a"), farmed.runs("python-b")) == (1, 1)


def test_a_build_that_outlives_a_killed_round_is_waited_for(farmed: Farmed) -> None:
    gate = farmed.announce_gate()
    farmed.kill_round(lambda: farmed.is_at_work() and farmed.has_ticket())
    assert farmed.open_build().state is BuildState.RUNNING
    threading.Timer(0.5, gate.touch).start()

    report = farmed.factory.round(["python-a"])

    assert built(report) == [("python-a", 1)]
    assert farmed.runs() == 1
    assert farmed.factory.name("current") is not None
    assert farmed.factory.round(["python-a"]).is_idle


def test_a_command_that_ended_while_no_round_was_there_is_published(farmed: Farmed) -> None:
    gate = farmed.announce_gate()
    farmed.kill_round(lambda: farmed.is_at_work() and farmed.has_ticket())
    build = farmed.open_build()
    gate.touch()
    until((farmed.place(build) / STATUS).exists)

    report = farmed.factory.round(["python-a"])

    assert [one.build.id for one in report.built] == [build.id]
    assert farmed.runs() == 1


def test_a_failure_while_no_round_was_there_is_the_packages_own(farmed: Farmed) -> None:
    gate = farmed.announce_gate()
    farmed.kill_round(lambda: farmed.is_at_work() and farmed.has_ticket())
    build = farmed.open_build()
    os.kill(int((farmed.farm / "pid").read_text()), signal.SIGTERM)  # the client alone
    until((farmed.place(build) / STATUS).exists)

    report = farmed.factory.round(["python-a"])

    assert not gate.exists()
    assert report.ftbfs == ("python-a",)
    assert farmed.runs() == 1


def test_a_command_that_died_with_the_machine_is_interrupted_and_tried_again(
    farmed: Farmed,
) -> None:
    gate = farmed.announce_gate()
    farmed.kill_round(lambda: farmed.is_at_work() and farmed.has_ticket())
    build = farmed.open_build()
    claimed = json.loads((farmed.place(build) / CLAIM).read_text())
    os.kill(claimed["pid"], signal.SIGKILL)  # the command ends with its watcher
    gate.touch()

    report = farmed.factory.round(["python-a"])

    assert built(report) == [("python-a", 2)]
    assert farmed.runs() == 2
    again, first = farmed.builds()
    assert isinstance(first.outcome, Failed)
    assert first.outcome.reason is FailureReason.INTERRUPTED
    assert again.release_date == first.release_date
    assert report.ftbfs == ()


def test_another_process_with_the_pid_of_the_command_is_not_taken_for_it(farmed: Farmed) -> None:
    gate = farmed.announce_gate()
    farmed.kill_round(lambda: farmed.is_at_work() and farmed.has_ticket())
    file = farmed.place(farmed.open_build()) / CLAIM
    claimed = json.loads(file.read_text())
    os.kill(claimed["pid"], signal.SIGKILL)
    file.write_text(json.dumps({**claimed, "pid": os.getpid()}))
    gate.touch()

    report = farmed.factory.round(["python-a"])

    assert built(report) == [("python-a", 2)]


class Dying(DetachedCommandBuilder):
    """Has its process killed around the moment in which a build is handed over."""

    before: bool = False
    wait_for_command: Callable[[], bool]

    def start(self, job: BuildJob) -> Ticket:
        if self.before:
            os.kill(os.getpid(), signal.SIGKILL)
        ticket = DetachedCommandBuilder.start(self, job)
        until(self.wait_for_command)
        os.kill(os.getpid(), signal.SIGKILL)
        return ticket


def die(farmed: Farmed, *, before: bool) -> None:
    """Have a round die between the starting row and the start, or between that and the ticket."""
    usual = farmed.factory.other_builder
    dying = detached_farm(farmed.farm, Dying)
    dying.before, dying.wait_for_command = before, farmed.is_at_work
    farmed.factory.other_builder = dying
    pid = os.fork()
    if pid == 0:
        try:
            farmed.factory.store = Store(farmed.url)
            farmed.factory.round(["python-a"])
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), "it was not killed"
    farmed.factory.other_builder = usual


def test_a_round_killed_before_the_builder_got_the_build_starts_it_once(farmed: Farmed) -> None:
    die(farmed, before=True)
    starting = farmed.open_build()
    assert (starting.state, starting.ticket) == (BuildState.STARTING, "")
    assert farmed.runs() == 0

    report = farmed.factory.round(["python-a"])

    assert built(report) == [("python-a", 2)]
    assert farmed.runs() == 1


def test_a_round_killed_before_it_kept_the_ticket_finds_the_build_again(farmed: Farmed) -> None:
    gate = farmed.announce_gate()
    die(farmed, before=False)
    starting = farmed.open_build()
    assert (starting.state, starting.ticket) == (BuildState.STARTING, "")
    gate.touch()

    report = farmed.factory.round(["python-a"])

    assert built(report) == [("python-a", 1)]
    assert farmed.runs() == 1


def test_a_build_that_was_called_interrupted_never_starts_late(farmed: Farmed) -> None:
    die(farmed, before=True)
    starting = farmed.open_build()
    farmed.factory.round(["python-a"])
    before = farmed.runs()
    usual = farmed.factory.other_builder
    assert isinstance(usual, DetachedCommandBuilder)

    assert not usual.find(starting.id, farmed.factory.trunk.build_folder(starting))
    outcome = late_start(usual, farmed, starting)

    assert isinstance(outcome, Failed)
    assert farmed.runs() == before


def late_start(builder: DetachedCommandBuilder, farmed: Farmed, build: Build) -> Outcome:
    """Start a command in a place that another process has already claimed, like a slow process."""
    folder = farmed.factory.trunk.build_folder(build)
    (folder / "results").mkdir(exist_ok=True)
    command = builder._starter._command
    with pytest.raises(Exception, match="exit status 1"):
        command.detach(
            {"srpm": "", "resultdir": str(folder / "results"), "package": "python-a"},
            folder / PLACE,
            log_file=folder / "command.log",
            cwd=folder,
            env={},
            bounds=builder._starter._bounds,
        )
    ticket = Ticket(f"{PLACE}:{folder.absolute()}")
    return builder.poll([ticket])[ticket]


def test_ctrl_c_leaves_the_build_to_the_next_round(farmed: Farmed) -> None:
    gate = farmed.announce_gate()

    def interrupt() -> None:
        until(lambda: farmed.is_at_work() and farmed.has_ticket())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        farmed.factory.round(["python-a"])
    assert farmed.open_build().ticket
    gate.touch()

    report = farmed.factory.round(["python-a"])

    assert built(report) == [("python-a", 1)]
    assert farmed.runs() == 1


def test_a_build_without_a_round_is_shown_as_running_and_can_be_cancelled(farmed: Farmed) -> None:
    farmed.announce_gate()
    farmed.kill_round(lambda: farmed.is_at_work() and farmed.has_ticket())
    build = farmed.open_build()

    [asked] = steering.cancel(farmed.factory.trunk, ["python-a"], by="me", why="it hangs")
    report = farmed.factory.round(["python-a"])

    assert steering.is_ending(asked)
    assert report.built == ()
    assert [one.dropped for one in farmed.builds()] == ["cancelled by me: it hangs"]
    until((farmed.place(build) / STATUS).exists)
    assert json.loads((farmed.place(build) / STATUS).read_text())["limit"] == "cancelled"
    assert farmed.factory.round(["python-a"]).is_idle
    assert farmed.runs() == 1


def test_a_round_ends_a_detached_build_that_is_cancelled(farmed: Farmed) -> None:
    farmed.announce_gate()

    def cancel() -> None:
        until(lambda: farmed.is_at_work() and farmed.has_ticket())
        steering.cancel(farmed.factory.trunk, ["python-a"], by="me", why="it hangs")

    threading.Thread(target=cancel).start()
    report = farmed.factory.round(["python-a"])

    assert [build.dropped for build in report.dropped] == ["cancelled by me: it hangs"]
    assert report.ftbfs == ()


def test_a_paused_target_leaves_the_build_alone(farmed: Farmed) -> None:
    gate = farmed.announce_gate()
    farmed.kill_round(lambda: farmed.is_at_work() and farmed.has_ticket())
    steering.pause(farmed.factory.trunk, by="me", why="a new disk")
    with pytest.raises(RefusedError, match="is paused"):
        farmed.factory.round(["python-a"])
    assert farmed.open_build().ticket
    gate.touch()
    steering.resume(farmed.factory.trunk)

    assert built(farmed.factory.round(["python-a"])) == [("python-a", 1)]
    assert farmed.runs() == 1


def test_verify_repairs_around_a_build_that_goes_on(farmed: Farmed) -> None:
    gate = farmed.announce_gate()
    farmed.kill_round(lambda: farmed.is_at_work() and farmed.has_ticket())

    done = verify.repair(farmed.factory.trunk)

    assert [one.kind for one in done.found if one.kind != "interrupted"] == []
    assert farmed.open_build().ticket
    gate.touch()
    assert built(farmed.factory.round(["python-a"])) == [("python-a", 1)]
    assert farmed.runs() == 1


def test_the_build_of_a_package_that_left_the_release_is_ended(farmed: Farmed) -> None:
    farmed.announce_gate()
    farmed.kill_round(lambda: farmed.is_at_work() and farmed.has_ticket())
    build = farmed.open_build()
    farmed.factory.packages = [one for one in farmed.factory.packages if one.project == "b"]

    report = farmed.factory.round()

    assert built(report) == [("python-b", 1)]
    assert [one.dropped for one in farmed.builds()] == ["its package has left the release"]
    until((farmed.place(build) / STATUS).exists)


def test_the_time_limit_holds_without_a_round(farmed: Farmed) -> None:
    farmed.factory.other_builder = detached_farm(farmed.farm, DetachedCommandBuilder, seconds=2)
    farmed.announce_gate()
    farmed.kill_round(lambda: farmed.is_at_work() and farmed.has_ticket())
    until((farmed.place(farmed.open_build()) / STATUS).exists)

    report = farmed.factory.round(["python-a"])

    [failed] = [one.outcome for one in report.failed]
    assert isinstance(failed, Failed)
    assert failed.reason is FailureReason.TIME_LIMIT


def test_a_target_that_no_longer_detaches_ends_the_build_and_builds_anew(farmed: Farmed) -> None:
    gate = farmed.announce_gate()
    farmed.kill_round(lambda: farmed.is_at_work() and farmed.has_ticket())
    client = int((farmed.farm / "pid").read_text())
    farmed.factory.other_builder = None  # the scripted builder, which knows no such ticket

    report = farmed.factory.round(["python-a"])

    assert built(report) == [("python-a", 2)]
    assert not gate.exists()
    until(lambda: identity(client) == {})
    assert farmed.runs() == 1
