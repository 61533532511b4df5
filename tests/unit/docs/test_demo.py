"""README and how-tos show the demo's real output, which the golden test records."""

import re
from pathlib import Path

import pytest

from tests.e2e.newcomers.test_demo import GOLDEN, summary
from tests.unit.docs.pages import DOCS, README, fences

PRINTED = (GOLDEN / "demo-first.txt").read_text().splitlines()
BLOCKS = {
    "README.md": fences(README.read_text().partition("## A first build")[2], "")[0],
    "mail.md": next(
        block for block in fences((DOCS / "how-to/mail.md").read_text(), "") if "show-mail" in block
    ),
}


@pytest.mark.parametrize("page", BLOCKS)
def test_every_line_of_the_demo_that_is_shown_is_printed(page: str) -> None:
    block = BLOCKS[page].replace("$PWD", "DEMO")
    shown = [line for line in summary(block, Path("DEMO")).splitlines() if line not in {"", "…"}]

    left = [line for line in shown if not any(matches(line, other) for other in PRINTED)]

    assert left == []
    assert len(shown) > 10


def matches(shown: str, printed: str) -> bool:
    """`…` stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), printed) is not None
