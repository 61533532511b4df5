import ast
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pytest

from rdo.cli import output
from rdo.cli.output import Table, show


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    colour: Colour
    tags: frozenset[str]
    where: Path
    when: datetime | None = None


def test_json_is_made_of_values(capsys: pytest.CaptureFixture[str]) -> None:
    thing = Thing(
        "a", Colour.RED, frozenset({"y", "x"}), Path("/p"), datetime(2026, 1, 2, tzinfo=UTC)
    )

    show({"things": (thing,)}, as_json=True, people="not shown")

    assert json.loads(capsys.readouterr().out) == {
        "things": [
            {
                "name": "a",
                "colour": "red",
                "tags": ["x", "y"],
                "where": "/p",
                "when": "2026-01-02T00:00:00+00:00",
            }
        ]
    }


def test_a_table_is_aligned_and_has_no_trailing_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    show(None, as_json=False, people=Table(("name", "size"), [("a", 1), ("long", None)]))

    assert capsys.readouterr().out == "NAME  SIZE\na     1\nlong\n"


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show("a\x1b[31mb\nc", as_json=False)
    show(None, as_json=False, people=Table(("x",), [("\x1b]0;t\x07",)]))

    assert capsys.readouterr().out == "a\ufffd[31mb\nc\nX\n\ufffd]0;t\ufffd\n"


def test_json_holds_no_character_that_a_terminal_obeys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    subject = "a\x1b]0;t\x07\x9b31m\u202eb\u2028\udce9 é"

    show({"subject": subject}, as_json=True)

    printed = capsys.readouterr().out
    assert not [one for one in printed if not one.isprintable() and one != "\n"]
    assert json.loads(printed)["subject"] == subject


def test_bytes_of_another_encoding_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    show("Jos\udce9", as_json=False)

    assert capsys.readouterr().out == "Jos\ufffd\n"


def test_only_one_module_prints() -> None:
    found = []
    for file in sorted(Path(output.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name.endswith((".echo", ".secho", ".stdout.write", ".stderr.write")) or name in {
                *("print", "traceback.print_exc", "click.prompt", "click.confirm"),
            }:
                found.append(f"{file.name}: {name}")

    asked = {"output.py: click.confirm", "output.py: click.prompt"}
    assert set(found) <= {"output.py: click.echo", *asked}
    assert found
