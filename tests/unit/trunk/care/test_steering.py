"""Commands of a person to a target, and which of them are refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.model.build import Failed, FailureReason
from rdo.store.work.builds import BuildState
from rdo.trunk.care import steering
from tests.unit.trunk.past import TARGET, Past
from tests.unit.trunk.samples import build

NOON = datetime(2026, 8, 2, 12, tzinfo=UTC)
A = "python-a"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("30m", NOON - timedelta(minutes=30), id="minutes ago"),
        pytest.param("12h", NOON - timedelta(hours=12), id="hours ago"),
        pytest.param("3d", NOON - timedelta(days=3), id="days ago"),
        pytest.param("2w", NOON - timedelta(weeks=2), id="weeks ago"),
        pytest.param(" 3 d ", NOON - timedelta(days=3), id="with blanks"),
        pytest.param("2026-08-01", NOON - timedelta(hours=36), id="a date begins at midnight UTC"),
        pytest.param("2026-08-01 13:00", NOON - timedelta(hours=23), id="a time is UTC"),
        pytest.param("2026-08-01T13:00+02:00", NOON - timedelta(hours=25), id="a zone counts"),
    ],
)
def test_a_moment(text: str, moment: datetime) -> None:
    assert steering.parse_since(text, NOON) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "3", "3y", "d", "-3d", "2026-13-01", "3d 4h"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        steering.parse_since(text, NOON)


def test_what_fails_is_found(past: Past) -> None:
    past.built("a")
    past.failed("b")
    past.failed("c")
    past.built("c", "2")
    past.failed("x")

    assert steering.all_failed(past.trunk) == ["python-b", "python-x"]


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        pytest.param(-1, [A], id="before it failed"),
        pytest.param(0, [A], id="at that very second"),
        pytest.param(1, [], id="after it"),
    ],
)
def test_what_has_failed_since(past: Past, seconds: int, found: list[str]) -> None:
    failed = past.failed("a").finished
    assert failed is not None

    assert steering.all_failed(past.trunk, failed + timedelta(seconds=seconds)) == found


def test_what_is_held_or_gone_is_not_among_what_failed(past: Past) -> None:
    for name in "abc":
        past.failed(name)
    steering.hold(past.trunk, "python-b", None, by="me", why="")
    del past.packages["python-c"]

    assert steering.all_failed(past.trunk) == [A]


def rests(past: Past) -> None:
    first = past.running("a")
    past.ended(first, Failed(FailureReason.NETWORK, ""), final=False)
    for _ in range(2):
        with past.store.write() as at:
            again = at.builds.retry(first.id, now=past.clock())
            first = at.builds.start(again.id, now=past.clock())
        past.ended(first, Failed(FailureReason.NETWORK, ""), final=False)
    with past.store.write() as at:
        at.builds.retry(first.id, now=past.clock())


def dropped(past: Past) -> None:
    past.built("a")
    queued = past.queued("a", "2")
    with past.store.write() as at:
        at.builds.drop(queued.id, "nobody has what it wants", now=past.clock())


@pytest.mark.parametrize(
    ("before", "is_new"),
    [
        pytest.param(lambda past: past.failed("a"), True, id="it fails: once more"),
        pytest.param(lambda past: past.queued("a"), False, id="it is queued: it stays"),
        pytest.param(lambda past: past.running("a"), False, id="it runs: it goes on"),
        pytest.param(rests, True, id="it rests after a failure: at once"),
        pytest.param(dropped, True, id="its newest was dropped: it was never tried"),
    ],
)
def test_a_recheck(past: Past, before: Callable[[Past], object], is_new: bool) -> None:
    before(past)

    [found] = steering.recheck(past.trunk, [A])

    assert found.is_new is is_new
    with past.store.read() as at:
        still = (*at.builds.queue(TARGET), *at.builds.running(TARGET))
    assert [one.id for one in still] == [found.build.id]


def test_a_recheck_is_a_build_with_a_release_date_of_its_own(past: Past) -> None:
    failed = past.failed("a")

    [found] = steering.recheck(past.trunk, [A])

    assert found.build.commit == failed.commit
    assert found.build.release_date > failed.release_date
    assert found.build.attempt == 1


def test_a_recheck_is_of_the_newest_commit(past: Past) -> None:
    past.failed("a", upstream="1")
    past.failed("a", upstream="2")

    [found] = steering.recheck(past.trunk, [A])

    assert found.build.commit == past.commit("a", "2")


@pytest.mark.parametrize("newest", ["1", "2"])
def test_the_inputs_are_kept_for_the_same_commit_alone(past: Past, newest: str) -> None:
    past.ended(past.running("a", inputs="digest"), Failed(FailureReason.TEST, ""))
    with past.store.write() as at:
        at.commits.add(TARGET, past.commit("a", newest))

    [found] = steering.recheck(past.trunk, [A])

    assert found.build.inputs == ("digest" if newest == "1" else "")


def test_a_recheck_of_what_builds_needs_force(past: Past) -> None:
    past.built("a")

    with pytest.raises(RefusedError):
        steering.recheck(past.trunk, [A])
    [found] = steering.recheck(past.trunk, [A], force=True)

    assert found.is_new


def test_a_recheck_of_what_builds_and_rests_is_not_refused(past: Past) -> None:
    past.built("a", "0")
    rests(past)

    assert steering.recheck(past.trunk, [A])[0].is_new


def test_one_refusal_queues_nothing_at_all(past: Past) -> None:
    past.failed("a")
    past.built("b")

    with pytest.raises(RefusedError):
        steering.recheck(past.trunk, [A, "python-b"])

    with past.store.read() as at:
        assert at.builds.queue(TARGET) == ()


@pytest.mark.parametrize("name", ["python-z", A])
def test_what_is_unknown_or_was_never_seen_cannot_be_rechecked(past: Past, name: str) -> None:
    with pytest.raises(NotFoundError):
        steering.recheck(past.trunk, [name])


def test_what_is_held_is_not_rechecked(past: Past) -> None:
    past.failed("a")
    steering.hold(past.trunk, A, None, by="ann", why="it is old")

    with pytest.raises(RefusedError, match="held by ann since 2026-08-01 12:00 UTC: it is old"):
        steering.recheck(past.trunk, [A], force=True)


@pytest.mark.parametrize("text", ["2", A])
def test_a_build_is_cancelled_by_its_number_or_package(past: Past, text: str) -> None:
    past.queued("b")
    past.queued("a")
    past.failed("c")

    [found] = steering.cancel(past.trunk, [text], by="ann", why="too long")

    assert (found.package, found.dropped) == (A, "cancelled by ann: too long")
    assert not steering.is_ending(found)


def test_all_builds_of_a_package_are_cancelled_the_running_one_when_its_round_hears(
    past: Past,
) -> None:
    past.running("a", "1")
    past.queued("a", "2")

    running, queued = steering.cancel(past.trunk, [A], by="ann", why="")

    assert (running.to_cancel, queued.dropped) == ("cancelled by ann", "cancelled by ann")
    assert (steering.is_ending(running), steering.is_ending(queued)) == (True, False)


@pytest.mark.parametrize("text", ["1", A, "python"])
def test_what_has_ended_or_is_not_there_cannot_be_cancelled(past: Past, text: str) -> None:
    past.failed("a")

    with pytest.raises(NotFoundError):
        steering.cancel(past.trunk, [text], by="ann", why="")


@pytest.mark.parametrize("state", BuildState)
def test_only_a_running_build_is_still_ending(state: BuildState) -> None:
    assert steering.is_ending(build(1, "a", state=state)) is (
        state in {BuildState.STARTING, BuildState.RUNNING}
    )


def test_a_build_that_was_never_published_cannot_be_stayed_at(past: Past) -> None:
    never = past.failed("a").id

    with pytest.raises(NotFoundError):
        steering.hold(past.trunk, A, never, by="me", why="")

    with past.store.read() as at:
        assert at.holds.all(TARGET) == {}


def test_a_hold_without_a_build_moves_nothing(past: Past) -> None:
    past.built("a")

    change = steering.hold(past.trunk, A, None, by="ann", why="it is old")

    held = change.hold
    assert (held.package, held.build_id, held.by, change.moved) == (A, None, "ann", ())


@pytest.mark.parametrize("name", ["python-z", A])
def test_what_is_not_held_cannot_be_released(past: Past, name: str) -> None:
    with pytest.raises(NotFoundError):
        steering.release(past.trunk, name, by="me")


def test_a_pause_ends_once(past: Past) -> None:
    steering.pause(past.trunk, by="me", why="")

    assert [steering.resume(past.trunk).was_paused for _ in range(2)] == [True, False]
