"""The forecast of the queue; `python-a` takes 10 minutes, as its last good build did."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from rdo.model.commit import Commit
from rdo.store.work.builds import Build, BuildState
from rdo.store.work.reports import BuildLine
from rdo.trunk.views.forecast import ExpectedTimes, forecast
from rdo.trunk.views.state import PackageFacts, PackageState, PackageView, TargetView
from tests.unit.trunk.samples import build

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def good(number: int, minutes: float) -> BuildLine:
    commit = Commit("p", "a" * 40, "d" * 40, NOW, NOW, "main")
    ended = NOW - timedelta(days=1)
    begun = ended - minutes * MINUTE
    return BuildLine(number, commit, NOW, 1, False, None, "", begun, ended, 1)


def view(
    number: int,
    package: str,
    minutes: float | None = 10,
    *,
    state: PackageState = PackageState.QUEUED,
    begun: datetime | None = None,
    waits_for: tuple[str, ...] = (),
) -> PackageView:
    run = BuildState.RUNNING if begun else BuildState.QUEUED
    pending: Build = build(number, package, state=run, started=begun, created=NOW - MINUTE)
    facts = PackageFacts(pending=pending, good=good(number, minutes) if minutes else None)
    return PackageView(package, state, "", facts=facts, waits_for=waits_for)


def expected(queue: Sequence[PackageView], workers: int = 1) -> dict[int, tuple[float, float]]:
    """When builds begin and end, in minutes from now."""
    target = TargetView("t", {one.package: one for one in queue}, tuple(queue))
    found = forecast(target, workers, NOW)

    def minutes(one: ExpectedTimes) -> tuple[float, float]:
        return (one.begins - NOW) / MINUTE, (one.ends - NOW) / MINUTE

    return {number: minutes(one) for number, one in found.items()}


def test_queued_builds_follow_each_other_on_the_workers_there_are() -> None:
    queue = [view(1, "a"), view(2, "b", 5), view(3, "c", 1)]

    assert expected(queue) == {1: (0, 10), 2: (10, 15), 3: (15, 16)}
    assert expected(queue, workers=2) == {1: (0, 10), 2: (0, 5), 3: (5, 6)}


def test_a_running_build_ends_when_it_usually_does_and_not_in_the_past() -> None:
    queue = [
        view(1, "a", state=PackageState.RUNNING, begun=NOW - 4 * MINUTE),
        view(2, "b", state=PackageState.RUNNING, begun=NOW - 40 * MINUTE),
        view(3, "c", 1),
    ]

    found = expected(queue, workers=2)

    assert found[1] == (-4, 6)
    assert found[2][1] == 5 / 60
    assert found[3] == (5 / 60, 1 + 5 / 60)


def test_what_waits_begins_after_what_it_waits_for() -> None:
    queue = [
        view(1, "a", 3, state=PackageState.WAITING, waits_for=("b",)),
        view(2, "b", 5),
        view(3, "c", 1, state=PackageState.WAITING, waits_for=("nobody",)),
    ]

    assert expected(queue, workers=2) == {2: (0, 5), 1: (5, 8)}


def test_a_cycle_and_what_is_stopped_are_left_out() -> None:
    queue = [
        view(1, "a", state=PackageState.WAITING, waits_for=("b",)),
        view(2, "b", state=PackageState.WAITING, waits_for=("a",)),
        view(3, "c", state=PackageState.PAUSED),
    ]

    assert expected(queue) == {}


def test_a_first_build_takes_as_long_as_others_and_without_others_nothing_is_predicted() -> None:
    assert expected([view(1, "a", None)]) == {}
    assert expected([view(1, "new", None), view(2, "a", 4)]) == {1: (0, 4), 2: (4, 8)}
