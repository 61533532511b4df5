"""`rdo pkg` killed at random moments: `undo` brings everything back, and no file is lost.

RDO_KILLS is the number of kills, RDO_KILLS_SEED chooses them.
"""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from tests.distgits import Distgit

KILLS = int(os.environ.get("RDO_KILLS", "25"))
SEED = int(os.environ.get("RDO_KILLS_SEED", "11"))
NO_ACTION, NOTHING, REFUSED = 1, 4, 5
A, B = "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "one\ntwo\nthree\n"

# In place of git: at its n-th start it kills the program that started it, or git as well.
GIT = """\
#!/bin/sh
n=$(($(cat "$KILL_COUNT" 2>/dev/null || echo 0) + 1))
echo $n > "$KILL_COUNT"
[ "$n" != "$KILL_AT" ] && exec "$REAL_GIT" "$@"
case $KILL_KIND in
before) kill -9 $PPID ;;
after) "$REAL_GIT" "$@"; kill -9 $PPID ;;
while) "$REAL_GIT" "$@" & sleep "$KILL_DELAY"; kill -9 $PPID; wait ;;
both) "$REAL_GIT" "$@" & sleep "$KILL_DELAY"; kill -9 $PPID $! ;;
esac
"""


class Kind(StrEnum):
    """When a kill comes: before git starts, after it, while it runs; or git is killed as well."""

    BEFORE = "before"
    AFTER = "after"
    WHILE = "while"
    BOTH = "both"


VERBS: Mapping[str, tuple[str, ...]] = {
    "update": ("new-version", "2.0.0", "-l", "-n", "-d"),
    "conflict": ("new-version", "3.0.0", "-l", "-n", "-d"),
    "patch": ("patch", "-l"),
    "fix": ("fix", "-m", "Mend it"),
    "go on": ("-c",),
    "abort": ("--abort",),
    "undo": ("undo",),
}
BEFOREHAND = {"go on": "fix", "abort": "conflict", "undo": "update"}
# These look at much before they change anything: kill them in their last starts of git.
LAST = {"undo": 14, "abort": 40}
OFTEN = ("update",) * 4 + ("conflict", "patch", "fix", "go on", "abort") + ("undo",) * 3


@dataclass(frozen=True)
class Walk:
    """A distgit to copy for each try, with a git that kills."""

    template: Path
    place: Path

    @property
    def count(self) -> Path:
        return self.place.parent / "count"

    def copy(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(self.template, self.place, symlinks=True)
        subprocess.run(["git", "update-index", "--refresh", "-q"], cwd=self.place, check=False)

    def rehearse(self, verb: str) -> int:
        """How often a verb starts git; the distgit stays as it is."""
        spare = self.place.parent / "spare"
        shutil.copytree(self.place, spare, symlinks=True)
        self.run(*VERBS[verb])
        shutil.rmtree(self.place)
        spare.rename(self.place)
        return int(self.count.read_text())

    def run(self, *args: str, at: int = 0, kind: str = "", delay: float = 0) -> int:
        self.count.unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "rdo", "pkg", *args],
            cwd=self.place,
            check=False,
            capture_output=True,
            env={
                **os.environ,
                "PATH": f"{self.count.parent}/bin:{os.environ['PATH']}",
                "REAL_GIT": shutil.which("git") or "",
                "KILL_COUNT": str(self.count),
                "KILL_AT": str(at),
                "KILL_KIND": kind,
                "KILL_DELAY": f"{delay:.3f}",
            },
        )
        return done.returncode


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Walk:
    repository = Distgit(tmp_path / "template/foo-bar", monkeypatch, capsys)
    repository.spec()
    repository.commit("Sources", {"sources": "SHA512 (a) = 1\n", ".gitignore": "*.tar.gz\n"})
    repository.upstream_version("1.0.0", {"a.py": A, "b.py": B})
    repository.patch_commits(
        ("Mend nine", {"a.py": A.replace("9", "9 mended")}),
        ("Mend b", {"b.py": B.replace("two", "2")}),
    )
    repository.rdopkg("patch", "-l")
    repository.upstream_version("2.0.0", {"a.py": f"new\n{A}", "b.py": B}, base="1.0.0")
    repository.upstream_version("3.0.0", {"b.py": B.replace("two", "zwei")}, base="2.0.0")
    repository.patch_commits(("Mend c", {"c.py": "c\n"}))
    shutil.rmtree(repository.path / ".git/rdo")
    (repository.path / "notes.txt").write_text("mine, unknown to git\n")
    (repository.path / "foo-1.0.0.tar.gz").write_text("mine, ignored\n")
    (repository.path / "notes").mkdir()
    (repository.path / "notes/deep.txt").write_text("mine, in a folder\n")
    (repository.path / "link").symlink_to("notes.txt")
    (tmp_path / "try/bin").mkdir(parents=True)
    (tmp_path / "try/bin/git").write_text(GIT)
    (tmp_path / "try/bin/git").chmod(0o755)
    return Walk(repository.path, tmp_path / "try/foo-bar")


def work_of_a_person(distgit: Distgit) -> dict[str, str]:
    """What somebody does after the kill, before they think of undo."""
    mine = {"later.txt": "later\n", "staged.txt": "staged\n", "made/deep.txt": "deep\n"}
    mine["foo-2.0.0.tar.gz"] = "ignored\n"
    if (distgit.path / "sources").exists():
        mine["sources"] = "SHA512 (mine) = 2\n"
    for name, text in mine.items():
        (distgit.path / name).parent.mkdir(exist_ok=True)
        (distgit.path / name).write_text(text)
    subprocess.run(["git", "add", "staged.txt"], cwd=distgit.path, check=False)
    return mine


def without(state: dict[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """A state without files, and without what git says about them."""
    files = {f"file {name}" for name in names}
    lines = [x for x in state["status"].splitlines() if x[2:].strip() not in names]
    return {key: value for key, value in state.items() if key not in files} | {
        "status": "\n".join(lines)
    }


@pytest.mark.slow
def test_no_kill_loses_a_file(walk: Walk, monkeypatch: pytest.MonkeyPatch, capsys: object) -> None:
    chance = random.Random(SEED)
    starts: dict[str, int] = {}
    faults = []
    for number in range(KILLS):
        verb = chance.choice(OFTEN)
        walk.copy()
        distgit = Distgit(walk.place, monkeypatch, capsys)
        before = distgit.state
        if verb in BEFOREHAND:
            walk.run(*VERBS[BEFOREHAND[verb]])
        if verb not in starts:
            starts[verb] = walk.rehearse(verb)
        first = starts[verb] - LAST[verb] if verb in LAST else 1
        at, kind = chance.randint(first, starts[verb]), chance.choice(list(Kind))
        what = f"{number}: {verb}, {kind} git {at} of {starts[verb]}"

        code = walk.run(*VERBS[verb], at=at, kind=kind, delay=chance.uniform(0, 0.02))
        mine = work_of_a_person(distgit)
        answers = undone(distgit, mine, "--abort" if verb == "abort" else "undo")

        lost = [x for x, text in mine.items() if (distgit.path / x).read_text() != text]
        left, then = without(distgit.state, mine), without(before, mine)
        differs = sorted(key for key in {*left, *then} if left.get(key) != then.get(key))
        if code != -9 or lost or differs:
            faults.append((what, code, lost, differs, answers))
            keep = os.environ.get("RDO_KILLS_KEEP")
            if keep:
                shutil.copytree(walk.place, Path(keep, str(number)), symlinks=True)

    assert faults == []


def undone(distgit: Distgit, mine: Mapping[str, str], again: str) -> list[str]:
    """Undo, or abort, until nothing is left to undo.

    What it refuses to lose is moved away and put back at the end.
    """
    moved: dict[str, str] = {}
    answers = []
    for _ in range(4):
        code, out, err = distgit.tried(again)
        answers.append(f"{code} {out}{err}")
        if code in (NOTHING, NO_ACTION):
            break
        if code == REFUSED:
            named = [name for name in mine if name in err.partition("changed ")[2]]
            moved |= {name: (distgit.path / name).read_text() for name in named}
            for name in named:
                (distgit.path / name).unlink()
    for name, text in moved.items():
        (distgit.path / name).write_text(text)
    return answers
