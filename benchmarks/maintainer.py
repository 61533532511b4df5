"""What a maintainer's verb takes besides git and rpm themselves, and `rdopkg --help`.

    python -m benchmarks.maintainer

The bars: 0.3 s for a verb, 0.15 s for the help. Times are the best of several, on a distgit with
two patches; the child processes of a verb (git, and rpm in its sandbox) are subtracted.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

SPEC = """\
Name: foo
Version: 1.0.0
Release: 1%{?dist}
Summary: A package
License: Apache-2.0
Source0: foo-%{version}.tar.gz
BuildArch: noarch
%description
A package.
%prep
%autosetup -p1
%files
%changelog
* Mon Mar 02 2026 Mia Maintainer <mia@example.org> 1.0.0-1
- Package it
"""
TIMES = 5
VERBS: Sequence[Sequence[str]] = (
    ("pkgenv",),
    ("patch", "-l", "--dry-run"),
    ("fix", "--dry-run"),
    ("verrel", "--json"),
    ("gimmespec",),
    ("giturl", "--site", "fedora"),
    ("clog", "--dry-run"),
    ("sources", "--dry-run"),
    ("unused-patches",),
    ("pre-push-check", "--offline"),
    ("diff",),
    ("tag", "--dry-run"),
    ("push", "--dry-run"),
    ("switch-branch", "upstream", "--dry-run"),
    ("retire", "Gone", "--dry-run"),
    ("clean", "--dry-run"),
    ("commit", "-m", "Change", "--dry-run"),
)
"""Each of them does something there: the last one commits a change that `measure_verbs` makes."""


@dataclass(frozen=True, slots=True)
class VerbTime:
    """Seconds of one verb: all, and all but its child processes."""

    verb: str
    seconds: float
    own_seconds: float


def _git(folder: Path, *args: str) -> None:
    who = ("-c", "user.name=Mia", "-c", "user.email=mia@example.org")
    subprocess.run(["git", "-C", folder, *who, *args], check=True, capture_output=True)


def make_distgit(folder: Path) -> None:
    """A distgit with a patches branch of two commits."""
    folder.mkdir()
    _git(folder, "init", "--initial-branch=master")
    (folder / "foo.spec").write_text(SPEC)
    (folder / "sources").write_text(f"SHA512 (foo-1.0.0.tar.gz) = {'0' * 128}\n")
    _git(folder, "add", ".")
    _git(folder, "commit", "-m", "Package it")
    _git(folder, "checkout", "--orphan", "upstream")
    _git(folder, "rm", "-r", "--force", ".")
    for number in range(3):
        (folder / "a").write_text("line\n" * (number + 1))
        _git(folder, "add", ".")
        _git(folder, "commit", "-m", f"Commit {number}")
        if not number:
            _git(folder, "tag", "1.0.0")
    _git(folder, "branch", "master-patches")
    _git(folder, "checkout", "master")
    _git(folder, "clone", "--bare", ".", f"{folder}.git")
    _git(folder, "remote", "add", "origin", f"{folder}.git")
    (folder / "notes").write_text("not in git\n")


def measure_verbs() -> list[VerbTime]:
    """Each verb in this process, so that only its children are separate."""
    from rdo.cli import main

    os.environ.update(GIT_AUTHOR_NAME="Mia", GIT_AUTHOR_EMAIL="mia@example.org")
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "foo")
        make_distgit(folder)
        with contextlib.chdir(folder):
            for verb in VERBS:
                if verb[0] == "commit":
                    (folder / "foo.spec").write_text(f"{SPEC}- And more\n")
                rows = [_once(partial(main.run, ("pkg", *verb))) for _ in range(TIMES)]
                found.append(VerbTime(" ".join(verb), *min(rows, key=lambda row: row[1])))
    return found


def _once(act: Callable[[], int]) -> tuple[float, float]:
    """Seconds, and seconds of this process alone."""
    silence = io.StringIO()
    started, own = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        code = act()
    assert not code, silence.getvalue()
    return time.perf_counter() - started, time.process_time() - own


def measure_help() -> float:
    """Seconds of `rdopkg --help` as a process."""
    command = [sys.executable, "-c", "from rdo.cli.rdopkg import main; main()", "--help"]
    seconds = []
    for _ in range(TIMES):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def main() -> None:
    results = {
        "verbs": [asdict(row) for row in measure_verbs()],
        "rdopkg --help": measure_help(),
    }
    json.dump(results, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
