"""The command builder, with a short script as the farm."""

import os
import signal
import time
from pathlib import Path

import pytest

from rdo.builders.command import CommandBuilder
from rdo.model.build import Failed, FailureReason
from rdo.model.program import Bounds
from rdo.store import Store
from rdo.tools.command import Command
from rdo.tools.walls.processes import end_those_with
from rdo.trunk.views.queue import open_builds
from rdo.trunk.views.report import Report
from rdo.trunk.views.status import status
from tests.rounds.factory import Factory
from tests.rounds.farm import farm
from tests.rpms import make_rpms

INTERRUPTED = "no round is running: the next one continues it, or builds it again"


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    for name in ("a", "b"):
        make_rpms(folder / f"python-{name}", f"python-{name}")
    return folder


@pytest.fixture
def served(factory: Factory, shelf: Path) -> Factory:
    """A factory with the packages python-a and python-b, whose builder is the farm."""
    factory.add("a", "b")
    factory.other_builder = farm(factory.folder / "farm")
    (factory.folder / "farm/shelf").symlink_to(shelf)
    return factory


def announce(factory: Factory, act: str, package: str = "python-a") -> None:
    (factory.folder / "farm" / package).write_text(act)


def is_running(process: str) -> bool:
    """Whether there is more of a process than a zombie."""
    try:
        return bool(Path(f"/proc/{process}/environ").read_bytes())
    except OSError:
        return False


def outcome(report: Report) -> Failed:
    [found] = [one.outcome for one in (*report.failed, *report.to_retry)]
    assert isinstance(found, Failed)
    return found


def test_what_the_command_leaves_is_published(served: Factory) -> None:
    report = served.round()

    assert report.exit_code == 0
    current = served.name("consistent")
    assert current is not None
    assert len(list(current.glob("*.rpm"))) == 2
    assert (current / "rpmbuild.log").is_file()


def test_folders_of_any_depth_stop_nothing_and_go(served: Factory) -> None:
    announce(served, "deep 3000")

    report = served.round()

    assert report.exit_code == 0
    assert not (report.built[0].folder / "results").exists()
    assert served.round().is_idle


@pytest.mark.parametrize(
    ("act", "reason", "detail"),
    [
        ("exit 3", FailureReason.UNKNOWN, "exit status 3: it printed nothing and left no log"),
        ("exit 75", FailureReason.BUILDER, "away for now"),
        ("nothing", FailureReason.UNKNOWN, "left no RPMs"),
        ("srpm", FailureReason.UNKNOWN, "exit status 1"),
        ("say curl: (7) No route to host", FailureReason.NETWORK, "No route to host"),
        (
            "log gcc: error: nova.c: No such file\nerror: Bad exit status from /t/x (%build)",
            FailureReason.COMPILE,
            "%build: gcc: error: nova.c: No such file",
        ),
        (
            "say No matching package to install: 'python3dist(nobody)'",
            FailureReason.MISSING_DEPENDENCY,
            "python3dist(nobody)",
        ),
    ],
)
def test_a_failure_says_why_and_stops_no_other(
    served: Factory, act: str, reason: FailureReason, detail: str
) -> None:
    announce(served, act)

    report = served.round()

    assert outcome(report).reason is reason
    assert detail in outcome(report).detail
    assert [one.build.package for one in report.built] == ["python-b"]
    [ended] = (*report.failed, *report.to_retry)
    assert (ended.folder / "rpmbuild.log").is_file()


def test_what_needs_a_queued_package_waits_for_it(served: Factory) -> None:
    announce(served, "say error: Failed build dependencies:\n\tpython3-b is needed by a-1.noarch")
    announce(served, "exit 75", "python-b")

    report = served.round()

    assert [(held.build.package, held.packages) for held in report.held] == [
        ("python-a", ("python-b",))
    ]
    assert report.ftbfs == ()


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("sleep NOWHERE", FailureReason.TIME_LIMIT),
        ("shout", FailureReason.OUTPUT_LIMIT),
        ("fill", FailureReason.OUTPUT_LIMIT),
    ],
)
def test_a_build_without_end_is_ended_and_is_the_packages_fault(
    served: Factory, act: str, reason: FailureReason
) -> None:
    announce(served, act.replace("NOWHERE", str(served.folder / "pid")))
    seconds = 1 if reason is FailureReason.TIME_LIMIT else 60
    served.other_builder = farm(served.folder / "farm", seconds=seconds)

    report = served.round(["python-a"])

    assert outcome(report).reason is reason
    assert report.ftbfs == ("python-a",)
    assert report.exit_code == 1
    folder = report.failed[0].folder
    assert not (folder / "results").exists()


def test_what_a_killed_round_left_running_is_ended_by_the_next(tmp_path: Path, shelf: Path) -> None:
    url, marker = f"sqlite:///{tmp_path}/rdo.sqlite", tmp_path / "pid"
    with Store(url) as store:
        factory = Factory(tmp_path, store)
        factory.add("a")
        factory.other_builder = farm(tmp_path / "farm")
        (tmp_path / "farm/shelf").symlink_to(shelf)
        announce(factory, f"sleep {marker}")
        child = os.fork()
        if child == 0:
            factory.store = Store(url)
            factory.round()
            os._exit(0)
        while not (marker.exists() and marker.read_text()):
            time.sleep(0.02)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert not factory.trunk.in_round
        [queued] = open_builds([factory.trunk])
        assert queued.view.sentence == INTERRUPTED
        assert status(factory.trunk).view.packages["python-a"].sentence == INTERRUPTED
        announce(factory, "build")

        report = factory.round()

        assert [one.build.attempt for one in report.built] == [2]
        assert not is_running(marker.read_text())
        assert end_those_with("RDO_RESULTDIR", str(tmp_path)) == 0


def test_a_program_that_is_not_there_is_named(served: Factory) -> None:
    served.other_builder = CommandBuilder(Command(("/no/such/farm",)), Bounds())

    report = served.round(["python-a"])

    assert outcome(report) == Failed(FailureReason.BUILDER, "/no/such/farm is not installed")
