"""No text of ours installs a foreign program, and none installs rdo from a package index."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.store.database.engine import make_engine, parse
from rdo.store.database.sqlite_file import Mode
from tests.unit.docs.pages import PAGES, REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
# What a text of ours may ask pip for, beside a checkout: the right project was looked up by hand.
KNOWN = {
    "boto3",
    "cyclonedx-python-lib",
    "spdx-tools",
    "PyMySQL",
    "psycopg",
    "koji",
    "createrepo_c",
    "solv",
    "uv",
}
FOLDERS = ("src", "packaging", "examples", "changes")
_COMMAND = re.compile(r"\b(?:pipx?|uv)(?:[ \"',]+)(?:tool )?(?:install|run)\b(?P<rest>[^`\n]*)")
_VALUED = {"--upgrade-strategy", "--only-binary", "--requirement", "-r"}


def texts() -> Iterator[Path]:
    yield from PAGES
    yield REPOSITORY / "Makefile"
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*")):
            if "inside" in path.parts:  # programs that run pip, and tell nobody to
                continue
            if path.is_file() and path.suffix in {"", ".py", ".md", ".toml", ".yml", ".service"}:
                yield path


def asked_of_pip(text: str) -> Iterator[str]:
    """What the `pip install` commands of a text name, without checkouts, options and variables."""
    for command in _COMMAND.finditer(text):
        words = re.split(r"[ \"',;)]+", command["rest"].partition(" # ")[0])
        for before, word in zip(["", *words], words, strict=False):
            if before not in _VALUED and re.match(r"[A-Za-z0-9]", word):
                yield re.split(r"[\[<>=~!.]", word)[0]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("`pip install 'rdo[postgresql]'`", ["rdo"]),
        ("x -m pip install --quiet -r lock.txt rdo-factory", ["rdo-factory"]),
        ("pip install '.[postgresql]' in the checkout", ["in", "the", "checkout"]),
        ("`pip install --upgrade .`", []),
        ("pipx install rdo", ["rdo"]),
    ],
)
def test_names_are_found_in_commands(text: str, names: list[str]) -> None:
    assert list(asked_of_pip(text)) == names


def test_texts_ask_pip_only_for_projects_that_we_know() -> None:
    found = {
        (str(path.relative_to(REPOSITORY)), name)
        for path in texts()
        for name in asked_of_pip(path.read_text(errors="replace"))
    }

    assert {(path, name) for path, name in found if name not in KNOWN} == set()


def test_the_distribution_has_a_name_of_its_own_and_the_command_keeps_its() -> None:
    assert PROJECT["name"] == "rdo-factory"
    assert PROJECT["scripts"]["rdo"] == "rdo.cli.main:main"


def test_no_requirement_names_the_distribution_that_is_not_ours() -> None:
    extras = PROJECT["optional-dependencies"].values()
    rows = [*PROJECT["dependencies"], *(row for rows in extras for row in rows)]
    locked = (REPOSITORY / "packaging/requirements.lock").read_text()

    assert [row for row in rows if re.match(r"rdo\b(?!-factory)", row)] == []
    assert not re.search(r"^rdo==|\brdo \(pyproject", locked, re.MULTILINE)


def test_a_missing_driver_is_installed_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)

    with pytest.raises(Exception, match="requires a driver") as caught:
        make_engine(parse("postgresql://nobody@127.0.0.1:1/none"), Mode.WRITE)

    assert "-m pip install 'psycopg[binary]'" in str(getattr(caught.value, "hint", ""))
