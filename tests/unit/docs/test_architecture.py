"""docs/architecture.md names what is there, and what is there is named."""

import re
import tomllib
from pathlib import Path

import pytest

from rdo.store.schema import Base
from tests.unit.docs.pages import DOCS, PAGES, REPOSITORY, links, spans, table

TEXT = (DOCS / "architecture.md").read_text()
SOURCE = REPOSITORY / "src/rdo"
MODULES = [name for name in spans(TEXT) if name.endswith(".py") or name.startswith("src/")]


def contract() -> list[list[str]]:
    """The layers of pyproject.toml that exist, each a list of modules."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    [layers] = [
        entry["layers"]
        for entry in settings["tool"]["importlinter"]["contracts"]
        if entry["type"] == "layers"
    ]
    names = [re.findall(r"rdo\.(\w+)", layer) for layer in layers]
    found = [[name for name in row if list(SOURCE.glob(f"{name}*"))] for row in names]
    return [row for row in found if row]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_that_is_named_exists(name: str) -> None:
    assert (REPOSITORY / name).exists() or (SOURCE / name).exists()


def test_enough_modules_were_found() -> None:
    assert len(MODULES) > 40


def test_the_layers_are_those_of_the_contract() -> None:
    rows = table(TEXT, "Layers")
    told = [re.findall(r"`src/rdo/(\w+)", row[0]) for row in rows]

    assert [sorted(row) for row in told] == [sorted(row) for row in contract()]


def test_the_tables_are_those_of_the_database() -> None:
    told = [row[0] for row in table(TEXT, "Tables of the database")]

    assert sorted(told) == sorted(Base.metadata.tables)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in links(page.read_text()) if not (page.parent / link).exists()]

    assert broken == []
