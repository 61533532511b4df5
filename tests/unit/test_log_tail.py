"""The end of a log."""

from pathlib import Path

import pytest

from rdo.log_tail import close_holes, last_line, read_end, read_tail


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


TB = 10**12


def sparse(log: Path) -> Path:
    """Write a log of 3 TB that has words at its begin and in its middle only."""
    with log.open("wb") as file:
        file.write(b"begin\n")
        file.seek(TB)
        file.write(b"middle\n")
        file.truncate(3 * TB)
    return log


def test_holes_of_a_log_are_not_read(tmp_path: Path) -> None:
    log = sparse(tmp_path / "build.log")

    content, before = read_end(log, 100_000, count=1000)

    assert content.replace(b"\0", b"") == b"begin\nmiddle\n"
    assert before == 0
    assert read_tail(log, 20_000).rstrip("\0").endswith("middle\n")


def test_the_lines_before_the_end_are_counted(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    log.write_bytes(b"1\n" * 3_000_000 + b"end\n")

    assert read_end(log, 6, count=10_000_000) == (b"1\nend\n", 2_999_999)
    assert read_end(log, 6, count=10) == (b"1\nend\n", 0)


def test_the_holes_of_a_log_are_closed(tmp_path: Path) -> None:
    log, whole = sparse(tmp_path / "build.log"), tmp_path / "whole.log"
    whole.write_text("all")

    close_holes(log)
    close_holes(whole)

    assert log.stat().st_size < 100_000
    assert log.read_bytes().replace(b"\0", b"") == b"begin\nmiddle\n"
    assert whole.read_text() == "all"
    assert sorted(tmp_path.glob("*.*")) == [log, whole]
