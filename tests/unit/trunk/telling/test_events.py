"""Events that the end of a build records: a break, a mend, who waits, what cannot be followed."""

from datetime import timedelta
from pathlib import Path

import pytest

from rdo.model.build import Built, Failed, FailureReason, Outcome, Waiting
from rdo.notify.story import Audience
from rdo.trunk.telling.events import STALE_AFTER, audience_of, note_stale, note_waiting, settle
from tests.unit.trunk.past import TARGET, Past

A = "python-a"
GOOD, BAD, AWAY = (
    Built((Path("x.rpm"),)),
    Failed(FailureReason.COMPILE, ""),
    Failed(FailureReason.NETWORK, ""),
)


def end(past: Past, outcome: Outcome, upstream: str = "1", *, final: bool = True) -> int:
    """A build of a that ends so; returns its number."""
    build = past.running("a", upstream)
    with past.store.write() as at:
        settle(at, build, outcome, now=past.clock(), final=final)
    return build.id


def noted(past: Past) -> list[str]:
    with past.store.read() as at:
        return [event.key for event in at.events.undescribed(TARGET)]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        pytest.param([GOOD], [], id="a good build is no news"),
        pytest.param([BAD], ["broken:1:maintainers"], id="a failure of its own"),
        pytest.param([AWAY], ["broken:1:operator"], id="a failure outside is the operator's"),
        pytest.param([BAD, BAD], ["broken:1:maintainers"], id="a break is told once"),
        pytest.param(
            [AWAY, BAD],
            ["broken:1:operator", "broken:1:maintainers"],
            id="once to each who has to act",
        ),
        pytest.param([BAD, GOOD], ["broken:1:maintainers", "mended:1:maintainers"], id="a mend"),
        pytest.param(
            [AWAY, GOOD], ["broken:1:operator", "mended:1:operator"], id="a mend of the operator's"
        ),
        pytest.param(
            [AWAY, BAD, GOOD],
            [
                *("broken:1:operator", "broken:1:maintainers"),
                *("mended:1:maintainers", "mended:1:operator"),
            ],
            id="a mend goes to all who were told",
        ),
        pytest.param(
            [BAD, GOOD, BAD],
            ["broken:1:maintainers", "mended:1:maintainers", "broken:3:maintainers"],
            id="a second break is another",
        ),
        pytest.param([Waiting(("x",))], [], id="who waits has not ended"),
    ],
)
def test_what_is_noted(past: Past, outcomes: list[Outcome], expected: list[str]) -> None:
    for number, outcome in enumerate(outcomes):
        end(past, outcome, str(number))

    assert noted(past) == expected


def test_a_failure_that_is_tried_again_is_told_to_nobody(past: Past) -> None:
    end(past, AWAY, final=False)

    assert noted(past) == []


def test_an_older_commit_that_fails_after_a_newer_one_was_built_is_told_to_nobody(
    past: Past,
) -> None:
    old = past.running("a", "1")
    end(past, GOOD, "2")

    with past.store.write() as at:
        settle(at, old, BAD, now=past.clock())

    assert noted(past) == []


def test_an_event_is_about_its_build_and_its_break(past: Past) -> None:
    broken, mended = end(past, BAD, "1"), end(past, GOOD, "2")

    with past.store.read() as at:
        events = at.events.undescribed(TARGET)
    assert [(one.package, one.build_id, one.break_id) for one in events] == [
        (A, broken, broken),
        (A, mended, broken),
    ]


@pytest.mark.parametrize("audience", Audience)
def test_a_key_knows_its_audience(audience: Audience) -> None:
    assert audience_of(f"broken:17:{audience}") is audience


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param(BAD, ["waited-for:1:python-b", "waited-for:1:python-c"], id="a break"),
        pytest.param(AWAY, [], id="a break of which its maintainers know nothing"),
        pytest.param(GOOD, [], id="no break"),
    ],
)
def test_who_waits_is_noted_once_for_a_break_that_was_announced(
    past: Past, outcome: Outcome, expected: list[str]
) -> None:
    end(past, outcome)

    for waiting in (["python-c"], ["python-c", "python-b"]):
        with past.store.write() as at:
            note_waiting(at, TARGET, {A: waiting}, now=past.clock())

    assert sorted(key for key in noted(past) if key.startswith("waited")) == expected


@pytest.mark.parametrize(
    ("seconds", "known", "is_noted"),
    [
        pytest.param(-1, [A], False, id="not for a day yet"),
        pytest.param(0, [A], True, id="for a day"),
        pytest.param(0, ["python-b"], False, id="it is no longer followed"),
    ],
)
def test_what_cannot_be_followed_for_a_day(
    past: Past, seconds: int, known: list[str], is_noted: bool
) -> None:
    since = past.clock()
    with past.store.write() as at:
        at.heads.unreachable(TARGET, A, "it is away", now=since)
        now = since + STALE_AFTER + timedelta(seconds=seconds)
        for _ in range(2):
            note_stale(at, TARGET, known, now=now)

    assert noted(past) == ([f"stale:{A}:{int(since.timestamp())}"] if is_noted else [])


def test_what_can_be_followed_is_not_noted(past: Past) -> None:
    with past.store.write() as at:
        at.heads.seen(TARGET, A, upstream_hash="u", distgit_hash="d", now=past.clock())
        note_stale(at, TARGET, [A], now=past.clock() + timedelta(days=9))

    assert noted(past) == []
