"""The whole of `make demo`: from OpenStack libraries on PyPI to a program that dnf installed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.e2e.command import REPOSITORY, needs_roots, platforms, rdo

pytestmark = [needs_roots, pytest.mark.slow]

GOLDEN = Path(__file__).parents[1] / "golden"


def run_demo(folder: Path) -> str:
    """What the demo prints to stdout; what it prints to stderr is the log."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [REPOSITORY / "examples/demo/run", folder],
        env={**os.environ, "PATH": path, "RDO_PLATFORMS": platforms()},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def summary(text: str, folder: Path) -> str:
    """The output without times and places, and the `built` lines, sorted, at the end."""
    text = text.replace(str(folder), "DEMO").replace(platforms(), "PLATFORMS")
    text = re.sub(r"\S*bin/rdo\b", "RDO", text)
    text = re.sub(r"\b20\d{12}\b", "RELEASEDATE", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", text)
    text = re.sub(r"(\d+ min )?\d+(\.\d+)? s\b", "N s", text)
    text = re.sub(r"\b0\.0\.pypi\d+\b", "BRIDGED", text)
    text = re.sub(r"(base|macros)-[0-9a-f]{16}", r"\1-DIGEST", text)
    text = re.sub(r"(current|consistent) -> \S+", r"\1 -> HASH", text)
    text = re.sub(r"(RELEASEDATE\.[0-9a-f]{7}\.deb12\.noarch|TIME)[ \t]*", r"\1 ", text)
    text = re.sub(r"rpm-tmp\.\w+", "rpm-tmp.XXXXXX", text)
    text = re.sub(r"^([> ]) +\d+ \|", r"\1 N |", text, flags=re.MULTILINE)
    text = re.sub(r"the same root: \d+", "the same root: N", text)
    lines = [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]
    lines.sort(key=lambda line: line if line.startswith("built ") else "")  # below all others
    # The build's number depends on which of two workers was first.
    return "\n".join(re.sub(r"( built \w{7} TIME) \d+$", r"\1 N", line) for line in lines) + "\n"


def check_golden(name: str, text: str) -> None:
    golden = GOLDEN / name
    if os.environ.get("ACCEPT_GOLDEN"):
        golden.write_text(text)
    expected = golden.read_text() if golden.exists() else ""
    assert text == expected, f"accept it with: ACCEPT_GOLDEN=1 pytest {__file__}"


def unpinned(folder: Path) -> list[str]:
    """What the demo has taken from PyPI and its constraints do not pin; then it would change."""
    lines = (folder / "upper-constraints.txt").read_text().splitlines()
    names = {canonicalize_name(Requirement(one).name) for one in lines if not one.startswith("#")}
    taken = rdo("platform", "deps", "list", "--json", cwd=folder, constraints=None).json
    return [
        f"{row['name']}=={row['version']}"
        for row in taken
        if row["origin"] == "pypi" and canonicalize_name(row["name"]) not in names
    ]


def test_the_demo_from_nothing_and_again(tmp_path: Path) -> None:
    folder = tmp_path / "demo"

    first = summary(run_demo(folder), folder)
    second = summary(run_demo(folder), folder)

    assert unpinned(folder) == []
    check_golden("demo-first.txt", first)
    check_golden("demo-again.txt", second)
