"""Times in the database: whole seconds since the epoch."""

from datetime import UTC, datetime


def seconds(when: datetime) -> int:
    """Return a time in the form the database stores."""
    return int(when.timestamp())


def moment(stored: int) -> datetime:
    """Return the time for stored seconds."""
    return datetime.fromtimestamp(stored, UTC)


def maybe_moment(stored: int | None) -> datetime | None:
    """Return the time for stored seconds; None for None."""
    return None if stored is None else moment(stored)
