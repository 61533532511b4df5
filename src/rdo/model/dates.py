"""How a moment is written in a sentence or a table: to the minute, in UTC."""

from datetime import UTC, datetime


def minute(when: datetime) -> str:
    """Write a moment for a table, whose reader knows that its times are UTC.

    >>> minute(datetime(2026, 8, 1, 12, 0, 59, tzinfo=UTC))
    '2026-08-01 12:00'
    """
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M}"


def minute_utc(when: datetime) -> str:
    """Write a moment for a sentence.

    >>> minute_utc(datetime(2026, 8, 1, 12, 0, 59, tzinfo=UTC))
    '2026-08-01 12:00 UTC'
    """
    return f"{minute(when)} UTC"
