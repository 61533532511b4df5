"""Behaviour that every builder must have: the same tests for each builder."""

import hashlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.builders.inspection import inspected
from rdo.builders.protocol import FOLDER_VARIABLE, Builder, Ticket, build_and_wait, wait_for
from rdo.builders.trial import PACKAGE, trial_job
from rdo.model.build import BUILD_LOG, BuildJob, Built, Failed, FailureReason, Outcome
from rdo.tools.walls.processes import end_those_with
from tests.e2e.command import needs_roots
from tests.long.builders.engines import ENGINES, NOW, Engine, in_a_process_to_kill
from tests.patience import until

# Koji's client never closes the file that it has uploaded.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <_io.FileIO.*src.rpm:pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(one, marks=needs_roots if one.needs_roots else (), id=one.name)
        for one in ENGINES
    ],
)
def kind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[type[Engine], Path]]:
    if request.param.needs_module:
        pytest.importorskip(request.param.needs_module)
    if (needed := request.param.needs_variable) and needed not in os.environ:
        pytest.skip(f"{needed} names no folder")
    shared = tmp_path_factory.mktemp("shared")
    first = request.param(shared / "first", shared)
    first.prepare()
    first.close()
    yield request.param, shared
    first.forget()


@pytest.fixture
def engine(kind: tuple[type[Engine], Path], tmp_path: Path) -> Iterator[Engine]:
    made, shared = kind
    engine = made(tmp_path / "engine", shared)
    yield engine
    engine.gate.touch()
    engine.close()


def job_of(engine: Engine, number: int = 1, script: str = "", preamble: str = "") -> BuildJob:
    folder = engine.folder / "jobs" / str(number)
    return trial_job(folder, number, script=script, preamble=preamble, now=NOW)


def end_of(builder: Builder, ticket: Ticket) -> Outcome:
    """How a build ends, as the process learns it that has this builder open."""
    ended = threading.Event()
    builder.notify(ended)
    return wait_for(builder, [ticket], ended)[ticket]


def test_a_good_build_gives_rpms_with_their_checksums_and_a_log(engine: Engine) -> None:
    job = job_of(engine, script="echo is made")
    builder, ended = engine.open(), threading.Event()
    builder.notify(ended)

    ticket = builder.start(job)
    [outcome] = wait_for(builder, [ticket], ended).values()

    assert isinstance(outcome, Built), outcome
    assert builder.poll([ticket]) == {ticket: outcome}, "it is the same as often as it is asked for"
    assert {path.parent for path in outcome.rpms} == {job.folder}
    looked_at = inspected(outcome)
    assert isinstance(looked_at, Built)
    assert {one.artifact.nevra.name for one in looked_at.read} == {PACKAGE}
    for one in looked_at.read:
        content = (job.folder / one.artifact.file_name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one.artifact.sha256
    assert "is made" in (job.folder / BUILD_LOG).read_text()


def test_a_failure_has_its_reason_and_its_log(engine: Engine) -> None:
    job = job_of(engine, script="echo 'x.c:1:2: error: no such thing'; exit 1")

    outcome = build_and_wait(engine.open(), job)

    assert isinstance(outcome, Failed)
    assert outcome.reason is FailureReason.COMPILE
    assert "no such thing" in (job.folder / BUILD_LOG).read_text()


def test_several_builds_run_at_once_and_a_cancelled_one_ends_alone(engine: Engine) -> None:
    builder, ended = engine.open(), threading.Event()
    builder.notify(ended)
    jobs = [job_of(engine, number, script=engine.waiting()) for number in (1, 2)]
    tickets = [builder.start(job) for job in jobs]
    until(lambda: all(engine.is_at_work(job) for job in jobs))
    assert builder.poll(tickets) == {}

    builder.cancel(tickets[0])

    [cancelled] = wait_for(builder, tickets[:1], ended).values()
    assert isinstance(cancelled, Failed)
    assert cancelled.reason is FailureReason.INTERRUPTED
    assert builder.poll(tickets[1:]) == {}
    if engine.is_remote:
        assert builder.leave(tickets[1])
        until(lambda: not threads_of_builds())  # one process at a time takes what a build has left
        engine.gate.touch()
        assert isinstance(end_of(engine.open(), tickets[1]), Built)
    else:
        assert not builder.leave(tickets[1])
        [left] = wait_for(builder, tickets[1:], ended).values()
        assert left == cancelled


def test_a_build_of_a_killed_process_is_found_and_built_once(engine: Engine) -> None:
    job = job_of(engine, script=engine.waiting())
    kept = engine.folder / "ticket"
    pid = in_a_process_to_kill(lambda: kept.write_text(engine.open().start(job)))
    until(lambda: kept.exists() and kept.read_text() and engine.is_at_work(job))
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    ticket = Ticket(kept.read_text())

    found = engine.open().find(job.id, job.folder)

    if engine.is_remote:
        assert found == ticket
        builder = engine.open()
        assert builder.poll([ticket]) == {}
        engine.gate.touch()
        assert isinstance(end_of(builder, ticket), Built)
        assert engine.begun() in {1, None}
    else:
        assert found is None
        [interrupted] = engine.open().poll([ticket]).values()
        assert isinstance(interrupted, Failed)
        assert interrupted.reason is FailureReason.INTERRUPTED
        end_those_with(FOLDER_VARIABLE, f"{job.folder.absolute()}/")
        until(lambda: not processes_with(str(engine.gate), "/no/such/gate"))


def threads_of_builds() -> list[threading.Thread]:
    """The threads of this process that wait for the end of a build."""
    return [one for one in threading.enumerate() if one.name.startswith("build-")]


def processes_with(*texts: str) -> list[str]:
    """The command lines of %build scripts that still wait for a gate."""
    lines = subprocess.run(["ps", "axo", "args"], capture_output=True, text=True, check=True)
    return [line for line in lines.stdout.splitlines() if any(text in line for text in texts)]


def test_a_build_that_was_never_started_is_not_found_and_never_starts(engine: Engine) -> None:
    job = job_of(engine)
    job.folder.mkdir(parents=True)

    assert engine.open().find(job.id, job.folder) is None
    assert engine.begun() in {0, None}


def test_a_ticket_of_another_builder_was_interrupted(engine: Engine) -> None:
    ticket = Ticket("another:1")

    [outcome] = engine.open().poll([ticket]).values()

    assert isinstance(outcome, Failed)
    assert outcome.reason is FailureReason.INTERRUPTED
