"""Which failures are tried again, how often, and after which pause."""

import errno
from datetime import timedelta

import pytest

from rdo.builders.failure import failure_of
from rdo.errors import (
    CancelledError,
    CommandError,
    ConfigError,
    NotFoundError,
    OutsideError,
    RefusedError,
)
from rdo.model.build import Failed, FailureReason
from rdo.trunk.order.retry import may_retry, rests_until
from tests.unit.trunk.samples import NOW, build

SPURIOUS = {
    FailureReason.NETWORK,
    FailureReason.NO_SPACE,
    FailureReason.INTERRUPTED,
    FailureReason.BUILDER,
}


@pytest.mark.parametrize("reason", FailureReason)
def test_only_what_is_no_fault_of_the_sources_is_tried_again(reason: FailureReason) -> None:
    assert may_retry(Failed(reason, ""), tries=1, limit=3) is (reason in SPURIOUS)


@pytest.mark.parametrize(
    ("tries", "limit", "again"),
    [
        pytest.param(0, 1, True, id="none yet"),
        pytest.param(2, 3, True, id="one is left"),
        pytest.param(3, 3, False, id="all are used up"),
        pytest.param(4, 3, False, id="the limit was lowered"),
        pytest.param(0, 0, False, id="a limit of none"),
    ],
)
def test_tries_are_bounded(tries: int, limit: int, again: bool) -> None:
    assert may_retry(Failed(FailureReason.NETWORK, ""), tries=tries, limit=limit) is again


@pytest.mark.parametrize(
    ("attempt", "minutes"),
    [
        pytest.param(1, 0, id="a first try rests not at all"),
        pytest.param(2, 0, id="the first repetition comes in the next round"),
        pytest.param(3, 10, id="the second waits a little"),
        pytest.param(4, 30, id="the third waits longer"),
        pytest.param(9, 30, id="later ones no longer than that"),
    ],
)
def test_each_try_waits_longer_than_the_last(attempt: int, minutes: int) -> None:
    found = rests_until(build(1, "a", attempt=attempt), NOW)

    assert found - NOW == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(CancelledError("x"), FailureReason.INTERRUPTED, id="the round was stopped"),
        pytest.param(OutsideError("x"), FailureReason.NETWORK, id="a server is away"),
        pytest.param(RefusedError("x"), FailureReason.UNKNOWN, id="a rule: no retry helps"),
        pytest.param(CommandError("x"), FailureReason.BUILDER, id="a program of ours failed"),
        pytest.param(ConfigError("x"), FailureReason.BUILDER, id="the configuration is wrong"),
        pytest.param(NotFoundError("x"), FailureReason.BUILDER, id="something is not there"),
        pytest.param(OSError(errno.ENOSPC, "x"), FailureReason.NO_SPACE, id="the disk is full"),
        pytest.param(OSError(errno.EDQUOT, "x"), FailureReason.NO_SPACE, id="the quota is used"),
        pytest.param(OSError(errno.EIO, "x"), FailureReason.BUILDER, id="the disk is broken"),
    ],
)
def test_an_error_around_a_build_becomes_its_outcome(error: OSError, reason: FailureReason) -> None:
    assert failure_of(error).reason is reason


def test_the_outcome_keeps_the_words_of_the_error() -> None:
    assert failure_of(OutsideError("pypi.org is away")).detail == "pypi.org is away"
