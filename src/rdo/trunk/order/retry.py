"""The retry policy: which failures are tried again, how often, and after which pause.

A failure is retried when it is spurious (`FailureReason.is_spurious`) and the build has tries
left; its next tries wait longer and longer.
"""

from datetime import datetime, timedelta

from rdo.model.build import Failed
from rdo.store.work.builds import Build

# Before its 2nd, 3rd … try; the first repetition is in the next round.
_PAUSES = (timedelta(0), timedelta(minutes=10), timedelta(minutes=30))


def may_retry(failure: Failed, *, tries: int, limit: int) -> bool:
    """Whether a failed build is queued again, after `tries` of at most `limit` spurious tries."""
    return failure.reason.is_spurious and tries < limit


def rests_until(build: Build, now: datetime) -> datetime:
    """Return the earliest time at which a queued build may be tried.

    If a build was queued after `now`, because a clock was wrong, it may be tried at once.
    """
    if build.created > now:
        return now
    pause = _PAUSES[min(build.attempt - 2, len(_PAUSES) - 1)] if build.attempt > 1 else timedelta(0)
    return build.created + pause
