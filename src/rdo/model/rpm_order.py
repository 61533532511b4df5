"""Compare versions and releases as rpm does, without running a process."""

import re

_PART = re.compile(r"\d+|[a-zA-Z]+|[~^]")


def compare(one: str, other: str) -> int:
    """Return -1, 0 or 1, comparing two versions or two releases as rpm does.

    >>> [compare("2.0~rc1", "2.0"), compare("2.0^a", "2.0.1"), compare("2.0", "2.0.0")]
    [-1, -1, -1]
    >>> compare("1.0.a", "1.0.1"), compare("1_0", "1.0"), compare("0.10", "0.9")
    (-1, 0, 1)
    """
    left, right = _PART.findall(one), _PART.findall(other)
    for a, b in zip(left, right, strict=False):
        if a != b and (found := _compare_parts(a, b)):
            return found
    common = min(len(left), len(right))
    rest_left, rest_right = left[common:], right[common:]
    if rest_left:
        return -1 if rest_left[0] == "~" else 1
    if rest_right:
        return 1 if rest_right[0] == "~" else -1
    return 0


def compare_evr(one: tuple[str, str, str], other: tuple[str, str, str]) -> int:
    """Return -1, 0 or 1, comparing epoch ("" is 0), version and release as rpm does."""
    epochs = int(one[0] or 0), int(other[0] or 0)
    if epochs[0] != epochs[1]:
        return -1 if epochs[0] < epochs[1] else 1
    return compare(one[1], other[1]) or compare(one[2], other[2])


def _compare_parts(a: str, b: str) -> int:
    for mark in "~^":  # a tilde sorts below everything, a caret below everything but the end
        if mark in (a, b):
            return -1 if a == mark else 1
    if a.isdigit() != b.isdigit():
        return 1 if a.isdigit() else -1
    if a.isdigit():
        a, b = a.lstrip("0"), b.lstrip("0")
        if len(a) != len(b):
            return -1 if len(a) < len(b) else 1
    return 0 if a == b else -1 if a < b else 1
