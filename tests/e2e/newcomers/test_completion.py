"""The values that shell completion offers, requested as click's scripts request them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rdo.cli.main import run as rdo
from tests.e2e.trunk.test_trunk_loop import site

__all__ = ["site"]  # the fixture


def offered(folder: Path, line: str) -> list[str]:
    words = line.split(" ")
    done = subprocess.run(
        [sys.executable, "-c", "from rdo.cli.main import cli; cli(prog_name='rdo')"],
        cwd=folder,
        env={
            **os.environ,
            "_RDO_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return [found.partition(",")[2] for found in done.stdout.split()]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("rdo trunk run --target ", "one-deb12"),
        ("rdo trunk recheck python-", "python-foo"),
        ("rdo why py", "python-foo"),
        ("rdo trunk log ", "1"),
        ("rdo reproduce ", "1"),
        ("rdo platform shell deb", "deb12-x86_64"),
        ("rdo build -P ", "deb12-x86_64"),
        ("rdo info review py", "python-foo"),
        ("rdo info releases --release ", ""),
        ("rdo --color a", "auto"),
    ],
)
def test_values_are_offered(site: Path, line: str, found: str) -> None:
    assert rdo(["-C", str(site), "-q", "trunk", "run"]) == 0

    assert not found or found in offered(site, line)
    assert not found or found in offered(site.parent, line.replace("rdo ", f"rdo -C {site} ", 1))


def test_a_faulty_configuration_offers_nothing_and_says_nothing(site: Path) -> None:
    (site / "rdo.toml").write_text("nonsense =")

    assert offered(site, "rdo trunk run --target ") == []
