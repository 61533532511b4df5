"""No regular expression of the program takes more than linear time, whatever text it meets."""

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

import pytest

import rdo
from tests.hostile_text import grows_too_fast, hostile, openings

SOURCE = Path(rdo.__file__).parent
METHODS = ("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")
Text = str | bytes


class Used(NamedTuple):
    """A pattern, and one method by which the program uses it."""

    pattern: re.Pattern[Any]
    method: str

    def apply(self, text: str) -> object:
        given: Text = text if isinstance(self.pattern.pattern, str) else text.encode()
        act = getattr(self.pattern, self.method)
        if self.method in {"sub", "subn"}:
            return act(given[:0], given)
        found = act(given)
        return list(found) if self.method == "finditer" else found

    def slow_on(self) -> str:
        """The text that the pattern takes too long for when its last part is repeated, or ""."""
        text = self.pattern.pattern
        known = text if isinstance(text, str) else text.decode("latin-1")
        flags = self.pattern.flags & ~re.UNICODE
        tries = [*(("", unit) for unit in hostile(known, flags))]
        tries += dict.fromkeys(openings(parser.parse(known, flags)))
        return next((f"{one}({unit})*" for one, unit in tries if self.is_slow_on(unit, one)), "")

    def is_slow_on(self, unit: str, before: str = "") -> bool:
        return any(
            grows_too_fast(
                self.apply, before + repeated(unit, size), before + repeated(unit, 4 * size)
            )
            for size in (100, 2000)
        )


def repeated(unit: str, size: int) -> str:
    """Return text of one unit that ends with what hardly any pattern expects."""
    return (unit * size)[:size] + "\x01"


def files() -> list[Path]:
    return [path for path in sorted(SOURCE.rglob("*.py")) if "migrations" not in path.parts]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def calls(path: Path) -> Iterator[tuple[str, str, ast.Call]]:
    """The calls of methods that patterns have: `(what has the method, its name, the call)`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func.value), node.func.attr, node


@cache
def methods(path: Path) -> dict[str, set[str]]:
    """The methods by which a file uses each name that may be a pattern."""
    found = defaultdict(set)
    for owner, name, _ in calls(path):
        if name in METHODS and owner != "re":
            found[owner.partition("[")[0].rpartition(".")[2]].add(name)
    return found


@cache
def loops(path: Path) -> list[tuple[str, set[str]]]:
    """What a file loops over, and the names that its items have there."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.For | ast.comprehension):
            names = {one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)}
            found.append((ast.unparse(node.iter), names))
    return found


def methods_of(name: str, path: Path) -> set[str]:
    """The methods by which a pattern is used; one that is given away is for whole names."""
    where = [path] if name.startswith("_") else files()
    names = {name}
    for over, items in loops(path):
        if re.search(rf"\b{name}\b", over):
            names |= items
    found = [methods(one).get(each, set()) for one in where for each in names]
    return set().union(*found) or {"fullmatch"}


def flags(call: ast.Call) -> int:
    names = re.findall(r"re\.([A-Z]+)\b", ast.unparse(call))
    return sum({int(getattr(re, name)) for name in names})


def written_in_place(path: Path) -> Iterator[Used]:
    """The patterns that a function gives to a function of `re`."""
    for owner, name, call in calls(path):
        if owner == "re" and name in METHODS and call.args:
            first = call.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str | bytes):
                yield Used(re.compile(first.value, flags(call)), name)


def held_by(values: object) -> Iterator[re.Pattern[Any]]:
    """The patterns in a value of a module: itself, or what a table has."""
    if isinstance(values, re.Pattern):
        yield values
    elif isinstance(values, dict):
        yield from held_by([*values, *values.values()])
    elif isinstance(values, list | tuple | set | frozenset):
        for value in values:
            yield from held_by(value)


def compiled(path: Path) -> Iterator[Used]:
    """The patterns that a module has made when it is loaded, with each method they are used by."""
    dotted = path.relative_to(SOURCE.parent).with_suffix("").as_posix().replace("/", ".")
    module = importlib.import_module(dotted.removesuffix(".__init__"))
    for name, value in vars(module).items():
        if not name.startswith("__"):
            for pattern in held_by(value):
                used = sorted(methods_of(name, path))
                yield from (Used(pattern, method) for method in used)


def has_patterns(path: Path) -> bool:
    return "re." in path.read_text() and any(owner == "re" for owner, _, _ in calls(path))


@pytest.mark.parametrize(
    "path",
    [path for path in files() if has_patterns(path)],
    ids=lambda path: str(path.relative_to(SOURCE)),
)
def test_every_pattern_takes_linear_time(path: Path) -> None:
    found = dict.fromkeys([*written_in_place(path), *compiled(path)])

    slow = {f"{one.pattern.pattern!r} by {one.method}": one.slow_on() for one in found}

    assert {what: unit for what, unit in slow.items() if unit} == {}


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"\s*:", "search"),
        (r"\s*\|\s*", "split"),
        (r"[^/]*require[^/]*\.txt", "fullmatch"),
        (rb"a.*b", "findall"),
        (r"(\s*)%define (\S.*?)(\s*)$", "match"),
    ],
)
def test_a_slow_pattern_would_be_found(pattern: Text, method: str) -> None:
    assert Used(re.compile(pattern), method).slow_on()


def test_a_fast_pattern_is_none_of_them() -> None:
    assert Used(re.compile(r"(?<!\s)\s*:"), "search").slow_on() == ""
