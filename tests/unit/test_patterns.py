"""No regular expression of the program takes more than linear time, whatever text it meets."""

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any, NamedTuple

import pytest

import rdo
from tests.hostile_text import grows_too_fast, hostile, openings

SOURCE = Path(rdo.__file__).parent
METHODS = ("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")
Text = str | bytes
SPECS_OWN = "the spec's, within the limits of its build"
OPERATOR = "the operator's, in rdo.toml, the metadata or a command line"
GIVEN = {
    "config/section.py: text": OPERATOR,
    "dlrn/followed.py: follow.tag or ''": OPERATOR,
    "metadata/editing/branching.py: regex": OPERATOR,
    "metadata/editing/branching.py: pattern": OPERATOR,
    "metadata/queries.py: regex.removeprefix('~')": OPERATOR,
    "model/package.py: self.pattern": OPERATOR,
    "promotion/listing.py: fnmatch.translate(wanted)": OPERATOR,
    "spec/definitions.py: pattern": "few and short parts for one short version, see test_edits.py",
    "tools/children/match_texts.py: asked['pattern']": "the spec's, in a child within limits",
    "trunk/sources/branches.py: pattern": OPERATOR,
    "logs/reader.py: row['pattern']": "a table of ours, timed in test_hostile_logs.py",
    "checks/outside_jobs.py: fnmatch.translate(job.junit)": OPERATOR,
    "roots/inside/installing/mangle_shebangs.py: exclude": SPECS_OWN,
    "roots/inside/installing/mangle_shebangs.py: exclude_from": SPECS_OWN,
}
"""Patterns that are no text of the program: where the whole of each comes from."""


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


def module_of(path: Path) -> ModuleType:
    dotted = path.relative_to(SOURCE.parent).with_suffix("").as_posix().replace("/", ".")
    return importlib.import_module(dotted.removesuffix(".__init__"))


def functions(path: Path) -> Iterator[ast.AST]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    return (node for node in ast.walk(tree(path)) if isinstance(node, kinds))


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


def text_of(node: ast.expr, known: Mapping[str, object]) -> Text | None:
    """The text that an expression gives, with "a" for each of its parts that only a call knows.

    None for an expression of which nothing is written there: somebody gives the whole pattern.
    """
    match node:
        case ast.Constant(value=str() | bytes() as text):
            return text
        case ast.Name(id=name):
            value = known.get(name)
            return value if isinstance(value, str | bytes) else None
        case ast.JoinedStr(values=parts):
            return "".join(str(part_of(part, known)) for part in parts)
        case ast.FormattedValue(value=value):
            return part_of(value, known)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            both = [part_of(left, known), part_of(right, known)]
            texts = [one if isinstance(one, str) else one.decode() for one in both]
            return "".join(texts) if both == texts else "".join(texts).encode()
    return "a" if ast.unparse(node).startswith("re.escape(") else None


def part_of(node: ast.expr, known: Mapping[str, object]) -> Text:
    found = text_of(node, known)
    return "a" if found is None else found


def put_together(path: Path) -> Iterator[tuple[str, str, Text | None, int]]:
    """The patterns that a function makes: `(function of re, expression, its text, flags)`."""
    known = vars(module_of(path))
    inside = {id(one) for function in functions(path) for one in ast.walk(function)}
    for owner, name, call in calls(path):
        if owner == "re" and name in {*METHODS, "compile"} and id(call) in inside:
            first = call.args[0]
            if name == "compile" or not isinstance(first, ast.Constant):
                yield name, ast.unparse(first), text_of(first, known), flags(call)


def made_by_functions(path: Path) -> Iterator[Used]:
    """The patterns that functions put together, as far as they are written there."""
    for name, _, text, given in put_together(path):
        if text is not None:
            pattern = re.compile(text, given)
            used = ("search", "fullmatch", "sub") if name == "compile" else (name,)
            yield from (Used(pattern, method) for method in used)


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
    for name, value in vars(module_of(path)).items():
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
    found = dict.fromkeys([*written_in_place(path), *made_by_functions(path), *compiled(path)])

    slow = {f"{one.pattern.pattern!r} by {one.method}": one.slow_on() for one in found}

    assert {what: unit for what, unit in slow.items() if unit} == {}


def test_a_pattern_that_somebody_gives_comes_from_where_we_know() -> None:
    found = {
        f"{path.relative_to(SOURCE)}: {expression}"
        for path in files()
        if has_patterns(path)
        for _, expression, text, _ in put_together(path)
        if text is None
    }

    assert found == GIVEN.keys()


def test_what_only_a_call_knows_is_a_part_of_a_pattern() -> None:
    known = {"STAGE": "rc|b"}
    rows = {
        'rf"({x}|{STAGE})+"': "(a|rc|b)+",
        're.escape(name) + r"-[0-9]"': "a-[0-9]",
        'rb"x " + name.encode() + rb"\\b"': b"x a\\b",
        "given": None,
        "row[1]": None,
    }

    for text, pattern in rows.items():
        assert text_of(ast.parse(text, mode="eval").body, known) == pattern, text


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
