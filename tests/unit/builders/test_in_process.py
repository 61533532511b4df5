"""Builds in threads of this process."""

import threading
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rdo import log_context
from rdo.builders.in_process import CANCELLED, UNKNOWN, InProcessBuilder
from rdo.builders.protocol import Ticket, build_and_wait, wait_for
from rdo.errors import CancelledError, CommandError
from rdo.model.build import BuildJob, Built, Failed, FailureReason, Outcome
from rdo.model.commit import Commit
from rdo.model.release_number import ReleaseNumber

MOMENT = datetime(2026, 8, 1, tzinfo=UTC)
NOWHERE = Path("/dev/null/nowhere")
"""A place that nobody can make."""


def job(number: int = 1) -> BuildJob:
    commit = Commit("python-a", "a" * 40, "b" * 40, MOMENT, MOMENT, "master")
    return BuildJob(number, commit, ReleaseNumber(MOMENT, "aaa", "0"), NOWHERE, NOWHERE, NOWHERE)


class Doing(InProcessBuilder):
    """Does what it is given."""

    name = "doing"

    def __init__(self, act: Callable[[Callable[[], bool]], Outcome]) -> None:
        super().__init__()
        self.act = act

    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        return self.act(is_cancelled)


def until_cancelled(is_cancelled: Callable[[], bool]) -> Outcome:
    while not is_cancelled():
        time.sleep(0.001)
    raise CancelledError("rpmbuild")


def raising(error: BaseException) -> Callable[[Callable[[], bool]], Outcome]:
    def act(_: Callable[[], bool]) -> Outcome:
        raise error

    return act


def test_a_build_is_polled_until_it_has_ended_and_the_answer_stays() -> None:
    may_end, ended = threading.Event(), threading.Event()
    builder = Doing(lambda _: Built(()) if may_end.wait(10) else CANCELLED)
    builder.notify(ended)

    ticket = builder.start(job(7))
    before = builder.poll([ticket])
    may_end.set()
    assert ended.wait(10)
    after = builder.poll([ticket])

    assert ticket == "doing:7"
    assert (before, after) == ({}, {ticket: Built(())})
    assert builder.poll([ticket]) == after


def test_a_ticket_of_an_earlier_process_is_interrupted() -> None:
    builder = Doing(lambda _: Built(()))

    assert builder.poll([Ticket("doing:3")]) == {Ticket("doing:3"): UNKNOWN}
    assert UNKNOWN.reason is FailureReason.INTERRUPTED
    assert builder.find(3, NOWHERE) is None
    builder.cancel(Ticket("doing:3"))  # ends nothing


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (CommandError("git: no"), Failed(FailureReason.BUILDER, "git: no")),
        (OSError(28, "full"), Failed(FailureReason.NO_SPACE, "[Errno 28] full")),
        (CancelledError("x"), CANCELLED),
        (KeyError("x"), Failed(FailureReason.UNKNOWN, "rdo cannot handle it: KeyError: 'x'")),
        (SystemExit(3), Failed(FailureReason.UNKNOWN, "a bug in the builder: 3")),
    ],
)
def test_what_a_builder_raises_is_an_outcome_of_that_build(
    error: BaseException, outcome: Failed
) -> None:
    assert build_and_wait(Doing(raising(error)), job()) == outcome


@pytest.mark.parametrize("end", [InProcessBuilder.cancel, InProcessBuilder.leave])
def test_a_build_ends_when_it_is_cancelled_or_left(
    end: Callable[[InProcessBuilder, Ticket], object],
) -> None:
    builder, ended = Doing(until_cancelled), threading.Event()
    builder.notify(ended)
    ticket = builder.start(job())

    goes_on = end(builder, ticket)

    assert not goes_on
    assert wait_for(builder, [ticket], ended) == {ticket: CANCELLED}


def test_several_builds_run_at_the_same_time() -> None:
    both, ended = threading.Barrier(2), threading.Event()

    def meet(_: Callable[[], bool]) -> Outcome:
        both.wait(10)
        return Built(())

    builder = Doing(meet)
    builder.notify(ended)
    tickets = [builder.start(job(1)), builder.start(job(2))]

    assert wait_for(builder, tickets, ended) == dict.fromkeys(tickets, Built(()))


def test_an_end_wakes_who_waits_for_it_at_once() -> None:
    started = time.monotonic()

    for _ in range(20):
        build_and_wait(Doing(lambda _: Built(())), job())

    assert time.monotonic() - started < 10  # with the pause between two polls it would be 20 s


def test_a_thread_logs_about_the_package_of_its_caller() -> None:
    seen: list[str] = []

    def look(_: Callable[[], bool]) -> Outcome:
        seen.append(log_context.current.get())
        return Built(())

    with log_context.about("python-a@1234567"):
        build_and_wait(Doing(look), job())

    assert seen == ["python-a@1234567: "]


class Interrupted(Doing):
    """Is polled by somebody who presses Ctrl-C."""

    polls = 0

    def poll(self, tickets: Collection[Ticket]) -> dict[Ticket, Outcome]:
        self.polls += 1
        if self.polls == 1:
            raise KeyboardInterrupt
        return Doing.poll(self, tickets)


def test_an_interrupt_ends_the_build_before_it_is_raised() -> None:
    builder = Interrupted(until_cancelled)

    with pytest.raises(KeyboardInterrupt):
        build_and_wait(builder, job())

    assert [one for one in threading.enumerate() if one.name == "build-1"] == []
