import errno

import pytest

from rdo.builders.failure import failure_of
from rdo.errors import CancelledError, CommandError, ConfigError, OutsideError, RefusedError
from rdo.model.build import FailureReason


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (CancelledError("git fetch"), FailureReason.INTERRUPTED, "the round was stopped"),
        (OutsideError("git is away"), FailureReason.NETWORK, "git is away"),
        (RefusedError("a bad name"), FailureReason.UNKNOWN, "a bad name"),
        (CommandError("git: exit status 1"), FailureReason.BUILDER, "git: exit status 1"),
        (ConfigError("no command"), FailureReason.BUILDER, "no command"),
        (OSError(errno.ENOSPC, "full"), FailureReason.NO_SPACE, "[Errno 28] full"),
        (OSError(errno.EDQUOT, "full"), FailureReason.NO_SPACE, "[Errno 122] full"),
        (OSError(errno.EACCES, "no"), FailureReason.BUILDER, "[Errno 13] no"),
    ],
)
def test_a_failure_of_our_own_is_no_fault_of_the_package(
    error: Exception, reason: FailureReason, detail: str
) -> None:
    failed = failure_of(error)  # type: ignore[arg-type]  # each is one of them

    assert (failed.reason, failed.detail) == (reason, detail)
    assert failed.reason.is_spurious is (reason is not FailureReason.UNKNOWN)
