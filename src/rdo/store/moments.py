"""Times as the database stores them: whole seconds since the epoch."""

from datetime import UTC, datetime


def seconds(when: datetime) -> int:
    """Return a time as the database stores it."""
    return int(when.timestamp())


def moment(stored: int) -> datetime:
    """Return the time that the database stores as these seconds."""
    return datetime.fromtimestamp(stored, UTC)


def maybe_moment(stored: int | None) -> datetime | None:
    """Return the time for these seconds; None for None."""
    return None if stored is None else moment(stored)
