"""A clone with a hostile `.git`: which of its programs `rdo pkg` lets git run."""

from pathlib import Path

import pytest

from tests.distgits import Distgit

COMMANDS = [
    *("core.fsmonitor", "core.editor", "core.pager", "core.sshCommand", "core.gitProxy"),
    *("core.askPass", "sequence.editor", "credential.helper", "gpg.program", "gpg.ssh.program"),
    *(
        "diff.external",
        "diff.x.textconv",
        "diff.x.command",
        "merge.x.driver",
        "interactive.diffFilter",
    ),
    *("filter.x.clean", "filter.x.smudge", "alias.status", "alias.commit", "mergetool.x.cmd"),
    *("trailer.x.cmd", "uploadpack.packObjectsHook", "pager.log", "pager.diff"),
]
HOOKS = [
    *("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "post-checkout"),
    *("post-index-change", "reference-transaction", "pre-rebase", "post-rewrite", "pre-applypatch"),
    *("applypatch-msg", "post-merge", "fsmonitor-watchman"),
]
GITS_OWN = {"filter.x.clean", "filter.x.smudge", *HOOKS} - {"fsmonitor-watchman"}
"""What git runs for whoever works in the clone: `rdo pkg` does too."""


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    """A distgit in which each setting and hook leaves a file `ran/NAME`."""
    made = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    made.spec()
    made.upstream_version("1.0.0", {"a.py": "one\n"})
    made.upstream_version("2.0.0", {"a.py": "one\ntwo\n"}, base="1.0.0")
    made.commit("Attributes", {".gitattributes": "*.spec filter=x diff=x merge=x\n"})
    ran = tmp_path / "ran"
    ran.mkdir()
    for name in COMMANDS:
        made.git("config", name, f"touch '{ran}/{name}'; cat")
    made.git("config", "merge.tool", "x")
    for name in HOOKS:
        hook = made.path / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch '{ran}/{name}'\n")
        hook.chmod(0o755)
    for left in ran.iterdir():
        left.unlink()
    return made


def ran(distgit: Distgit) -> set[str]:
    """What has run since the last time."""
    found = list((distgit.path.parent / "ran").iterdir())
    for one in found:
        one.unlink()
    return {one.name for one in found}


@pytest.mark.parametrize("verb", ["status", "pkgenv", "lint"])
def test_who_only_looks_runs_nothing_of_the_clone(hostile: Distgit, verb: str) -> None:
    hostile.pkg(verb)

    assert ran(hostile) == set()


def test_a_change_runs_what_git_runs_for_everybody_and_no_more(hostile: Distgit) -> None:
    said = hostile.tried("new-version", "2.0.0", "-d", "-n")

    assert said.code == 0, said.err
    found = ran(hostile)
    assert "reference-transaction" in found
    assert found <= GITS_OWN

    assert hostile.tried("undo").code == 0
    assert ran(hostile) <= GITS_OWN
