"""Read TOML written by strangers within limits; tomllib alone could use all memory."""

import tomllib
from typing import Any

_LONGEST = 1_000_000
_DOTS = 100
"""Time and memory for a key grow with the square of the number of its parts."""


def read_toml(text: str) -> dict[str, Any]:
    """Return the table in a file. Raises tomllib.TOMLDecodeError also if a limit is exceeded.

    >>> read_toml("[project]\\nname = 'a.b'")
    {'project': {'name': 'a.b'}}
    >>> read_toml("a" + ".a" * 100_000 + " = 1")
    Traceback (most recent call last):
    tomllib.TOMLDecodeError: a key with too many parts
    >>> read_toml("a = " + "[" * 100_000)
    Traceback (most recent call last):
    tomllib.TOMLDecodeError: nested too deeply
    """
    if len(text) > _LONGEST:
        raise tomllib.TOMLDecodeError(f"longer than {_LONGEST} characters")
    if _has_long_key(text):
        raise tomllib.TOMLDecodeError("a key with too many parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise tomllib.TOMLDecodeError("nested too deeply") from None


def _has_long_key(text: str) -> bool:
    """Whether a line may have a key with many parts, before its value or in an inline table."""
    return any(
        line.count(".") > _DOTS and (line.partition("=")[0].count(".") > _DOTS or "{" in line)
        for line in text.splitlines()
    )
