"""The commands of docs/how-to/update-a-package.md, run on a small package."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.unit.docs.pages import DOCS, fences

PAGE = (DOCS / "how-to/update-a-package.md").read_text()
OLD = 'GREETING = "hello"\n\n\ndef greet(name):\n    return f"{GREETING} {name}"\n'
NEW = 'GREETING = "hello"\n\n\ndef greet(name="world"):\n    return f"{GREETING}, {name}!"\n'
TAIL = '\n\ndef main():\n    print(greet("world"))\n'
NEW_TAIL = "\n\ndef main():\n    print(greet())\n"
SPEC = """\
Name:           python-greet
Version:        1.0.0
Release:        3%{?dist}
Summary:        Greetings for all
License:        Apache-2.0
Source0:        %{name}-%{version}.tar.gz
BuildArch:      noarch

%description
Greetings for all.

%prep
%autosetup -n greet-%{version} -p1

%files

%changelog
* Mon Feb 02 2026 Mia Maintainer <mia@example.org> 1.0.0-3
- Package it
"""


@pytest.fixture
def greet(tmp_path: Path) -> Path:
    """A distgit with its patches on a remote, and upstream one release ahead."""
    upstream = GitRepository(tmp_path / "upstream")
    upstream.commit("Release 1.0.0", {"greet.py": OLD + TAIL})
    upstream.git("tag", "1.0.0")
    upstream.commit("Release 2.0.0", {"greet.py": NEW + NEW_TAIL, "requirements.txt": "pbr>=6\n"})
    upstream.git("tag", "2.0.0")
    patches = GitRepository(tmp_path / "patches")
    distgit = GitRepository(tmp_path / "python-greet", "epoxy-rdo")
    distgit.commit("python-greet-1.0.0-3", {"python-greet.spec": SPEC})
    for name, remote in (("upstream", upstream), ("patches", patches)):
        distgit.git("remote", "add", name, remote.url)
    distgit.git("fetch", "--quiet", "--tags", "upstream")
    distgit.git("checkout", "--quiet", "-b", "epoxy-patches", "1.0.0")
    capital = OLD.replace('hello"', 'Hello"')
    distgit.commit("Greet with a capital letter", {"greet.py": capital + TAIL})
    loud = capital.replace('{name}"', '{name}!"')
    distgit.commit("Greet loudly (rhbz#4711)", {"greet.py": loud + TAIL})
    distgit.git("push", "--quiet", "patches", "epoxy-patches")
    distgit.git("checkout", "--quiet", "epoxy-rdo")
    distgit.git("branch", "--quiet", "-D", "epoxy-patches")
    return distgit.path


def shown() -> Iterator[tuple[str, list[str]]]:
    """Each command of the page with the lines that it prints there."""
    for block in fences(PAGE, ""):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output.splitlines()


def masked(line: str) -> str:
    """Without what differs each time: hashes, and the time that a log has where no terminal is."""
    text = re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ ", "", line.rstrip())
    return re.sub(r"\b[0-9a-f]{6,40}\b", "HASH", text)


def missing(expected: list[str], real: list[str]) -> str:
    """The first line of the page that the program did not print, in the page's order."""
    at = 0
    for line in expected:
        if line in {"…", ""}:
            continue
        while at < len(real) and masked(real[at]) != masked(line):
            at += 1
        if at == len(real):
            return line
        at += 1
    return ""


def test_the_page_is_what_happens(greet: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/rdo"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m rdo "$@"\n')
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    commands = []

    for command, expected in shown():
        done = subprocess.run(
            ["bash", "-c", f"{command} 2>&1"],
            cwd=greet,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        commands.append(command)
        lost = missing(expected, done.stdout.splitlines())
        assert lost == "", f"{command} does not print: {lost}\nbut:\n{done.stdout}"

    assert "rdo pkg -c" in commands
    assert len(commands) == 9
