"""The pages about the code name every part that exists, and no other."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from rdo.store.schema import Base
from tests.unit.docs.pages import CONTRIBUTING, DOCS, PAGES, REPOSITORY, fences, links, spans, table

ARCHITECTURE = DOCS / "architecture.md"
TEXT = ARCHITECTURE.read_text()
SOURCE = REPOSITORY / "src/rdo"
ABOUT_CODE = (ARCHITECTURE, CONTRIBUTING, DOCS / "parts.md", *(DOCS / "decisions").glob("*.md"))
MODULES = [
    (page.name, name)
    for page in ABOUT_CODE
    for name in spans(page.read_text())
    if re.fullmatch(r"[\w/.*-]+(\.py|\.toml|\.lock)|(src|tests|packaging|docs)/[\w/.-]*", name)
    and name not in {"rdo.toml"}
]
_LINE = re.compile(
    r"^(?P<layer>[ \d]{2})  (?P<inner>  )?(?P<names>\S+(?:, \S+)*) {2,}(?P<told>\S.*)$"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the tree; `above` is the folder of an inner one."""

    layer: int
    above: str
    names: tuple[str, ...]
    told: str

    @property
    def paths(self) -> list[str]:
        return [f"{self.above}{name}" for name in self.names]


def tree() -> list[Row]:
    rows: list[Row] = []
    layer, above = 0, ""
    for line in fences(TEXT, "")[0].splitlines():
        match = _LINE.match(line)
        assert match, line
        names = tuple(match["names"].split(", "))
        if not match["inner"]:
            layer, above = int(match["layer"]), names[0]
        rows.append(Row(layer, above if match["inner"] else "", names, match["told"]))
    return rows


TREE = tree()


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


@pytest.mark.parametrize(("page", "name"), MODULES)
def test_a_file_that_is_named_exists(page: str, name: str) -> None:
    assert list(REPOSITORY.glob(name)) or list(SOURCE.glob(name))


def test_enough_files_were_found() -> None:
    assert len(MODULES) > 100
    assert {page for page, _ in MODULES} >= {"architecture.md", "parts.md", "CONTRIBUTING.md"}


def test_the_layers_are_those_of_the_contract() -> None:
    told: dict[int, list[str]] = {}
    for row in TREE:
        if not row.above:
            told.setdefault(row.layer, []).extend(re.split(r"\W", name)[0] for name in row.names)

    assert list(told) == list(range(1, len(told) + 1))
    assert [sorted(row) for row in told.values()] == [sorted(row) for row in contract()]


def test_the_tree_has_every_folder_and_no_other() -> None:
    told = [path for row in TREE for path in row.paths if path.endswith("/")]
    folders = [*SOURCE.glob("*/"), *SOURCE.glob("*/*/")]

    there = {f"{path.relative_to(SOURCE)}/" for path in folders if path.name != "__pycache__"}

    assert len(told) == len(set(told))
    assert set(told) == there - {
        "starter/info/",
        "starter/systemd/",
        "starter/example/",
        "pages/templates/",
        "pages/static/",
        "notify/templates/",
    }  # files that the line of the folder above speaks of


def test_files_are_named_only_where_they_are_a_layer_or_in_the_life_of_a_commit() -> None:
    elsewhere = re.sub(
        r"## The life of a commit\n.*?(?=^## )", "", TEXT, flags=re.DOTALL | re.MULTILINE
    )

    named = {name for name in spans(elsewhere) if name.endswith(".py")}

    assert {name for name in named if "/" in name} == set()


def test_the_page_is_two_pages_long() -> None:
    assert len(TEXT.splitlines()) <= 135


def test_the_tables_are_those_of_the_database() -> None:
    told = [row[0] for row in table((DOCS / "parts.md").read_text(), "Tables of the database")]

    assert sorted(told) == sorted(Base.metadata.tables)


QUESTIONS = [row for row in table(CONTRIBUTING.read_text(), "Where things are") if len(row) == 3]


@pytest.mark.parametrize(("question", "file", "name"), QUESTIONS)
def test_one_file_answers_a_question(question: str, file: str, name: str) -> None:
    assert question.endswith("?")
    text = (REPOSITORY / file.strip("`")).read_text()
    assert re.search(
        rf"^ *((def|class) {name.strip('`')}\b|{name.strip('`')}\b.*=)", text, re.MULTILINE
    )


def test_every_question_has_a_file() -> None:
    assert len(QUESTIONS) == len({file for _, file, _ in QUESTIONS}) == 8


def test_readme_leads_to_contributing() -> None:
    assert "CONTRIBUTING.md" in links((REPOSITORY / "README.md").read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in links(page.read_text()) if not (page.parent / link).exists()]

    assert broken == []
