"""The retry policy: which failures are tried again, how often, and after which pause.

A failure is retried when it is spurious (`FailureReason.is_spurious`) and the build has tries
left; its next tries wait longer and longer. A failure of our own around a build becomes such an
outcome here too.
"""

import errno
from datetime import datetime, timedelta

from rdo.errors import CancelledError, OutsideError, RefusedError, UserError
from rdo.model.build import Failed, FailureReason
from rdo.store.builds import Build

# Before its 2nd, 3rd … try; the first repetition is the next round.
_PAUSES = (timedelta(0), timedelta(minutes=10), timedelta(minutes=30))


def may_retry(failure: Failed, *, tries: int, limit: int) -> bool:
    """Whether a failed build is queued again; it has had `tries` spurious tries of `limit`."""
    return failure.reason.is_spurious and tries < limit


def rests_until(build: Build) -> datetime:
    """Return the time from which a queued build may be tried."""
    pause = _PAUSES[min(build.attempt - 2, len(_PAUSES) - 1)] if build.attempt > 1 else timedelta(0)
    return build.created + pause


def failure_of(error: UserError | OSError) -> Failed:
    """Return the outcome of a build that could not be tried because of `error`.

    The programs of a build end with an outcome of their own. So `error` comes from git, pip, the
    solver or the machine: the build is retried, and the package is not to blame. A RefusedError
    is the exception: the rule would refuse the build again.
    """
    match error:
        case CancelledError():
            return Failed(FailureReason.INTERRUPTED, "the round was stopped")
        case OutsideError():
            return Failed(FailureReason.NETWORK, str(error))
        case RefusedError():
            return Failed(FailureReason.UNKNOWN, str(error))
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return Failed(FailureReason.NO_SPACE, str(error))
    return Failed(FailureReason.BUILDER, str(error))
