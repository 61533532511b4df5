"""Shorten lists of names for one line of a log, a table or a terminal."""

from collections.abc import Iterable

MOST_NAMED = 6


def short_list(names: Iterable[object], most: int = MOST_NAMED) -> str:
    """Return the first names, and how many more there are.

    >>> short_list("abc"), short_list("abcd", 2), short_list("abc", 2)
    ('a, b, c', 'a, b and 2 more', 'a, b, c')
    """
    found = [str(name) for name in names]
    if len(found) <= most + 1:  # "and 1 more" would not be shorter than the name
        return ", ".join(found)
    return f"{', '.join(found[:most])} and {len(found) - most} more"
