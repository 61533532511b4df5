"""docs/dependencies.md has every dependency with a reason, and none that is gone."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.unit.docs.pages import DOCS, REPOSITORY, table

TEXT = (DOCS / "dependencies.md").read_text()
PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]

# What Python calls a package that is not called so itself.
IMPORT_NAMES = {
    "cyclonedx-python-lib": "cyclonedx",
    "in-toto-attestation": "in_toto_attestation",
    "spdx-tools": "spdx_tools",
    "python-multipart": "python_multipart",
    "PyYAML": "yaml",
    "Jinja2": "jinja2",
    "argon2-cffi": "argon2",
    "axe-playwright-python": "axe_playwright_python",
    "libpass": "passlib",
    "prometheus-client": "prometheus_client",
    "strawberry-graphql": "strawberry",
}
# Run as programs, or only read by one.
NEVER_IMPORTED = {
    "coverage",
    "dlrnapi-client",
    "psycopg",
    "pip",
    "import-linter",
    "mypy",
    "pytest-xdist",
    "ruff",
    "types-PyYAML",
    "types-html5lib",
}
NOT_USED = "not used yet"


def names(requirements: list[str]) -> list[str]:
    return [re.split(r"[<>=~!\[; ]", text, maxsplit=1)[0] for text in requirements]


def listed(file: str) -> list[str]:
    lines = (REPOSITORY / "packaging" / file).read_text().splitlines()
    return [name for line in lines if (name := line.partition("#")[0].strip())]


def imports(folder: Path) -> set[str]:
    """The top-level modules that the Python files below a folder import."""
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize(
    ("heading", "wanted"),
    [
        ("Python, to build", names(PYPROJECT["build-system"]["requires"])),
        ("Python, to run", names(PROJECT["dependencies"])),
        ("Python, to develop", names(PROJECT["optional-dependencies"]["dev"])),
        ("System, Debian and Ubuntu", listed("apt.txt")),
        ("System, Fedora and EL", listed("dnf.txt")),
    ],
)
def test_each_list_is_printed_whole_with_reasons(heading: str, wanted: list[str]) -> None:
    told = {row[0]: row[1] for row in table(TEXT, heading)}

    assert sorted(told) == sorted(wanted)
    assert [name for name, reason in told.items() if not reason] == []


def test_what_is_said_to_be_unused_is_not_imported_and_all_else_is() -> None:
    rows = (*table(TEXT, "Python, to run"), *table(TEXT, "Python, to develop"))
    told = {row[0]: row[1] for row in rows}
    imported = imports(REPOSITORY / "src") | imports(REPOSITORY / "tests")

    used = {name for name in told if IMPORT_NAMES.get(name, name) in imported}

    assert {name for name in used if NOT_USED in told[name]} == set(), "take out: not used yet"
    idle = {name for name in told if NOT_USED not in told[name]} - used - NEVER_IMPORTED
    assert idle == set(), "nothing imports it: say so, or take it out of pyproject.toml"
