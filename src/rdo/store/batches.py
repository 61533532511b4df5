"""Divide many values of one query among several statements."""

from collections.abc import Collection, Iterator
from typing import TypeVar

Value = TypeVar("Value", int, str)

AT_ONCE = 500  # parameters of one statement


def batches(values: Collection[Value]) -> Iterator[list[Value]]:
    """Yield values in order, in groups that fit into one statement.

    >>> [len(one) for one in batches(range(1001))]
    [500, 500, 1]
    """
    left = sorted(values)
    for start in range(0, len(left), AT_ONCE):
        yield left[start : start + AT_ONCE]
