"""The exit codes of rounds and scratch builds, for scripts."""

from pathlib import Path

import pytest

from rdo.errors import CommandError, ConfigError, OutsideError, RefusedError, UserError
from rdo.model.build import Built, Failed, FailureReason, Outcome, Waiting
from rdo.model.release_number import ReleaseNumber
from rdo.trunk.plan import RoundPlan
from rdo.trunk.rounds import Unfinished, exit_code
from rdo.trunk.try_change import ScratchResult
from rdo.trunk.views.report import Ended, Held, Report, summary
from tests.unit.trunk.samples import build

NEW = (build(1, "python-a").commit,)
GOOD, BAD = Built(()), Failed(FailureReason.COMPILE, "")
AWAY = Failed(FailureReason.NETWORK, "")
PROBLEM: dict[str, tuple[str, ...]] = {"python-a": ("it is away",)}


def ended(outcome: Outcome, *, again: bool = False) -> Ended:
    one = build(1, "python-a")
    number = ReleaseNumber(one.release_date, "abc", "0")
    return Ended(one, number, outcome, 1.0, Path("builds/1"), will_retry=again)


def report(
    *ended: Ended,
    problems: dict[str, tuple[str, ...]] | None = None,
    dry_run: bool = False,
    waits_for: tuple[str, ...] | None = None,
    ftbfs: tuple[str, ...] = (),
) -> Report:
    held = () if waits_for is None else (Held(build(2, "python-b"), waits_for),)
    plan = RoundPlan(NEW, (), problems or {})
    return Report("t", 2, 1.0, plan, ended, held=held, ftbfs=ftbfs, dry_run=dry_run)


@pytest.mark.parametrize(
    ("done", "said"),
    [
        pytest.param(
            report(ended(AWAY, again=True)), "rdo trunk run --target t retries", id="again"
        ),
        pytest.param(report(waits_for=()), "rdo trunk run --target t retries", id="a build rests"),
        pytest.param(report(problems=PROBLEM), "rdo why python-a says what to do", id="away"),
        pytest.param(report(waits_for=("python-c",)), "rdo why python-b says what", id="it waits"),
    ],
)
def test_what_comes_next_is_what_changes_something(done: Report, said: str) -> None:
    assert summary(done).splitlines()[-1].startswith(f"next: {said}")


@pytest.mark.parametrize(
    ("done", "code"),
    [
        pytest.param(report(), 0, id="nothing was to do"),
        pytest.param(report(ended(GOOD)), 0, id="all is built"),
        pytest.param(report(ended(GOOD), ended(BAD)), 1, id="something does not build"),
        pytest.param(report(ftbfs=("python-z",)), 0, id="what failed in an earlier round"),
        pytest.param(report(ended(AWAY, again=True)), 6, id="a failure will be tried again"),
        pytest.param(report(ended(AWAY)), 1, id="it is no longer tried again"),
        pytest.param(report(problems=PROBLEM), 6, id="an upstream is away"),
        pytest.param(report(ended(BAD), problems=PROBLEM), 1, id="a failure, and one is away"),
        pytest.param(report(waits_for=()), 6, id="a build rests"),
        pytest.param(report(waits_for=("python-c",)), 6, id="a build waits for what comes"),
        pytest.param(
            report(waits_for=("python-c",), ftbfs=("python-c",)),
            1,
            id="a build waits for what does not build",
        ),
        pytest.param(report(dry_run=True), 0, id="dry run: there would be work"),
        pytest.param(report(problems=PROBLEM, dry_run=True), 6, id="dry run: one is away"),
        pytest.param(
            report(waits_for=("python-c",), ftbfs=("python-c",), dry_run=True),
            0,
            id="dry run: what is in the queue has not failed",
        ),
    ],
)
def test_a_round(done: Report, code: int) -> None:
    assert done.exit_code == code


WELL, FTBFS, OUTSIDE = report(), report(ended(BAD)), report(problems=PROBLEM)


def unfinished(error: UserError) -> Unfinished:
    return Unfinished("t", error)


@pytest.mark.parametrize(
    ("done", "code"),
    [
        pytest.param([], 0, id="no target"),
        pytest.param([WELL, WELL], 0, id="all well"),
        pytest.param([WELL, OUTSIDE], 6, id="something is away"),
        pytest.param([OUTSIDE, FTBFS], 1, id="FTBFS before what is away"),
        pytest.param([FTBFS, unfinished(ConfigError(""))], 1, id="FTBFS before an error"),
        pytest.param([OUTSIDE, unfinished(RefusedError(""))], 5, id="an error before what is away"),
        pytest.param([WELL, unfinished(OutsideError(""))], 6, id="an error outside our hands"),
        pytest.param(
            [unfinished(RefusedError("")), unfinished(CommandError(""))],
            3,
            id="of two errors the lower code",
        ),
        pytest.param([unfinished(UserError(""))], 1, id="an error without a family"),
    ],
)
def test_rounds_of_several_targets(done: list[Report | Unfinished], code: int) -> None:
    assert exit_code(done) == code


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        pytest.param(GOOD, 0, id="it builds"),
        pytest.param(BAD, 1, id="it does not build"),
        pytest.param(AWAY, 6, id="an index is away"),
        pytest.param(Failed(FailureReason.NO_SPACE, ""), 6, id="the disk is full"),
        pytest.param(Failed(FailureReason.MISSING_DEPENDENCY, ""), 1, id="nobody has what it asks"),
        pytest.param(Waiting(("python3dist(a)",)), 6, id="the release lacks what it asks for"),
    ],
)
def test_a_scratch_build(outcome: Outcome, code: int) -> None:
    tried = ScratchResult("t", "python-a", "source", "distgit", outcome, 1.0, Path("results"))

    assert tried.exit_code == code
