"""The end of a log."""

from pathlib import Path

import pytest

from rdo.log_tail import last_line, read_tail


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\ntwo\n", "two"),
        ("one\n   two   \n \n\n", "two"),
        ("", "it printed nothing"),
        (" \n\t\n", "it printed nothing"),
        ("x" * 301, "x" * 300),
    ],
)
def test_the_last_line_is_the_last_that_is_not_blank(text: str, line: str) -> None:
    assert last_line(text) == line


def test_a_caller_says_what_silence_is() -> None:
    assert last_line("\n", "crash") == "crash"


def test_the_tail_is_the_end_of_a_file(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    log.write_bytes(b"begin\n\xff end")

    assert read_tail(log) == "begin\n\N{REPLACEMENT CHARACTER} end"
    assert read_tail(log, 3) == "end"
    assert read_tail(tmp_path / "none.log") == ""
