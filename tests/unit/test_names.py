"""One word per thing: a class is known by its name alone, wherever a reader meets it."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import rdo
from tests.unit.docs.pages import DOCS

SOURCES = Path(rdo.__file__).parent

SHARED: dict[str, str] = {}
"""Names that several public classes have, each with the reason."""


def public_classes() -> dict[str, list[str]]:
    """The modules by the names of the public classes in them, not those within classes."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(SOURCES.rglob("*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(str(file.relative_to(SOURCES)))
    return found


def test_no_two_public_classes_have_one_name_without_a_reason() -> None:
    classes = public_classes()

    repeated = {name: files for name, files in classes.items() if len(files) > 1}

    assert len(classes) > 300  # the walk has seen the program
    assert {name: files for name, files in repeated.items() if name not in SHARED} == {}
    assert set(SHARED) - set(repeated) == set()  # no reason outlives its names


def test_the_glossary_names_classes_that_exist() -> None:
    inside = (DOCS / "glossary.md").read_text().partition("## Inside the program")[2]
    section = inside.partition("\n## ")[0]

    named = [x for names in re.findall(r"\*\* \(([^)]+)\)", section) for x in names.split(", ")]

    assert len(named) > 20
    assert {name.strip("`") for name in named} - set(public_classes()) == set()
