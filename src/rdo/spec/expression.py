"""Compute the expressions in rpm's conditions for given values of their macros."""

import re
from collections.abc import Mapping

from rdo.errors import UserError

_TOKEN = re.compile(
    r'\s*(?:(?P<number>\d+)(?![\w.])|"(?P<text>[^"]*)"|(?P<sign>&&|\|\||[!=<>]=|[<>!()+*/-]))'
)
_SIMPLE = re.compile(r"%(?P<ask>[!?]*)(?P<name>\w+)")
_BRACED = re.compile(r"%\{(?P<ask>[!?]*)(?P<name>\w+)(?P<end>[}:\s])")
_NESTING = 20
_ORDERS = {"==": {0}, "!=": {-1, 1}, "<": {-1}, "<=": {-1, 0}, ">": {1}, ">=": {0, 1}}


class UnknownExpressionError(UserError):
    """An expression that only rpm can compute."""


def holds(expression: str, values: Mapping[str, str | None]) -> bool:
    """Whether a condition is true; raises UnknownExpressionError if only rpm can compute it.

    >>> holds("0%{?rhel} >= 8 && ! 0%{?fedora}", {"rhel": "9", "fedora": None})
    True
    >>> holds('%{with tests} || "%{?dist}" == ".el9"', {"with_tests": None, "dist": ".el9"})
    True
    """
    return bool(_Parser(expand(expression, values)).whole())


def expand(text: str, values: Mapping[str, str | None], depth: int = 0) -> str:
    """Return a text with its macros replaced by their values.

    Raises UnknownExpressionError for a macro whose value only rpm can compute.
    """
    if depth > _NESTING:
        raise UnknownExpressionError(text)
    out, at = "", 0
    while (start := text.find("%", at)) >= 0:
        out += text[at:start]
        if text.startswith("%%", start):
            out, at = f"{out}%", start + 2
            continue
        if match := _BRACED.match(text, start):
            end = _closing(text, start + 1)
            inside = text[match.end() : end] if match["end"] != "}" else ""
            out += _value(match["ask"], match["name"], match["end"], inside, values, depth)
            at = end + 1
        elif match := _SIMPLE.match(text, start):
            out += _value(match["ask"], match["name"], "}", "", values, depth)
            at = match.end()
        else:
            raise UnknownExpressionError(text)
    return out + text[at:]


def _closing(text: str, start: int) -> int:
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return at
    raise UnknownExpressionError(text)


def _value(
    ask: str, name: str, end: str, inside: str, values: Mapping[str, str | None], depth: int
) -> str:
    if end.isspace():
        return _of_function(name, inside.strip(), values)
    if name not in values:
        raise UnknownExpressionError(name)
    value = values[name]
    is_wanted = (value is None) == bool(ask.count("!") % 2)
    if end == ":":
        return expand(inside, values, depth + 1) if is_wanted else ""
    if "!" in ask:
        return ""
    if value is None:
        if "?" in ask:
            return ""
        raise UnknownExpressionError(name)
    return value


def _of_function(name: str, argument: str, values: Mapping[str, str | None]) -> str:
    of = {"with": f"with_{argument}", "without": f"with_{argument}"}.get(name, argument)
    if name not in {"with", "without", "defined", "undefined"} or of not in values:
        raise UnknownExpressionError(name)
    is_there = values[of] is not None
    return str(int(is_there == (name in {"with", "defined"})))


class _Parser:
    """A parser of rpm's grammar: `&&` and `||` have the same precedence, `!` has a higher one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> int | str:
        value = self._logical()
        if self._text[self._at :].strip():
            raise UnknownExpressionError(self._text)
        return value

    def _sign(self, *signs: str) -> str:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match["sign"] not in signs:
            return ""
        self._at = match.end()
        return match["sign"]

    def _logical(self) -> int | str:
        value = self._relation()
        while sign := self._sign("&&", "||"):
            other = self._relation()
            value = (
                int(bool(value) and bool(other))
                if sign == "&&"
                else int(bool(value) or bool(other))
            )
        return value

    def _relation(self) -> int | str:
        value = self._sum()
        while sign := self._sign("==", "!=", "<=", ">=", "<", ">"):
            value = int(_compared(value, sign, self._sum(), self._text))
        return value

    def _sum(self) -> int | str:
        value = self._product()
        while sign := self._sign("+", "-"):
            other = self._product()
            if isinstance(value, int) and isinstance(other, int):
                value = value + other if sign == "+" else value - other
            elif isinstance(value, str) and isinstance(other, str) and sign == "+":
                value += other
            else:
                raise UnknownExpressionError(self._text)
        return value

    def _product(self) -> int | str:
        value = self._primary()
        while sign := self._sign("*", "/"):
            other = self._primary()
            if (
                not isinstance(value, int)
                or not isinstance(other, int)
                or (sign == "/" and not other)
            ):
                raise UnknownExpressionError(self._text)
            value = value * other if sign == "*" else value // other
        return value

    def _primary(self) -> int | str:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise UnknownExpressionError(self._text)
        self._at = match.end()
        if match["number"] is not None:
            return int(match["number"])
        if match["text"] is not None:
            return str(match["text"])
        if match["sign"] == "!":
            return int(not self._primary())
        if match["sign"] == "-":
            value = self._primary()
            if isinstance(value, int):
                return -value
        if match["sign"] == "(":
            value = self._logical()
            if self._sign(")"):
                return value
        raise UnknownExpressionError(self._text)


def _compared(one: int | str, sign: str, other: int | str, text: str) -> bool:
    if isinstance(one, int) and isinstance(other, int):
        order = max(-1, min(1, one - other))
    elif isinstance(one, str) and isinstance(other, str):
        order = (one > other) - (one < other)
    else:
        raise UnknownExpressionError(text)
    return order in _ORDERS[sign]
