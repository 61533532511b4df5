"""The parameters of DLRN's endpoints, in all forms in which its clients send them.

A GET has them in the query, or in a JSON body (the old form), or in both: the query wins. A POST
has a JSON body. Numbers and booleans may be texts. DLRN's own client sends a GET in both forms.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rdo.web.answers import ApiError
from rdo.web.handling import HttpRequest

MISSING = "Missing parameters"
MOST_ROWS = 100
_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0"})
_LARGEST = 2**53
_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,100}(\.0)?\s*")
_LONGEST = 10_000
_DEEPEST = "the body is nested too deeply"


class Inputs:
    """The parameters of one request. Each method raises ApiError for a value of the wrong kind."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    @classmethod
    def of_get(cls, asked: HttpRequest) -> "Inputs":
        """Read the query, and the body in the old form."""
        if not _is_json(asked):
            return cls(asked.query)
        body = _json(asked)
        if not isinstance(body, dict):
            raise ApiError(400, "the body is not a JSON object")
        return cls({**body, **asked.query})

    @classmethod
    def of_post(cls, asked: HttpRequest) -> "Inputs":
        """Read the JSON body; 415 for any other type, as in DLRN."""
        body = body_of_post(asked)
        if not isinstance(body, dict):
            raise ApiError(400, "the body is not a JSON object")
        return cls(body)

    def text(self, name: str) -> str | None:
        """Return a text; None if it is missing or null."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise ApiError(400, f"{name} is not a string")
        if len(value) > _LONGEST or "\0" in value:
            raise ApiError(400, f"{name} is too long, or no text")
        return value

    def needed(self, *names: str) -> list[str]:
        """Return texts that are required."""
        found = [self.text(name) for name in names]
        if any(value is None for value in found):
            raise ApiError(400, MISSING)
        return [value for value in found if value is not None]

    def has(self, *names: str) -> bool:
        """Whether these parameters are given and not null."""
        return all(self._values.get(name) is not None for name in names)

    def mentions(self, name: str) -> bool:
        """Whether a parameter is given, even if it is null."""
        return name in self._values

    def boolean(self, name: str) -> bool | None:
        """Return a boolean; a text may be anything that Python's `strtobool` accepts."""
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).lower() if isinstance(value, str | int) else ""
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise ApiError(400, f"{name} is not a boolean")

    def number(self, name: str) -> int | None:
        """Return a whole number, which may be a text; decimals are cut off, as in DLRN.

        A number that is too large for the store is reduced.
        """
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, float) and math.isfinite(value):
            value = int(value)
        if isinstance(value, str):
            value = int(value.strip().removesuffix(".0")) if _NUMBER.fullmatch(value) else None
        if isinstance(value, bool) or not isinstance(value, int):
            raise ApiError(400, f"{name} is not a number")
        return max(-_LARGEST, min(value, _LARGEST))

    def count(self, name: str, default: int) -> int:
        """Return a number that is not negative."""
        value = self.number(name)
        if value is not None and value < 0:
            raise ApiError(400, f"{name} must be greater than or equal to 0")
        return default if value is None else value

    def limit(self) -> int:
        """Return how many rows are requested, at most 100."""
        return min(self.count("limit", MOST_ROWS), MOST_ROWS)

    def moment(self, name: str) -> datetime | None:
        """Return a time given in seconds since the epoch."""
        value = self.number(name)
        if value is None:
            return None
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, OSError, ValueError):
            raise ApiError(400, f"{name} is not a time") from None

    def day(self, name: str) -> datetime:
        """Return the beginning of a day in UTC, which is required."""
        [text] = self.needed(name)
        try:
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise ApiError(400, "Invalid date format, it must be YYYY-mm-dd") from None


def body_of_post(asked: HttpRequest) -> Any:
    """Return the JSON body of a POST. Raises ApiError: 415 for any other type, as in DLRN."""
    if not _is_json(asked):
        raise ApiError(415, "Unsupported Media Type, use JSON")
    return _json(asked)


def _is_json(asked: HttpRequest) -> bool:
    return asked.content_type.partition(";")[0].strip().lower() == "application/json"


def _json(asked: HttpRequest) -> Any:
    try:
        return json.loads(asked.body)
    except RecursionError:
        raise ApiError(400, _DEEPEST) from None
    except ValueError:
        raise ApiError(400, "the body is not JSON") from None
