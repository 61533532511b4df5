"""docs/security.md names a test for each wall, and each of them exists."""

import re
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs/security.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "| test |" not in line]


@cache
def functions() -> str:
    """The names of all tests, one a line."""
    files = sorted((REPOSITORY / "tests").rglob("test_*.py"))
    return "\n".join(
        one for file in files for one in re.findall(r"def (test_\w+)", file.read_text())
    )


def named(row: str) -> list[str]:
    """What the last column of a row names."""
    return re.findall(r"`([^`]+)`", row.rpartition(" | ")[2])


def exists(name: str) -> bool:
    if name.endswith(".py"):
        return any((REPOSITORY / "tests").rglob(name))
    form = re.escape(name.partition("[")[0]).replace("…", r"\w*")
    return re.search(rf"^{form}$", functions(), re.MULTILINE) is not None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_each_wall_has_a_test_that_exists(row: str) -> None:
    assert named(row), "no test is named"
    for name in named(row):
        assert re.fullmatch(r"(…|\[|test_).*", name)
        assert name.startswith("[") or exists(name), name


def test_a_name_that_no_test_has_would_be_found() -> None:
    assert not exists("test_nobody_has_written_this.py")
    assert not exists("test_nobody_has_written_this…")
    assert exists("…name_that_no_test_has_would_be_found")
