"""Text that makes a regular expression slow, and how the time grows with its length."""

import itertools
import time
from collections.abc import Callable, Iterator
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

REPEATS = {ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT}
SIGNS = [
    *("a", " ", "/a", "'", "`", ".", "a.", "a:1:", "1", "1 ", "A", "\t", "(", "[", "-", "_", "#"),
    *("\n", " \n", "\n ", "x,", '"', "%", "a a", "a\n"),
]
GROWTH = 8
"""Four times the text takes at most eight times as long; quadratic would be sixteen."""


def parts(pattern: Any) -> Iterator[Any]:
    """The parts of a parsed pattern that hold patterns: `(operator, pattern)`."""
    for operator, value in pattern:
        if operator in REPEATS:
            yield operator, value[1] is ops.MAXREPEAT, value[2]
        elif operator is ops.SUBPATTERN:
            yield operator, False, value[3]
        elif operator is ops.BRANCH:
            yield from ((operator, False, one) for one in value[1])
        elif operator in {ops.ASSERT, ops.ASSERT_NOT}:
            yield operator, False, value[1]


def has_nested_repeat(pattern: Any, *, inside: bool = False) -> bool:
    return any(
        (endless and inside) or has_nested_repeat(part, inside=inside or endless)
        for _, endless, part in parts(pattern)
    )


def words(pattern: Any) -> list[str]:
    """The literal words of a pattern, in their order."""
    found, word = [], ""
    for operator, value in pattern:
        if operator is ops.LITERAL:
            word += chr(value)
            continue
        found.append(word)
        word = ""
        for _, _, part in parts([(operator, value)]):
            found += words(part)
    return [one for one in [*found, word] if one]


def hostile(pattern: str, flags: int = 0) -> list[str]:
    """Texts to repeat against a pattern: near matches from its own words, and single characters."""
    known = list(dict.fromkeys(words(parser.parse(pattern, flags))))[:25]
    pairs = [one + other for one, other in itertools.pairwise(known)]
    ends = (one + sign for one in known for sign in " a.")
    return [*SIGNS, *known, *ends, *pairs]


def seconds(act: Callable[[], object], tries: int) -> float:
    """The CPU time of an act, without other work of the machine."""
    found = []
    for _ in range(tries):
        started = time.process_time()
        act()
        found.append(time.process_time() - started)
    return min(found)


def grows_too_fast(act: Callable[[str], object], short: str, long: str) -> bool:
    """Whether the four times longer text takes much more than four times as long."""
    if seconds(lambda: act(long), 1) < 0.001:
        return False
    return all(
        seconds(lambda: act(long), 2) > GROWTH * seconds(lambda: act(short), 3) + 0.001
        for _ in range(3)
    )


CANDIDATES = "a1 /.-_:\"'(%#A\n<>=[],@;|~^\\\t"


def openings(pattern: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """The text before each unlimited repetition of a pattern, and its unit: `(before, unit)`."""
    for operator, value in pattern:
        if operator in REPEATS and value[1] is ops.MAXREPEAT:
            yield from ((before, unit) for unit in {sample(value[2]), " ", "a", "1"} if unit)
        for _, _, part in parts([(operator, value)]):
            yield from openings(part, before)
        before += sample([(operator, value)])


def sample(pattern: Any) -> str:
    """Text that a parsed pattern matches, or nearly."""
    return "".join(_sample(operator, value) for operator, value in pattern)


def _sample(operator: Any, value: Any) -> str:
    if operator is ops.LITERAL:
        return chr(value)
    if operator is ops.BRANCH:
        return sample(value[1][0])
    if operator is ops.SUBPATTERN:
        return sample(value[3])
    if operator in REPEATS:
        return sample(value[2]) * max(1, int(value[0]))
    if operator is ops.IN:
        return next((sign for sign in CANDIDATES if _is_in(sign, value)), "")
    if operator is ops.NOT_LITERAL:
        return "a" if value != ord("a") else "b"
    return "a" if operator is ops.ANY else ""


def _is_in(sign: str, members: list[Any]) -> bool:
    negated: bool = members[0][0] is ops.NEGATE
    return negated != any(_is_member(sign, *member) for member in members)


def _is_member(sign: str, operator: Any, value: Any) -> bool:
    if operator is ops.LITERAL:
        return bool(ord(sign) == value)
    if operator is ops.RANGE:
        first, last = value
        return bool(first <= ord(sign) <= last)
    kinds = {
        ops.CATEGORY_DIGIT: sign.isdigit(),
        ops.CATEGORY_SPACE: sign.isspace(),
        ops.CATEGORY_WORD: sign.isalnum() or sign == "_",
        ops.CATEGORY_NOT_DIGIT: not sign.isdigit(),
        ops.CATEGORY_NOT_SPACE: not sign.isspace(),
        ops.CATEGORY_NOT_WORD: not (sign.isalnum() or sign == "_"),
    }
    return operator is ops.CATEGORY and bool(kinds[value])
