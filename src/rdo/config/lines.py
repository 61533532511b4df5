"""Find the line of each key in a TOML text, because tomllib does not report it."""

import contextlib
import tomllib
from collections.abc import Iterator
from typing import Any, TypeAlias

KeyPath: TypeAlias = tuple[str, ...]


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the first line (from 1) of each table and key of a text that tomllib accepts.

    >>> key_lines('a = 1\\n[b.c]\\nd = [\\n2]')
    {('a',): 1, ('b',): 2, ('b', 'c'): 2, ('b', 'c', 'd'): 3}
    """
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, statement in _statements(text):
        paths = list(_paths(tomllib.loads(statement)))
        if statement.lstrip().startswith("["):
            table = max(paths, key=len)
            below: KeyPath = ()
        else:
            below = table
        for path in paths:
            lines.setdefault(below + path, number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Split a TOML text into its statements: the shortest runs of lines that parse on their own."""
    start, collected = 1, ""
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        collected += line
        with contextlib.suppress(tomllib.TOMLDecodeError):  # a value continues on the next line
            if tomllib.loads(collected):
                yield start, collected
            start, collected = number + 1, ""


def _paths(value: Any, above: KeyPath = ()) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield (*above, key)
            yield from _paths(below, (*above, key))
