"""Times in sentences and tables, to the minute in UTC, and spans of time."""

import re
from datetime import UTC, datetime, timedelta

_SPAN = re.compile(r"([0-9]{1,4})([dh])")


def minute(when: datetime) -> str:
    """Return a time for a table, whose reader knows that times are UTC.

    >>> minute(datetime(2026, 8, 1, 12, 0, 59, tzinfo=UTC))
    '2026-08-01 12:00'
    """
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M}"


def minute_utc(when: datetime) -> str:
    """Return a time for a sentence.

    >>> minute_utc(datetime(2026, 8, 1, 12, 0, 59, tzinfo=UTC))
    '2026-08-01 12:00 UTC'
    """
    return f"{minute(when)} UTC"


def parse_span(text: str) -> timedelta:
    """Return the span of time in a text with days or hours, such as `14d`.

    >>> parse_span("36h")
    datetime.timedelta(days=1, seconds=43200)

    Raises ValueError for any other text, and for no time at all.
    """
    found = _SPAN.fullmatch(text.strip())
    if not found or not int(found[1]):
        raise ValueError(f"{text!r} is not a span of time; write 14d or 36h")
    return timedelta(days=int(found[1])) if found[2] == "d" else timedelta(hours=int(found[1]))
