from datetime import UTC, datetime

import pytest

from rdo.model.audiences import Audiences


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 8, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        pytest.param(at(1, 5, 59), at(1, 6), id="before the hour: today"),
        pytest.param(at(1, 6), at(2, 6), id="at the hour it has gone out: tomorrow"),
        pytest.param(at(1, 6, 1), at(2, 6), id="after the hour: tomorrow"),
        pytest.param(at(31, 23, 59), datetime(2026, 9, 1, 6, tzinfo=UTC), id="over a month's end"),
    ],
)
def test_a_digest_goes_out_at_the_next_such_hour(now: datetime, due: datetime) -> None:
    assert Audiences(digest_hour=6).digest_due(now) == due


def test_nobody_is_told_unless_somebody_says_so() -> None:
    nobody = Audiences()

    assert (nobody.mail, nobody.gerrit) == (False, False)
    assert (nobody.operator, nobody.webhooks) == ((), ())
    assert not nobody.wants_digest("ann@example.test")


@pytest.mark.parametrize(
    ("digest", "wants"),
    [
        pytest.param({"ann@example.test"}, True, id="named"),
        pytest.param({"*"}, True, id="everybody"),
        pytest.param({"bob@example.test"}, False, id="another"),
        pytest.param(set(), False, id="nobody"),
    ],
)
def test_who_wants_a_digest(digest: set[str], wants: bool) -> None:
    assert Audiences(digest=frozenset(digest)).wants_digest("ann@example.test") is wants
