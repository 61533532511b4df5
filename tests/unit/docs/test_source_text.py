"""Rules for the source text: its folders, the documents it names, the checks it silences."""

import ast
import builtins
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.unit.docs.pages import PAGES, REPOSITORY

SOURCE = REPOSITORY / "src/rdo"
FOLDERS = sorted(path.parent for path in SOURCE.rglob("__init__.py"))
PYTHON = sorted(
    path for top in ("src", "tests", "benchmarks") for path in (REPOSITORY / top).rglob("*.py")
)
DOCUMENTS = {path.name for path in PAGES}
NOT_OURS = {"AssertionError", "NotImplementedError"}  # bugs, which no caller expects


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_folder_says_in_one_sentence_what_it_is(folder: Path) -> None:
    told = ast.get_docstring(parsed(folder / "__init__.py")) or ""

    assert re.fullmatch(r"\w[^\n]*[^.]\.", told)
    assert not re.search(r"[.!?] ", told)


def prose(path: Path) -> Iterator[str]:
    """The comments and docstrings of a module."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield ast.get_docstring(node) or ""


def test_comments_name_documents_that_are_here() -> None:
    named = {
        (name_of(path), name)
        for path in PYTHON
        for text in prose(path)
        for name in re.findall(r"[\w-]+\.md\b|\bDESIGN\b|\bSTYLE \d", text)
    }

    assert named
    assert {(path, name) for path, name in named if name not in DOCUMENTS} == set()


def test_documents_name_documents_that_are_here() -> None:
    named = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(r"[\w-]+\.md\b", page.read_text())
    }

    assert {(page, name) for page, name in named if name not in DOCUMENTS} == set()


def test_a_layout_by_hand_has_a_reason() -> None:
    silenced = [
        (name_of(path), line.strip())
        for path in PYTHON
        if path != Path(__file__)
        for line in path.read_text().splitlines()
        if re.search(r"# fmt: *\w+", line)
    ]

    assert silenced
    assert [one for one in silenced if not re.search(r"# fmt: *\w+  # \w+", one[1])] == []


@cache
def errors() -> set[str]:
    """The names of all exceptions of ours and of Python's."""
    classes = (
        node
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef)
    )
    ours = {node.name for node in classes if node.name.endswith("Error")}
    return (ours | {name for name in vars(builtins) if name.endswith("Error")}) - NOT_OURS


def raised(function: ast.FunctionDef) -> set[str]:
    """The exceptions that a function's own lines raise."""
    found = set()
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Raise) and node.exc:
            called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            found.add(ast.unparse(called).rpartition(".")[2])
        todo += ast.iter_child_nodes(node)
    return found & errors()


def unsaid(path: Path) -> Iterator[str]:
    """Public functions with exceptions that no docstring around them names."""
    todo: list[tuple[ast.Module | ast.ClassDef, str]] = [(parsed(path), "")]
    while todo:
        parent, said = todo.pop()
        for node in ast.iter_child_nodes(parent):
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            text = f"{said} {ast.get_docstring(parent) or ''} {ast.get_docstring(node) or ''}"
            if isinstance(node, ast.ClassDef):
                todo.append((node, text))
            else:
                yield from (
                    f"{name_of(path)}: {node.name} raises {name}"
                    for name in sorted(raised(node))
                    if name not in text
                )


def test_public_functions_name_what_they_raise() -> None:
    # The docstring of a command is its help, and an error there ends the program.
    modules = [path for path in SOURCE.rglob("*.py") if SOURCE / "cli" not in path.parents]

    assert [one for path in sorted(modules) for one in unsaid(path)] == []
