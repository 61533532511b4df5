import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pytest

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
