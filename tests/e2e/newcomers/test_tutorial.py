"""Each command of docs/tutorial.md, run; its output must be the one on the page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import needs_roots, platforms
from tests.unit.docs.pages import DOCS, fences

pytestmark = needs_roots

TUTORIAL = (DOCS / "tutorial.md").read_text()


def told() -> list[tuple[str, list[str]]]:
    """Each command of the page with the lines that it is said to print."""
    found: list[tuple[str, list[str]]] = []
    for block in fences(TUTORIAL, ""):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def is_as_told(lines: list[str], printed: str) -> bool:
    """Whether the lines are in what was printed, in order; `…` stands for any text."""
    place = 0
    shown = printed.splitlines()
    for line in lines:
        if line == "…":
            continue
        pattern = re.escape(line).replace("…", ".*")
        while place < len(shown) and not re.fullmatch(pattern, shown[place].rstrip()):
            place += 1
        if place == len(shown):
            return False
        place += 1
    return True


@pytest.mark.slow
def test_each_command_of_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "rdo").write_text(f'#!/bin/sh\nexec {sys.executable} -m rdo "$@"\n')
    (programs / "rdo").chmod(0o755)
    env = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}:/usr/sbin:/sbin",
        "RDO_PLATFORMS": platforms(),
    }
    folder = tmp_path
    commands = told()
    assert len(commands) > 10

    for command, lines in commands:
        if command.startswith("cd "):
            folder = folder / command.removeprefix("cd ")
            continue
        as_root = "unshare --map-root-user --map-auto "  # which root leaves out, as the page says
        done = subprocess.run(
            ["bash", "-c", command.replace(as_root, "") if os.geteuid() == 0 else command],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert is_as_told(lines, done.stdout), f"{command}\n{done.stdout}\n{done.stderr}"
