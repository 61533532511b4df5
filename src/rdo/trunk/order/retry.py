"""How long a build rests that failed for no reason of its own."""

from datetime import datetime, timedelta

from rdo.store.builds import Build

# Before its 2nd, 3rd … try; the first repetition is the next round.
_PAUSES = (timedelta(0), timedelta(minutes=10), timedelta(minutes=30))


def rests_until(build: Build) -> datetime:
    """When a queued build may be tried."""
    pause = _PAUSES[min(build.attempt - 2, len(_PAUSES) - 1)] if build.attempt > 1 else timedelta(0)
    return build.created + pause
