"""Times as the database keeps them: whole seconds since the epoch."""

from datetime import UTC, datetime


def seconds(when: datetime) -> int:
    return int(when.timestamp())


def moment(stored: int) -> datetime:
    return datetime.fromtimestamp(stored, UTC)


def maybe_moment(stored: int | None) -> datetime | None:
    return None if stored is None else moment(stored)
