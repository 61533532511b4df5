"""Whatever a maintainer's git configuration says, patches and logs are the same, byte for byte."""

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.distgits import Distgit

CODE = [f"def line{number}():\n    return {number}\n\n\n" for number in range(1, 31)]
ATTRIBUTES = "*.py diff=python\n*.txt diff=text\n"


def code(*changed: int, word: str = "patched") -> str:
    return "".join(
        line.replace("return", f"return {word} +") if number in changed else line
        for number, line in enumerate(CODE, 1)
    )


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1767225600 +0000")
    monkeypatch.setenv("GIT_AUTHOR_DATE", "1767225600 +0000")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    made.spec()
    files = {"a.py": code(), "notes.txt": "one\r\ntwo\r\n", "ä.txt": "x\n", "tail": "a  \nb\n"}
    made.upstream_version("1.0.0", {**files, ".gitattributes": ATTRIBUTES})
    made.upstream_version(
        "2.0.0", {"a.py": code(30, word="new"), "requirements.txt": "six\n"}, base="1.0.0"
    )
    made.patch_commits(
        ("Mend the tenth ä", {"a.py": code(10), "ä.txt": "y\n"}),
        ("Mend notes", {"notes.txt": "one\r\n2\r\n", "tail": "a  \nB \n"}),
        ("Mend a and\n\n# keep this line\nwhy", {"a.py": code(10, 11, 20)}),
        ("Copy", {"renamed.txt": "one\r\n2\r\n"}),
    )
    made.remote_patches(tmp_path / "patches.git")
    return made


def outcome(
    distgit: Distgit, settings: Callable[[], AbstractContextManager[None]]
) -> dict[str, Any]:
    """What the verbs write and say under these settings, from the same start."""
    start = distgit.git("rev-parse", "HEAD")
    found: dict[str, Any] = {}
    for verb in (("patch",), ("new-version", "2.0.0", "-d")):
        with settings():
            said = distgit.tried(*verb)
        names = sorted(path.name for path in distgit.path.iterdir() if path.name != ".git")
        found[verb[0]] = {
            "code": said.code,
            "error": said.err if said.code else "",
            "files": {name: (distgit.path / name).read_bytes() for name in names},
            "committed": distgit.git("ls-tree", "-r", "HEAD"),
            "message": distgit.message,
            "said": said.out,
            "patches": distgit.git("rev-parse", "master-patches"),
            "tags": distgit.git("tag", "--list"),
        }
        distgit.git("reset", "--quiet", "--hard", start)
    return found


ROWS = {
    "follow": "[log]\nfollow = true",
    "context": "[diff]\ncontext = 0\ninterHunkContext = 9",
    "cover": "[format]\ncoverLetter = true\nheaders = X-A:b\nto = a@example.org\ncc = b@x.org",
    "signoff": "[format]\nsignOff = true",
    "names": "[format]\nsuffix = .txt\nfilenameMaxLength = 9\nnumbered = true\nthread = deep",
    "format": "[format]\nfrom = Somebody <s@x.org>\nforceInBodyFrom = true\nnotes = true\n"
    "encodeEmailHeaders = false\npretty = fuller\nsignature = me\nuseAutoBase = whenAble\n"
    "attach = x",
    "directory": "[format]\noutputDirectory = elsewhere",
    "noprefix": "[diff]\nnoprefix = true\n[format]\nnoprefix = true",
    "mnemonic": "[diff]\nmnemonicPrefix = true\nsrcPrefix = x/\ndstPrefix = y/",
    "color": "[color]\nui = always\ndiff = always\nstatus = always\nbranch = always",
    "external": "[diff]\nexternal = false",
    "textconv": '[diff "python"]\ntextconv = tr a-z A-Z <\ncachetextconv = true',
    "driver": '[diff "python"]\nxfuncname = "^(.*)$"\n[diff "text"]\nbinary = true',
    "driver command": '[diff "python"]\ncommand = false',
    "attributes": "[core]\nattributesFile = ATTRIBUTES",
    "autocrlf": "[core]\nautocrlf = true\nsafecrlf = true",
    "eol": "[core]\neol = crlf",
    "showSignature": "[log]\nshowSignature = true\ndate = relative\nabbrevCommit = true",
    "decorate": "[log]\ndecorate = full\nmailmap = false\nshowRoot = false\ndiffMerges = off",
    "i18n": "[i18n]\nlogOutputEncoding = ISO-8859-1\ncommitEncoding = ISO-8859-1",
    "quotePath": "[core]\nquotePath = false\nabbrev = 40",
    "algorithm": "[diff]\nalgorithm = patience\nindentHeuristic = false",
    "renames": "[diff]\nrenames = copies\nrenameLimit = 1\nstatGraphWidth = 3\nstatNameWidth = 9\n"
    "relative = true\norderFile = /nowhere\nsuppressBlankEmpty = true\nsubmodule = log",
    "pager": "[core]\npager = false\n[pager]\nlog = false\ndiff = false",
    "whitespace": "[apply]\nwhitespace = fix\nignoreWhitespace = change\n"
    "[core]\nwhitespace = cr-at-eol",
    "commit": "[commit]\ncleanup = strip\nstatus = true\nverbose = true\ntemplate = /nowhere",
    "comment": '[core]\ncommentChar = ";"',
    "rebase": "[rebase]\nautoSquash = true\nautoStash = true\nmissingCommitsCheck = error\n"
    "instructionFormat = %s%nx\nabbreviateCommands = true\nrebaseMerges = true\nupdateRefs = true\n"
    "backend = apply\n[rerere]\nenabled = true\nautoUpdate = true",
    "pull": "[pull]\nrebase = true\n[branch]\nautoSetupRebase = always\nautoSetupMerge = always",
    "fetch": "[fetch]\nprune = true\npruneTags = true\n[tag]\ngpgSign = true\n"
    "forceSignAnnotated = true\n[push]\nfollowTags = true",
    "big files": "[core]\nbigFileThreshold = 1",
    "versions": "[versionsort]\nsuffix = -rc\n[tag]\nsort = -refname\n[column]\nui = always",
    "status": "[status]\nshort = true\nshowUntrackedFiles = all\nrelativePaths = false\n"
    "renames = copies",
    "fsmonitor": "[core]\nfsmonitor = /bin/false",
    "hooks": "[core]\nhooksPath = HOOKS",
    "aliases": "[alias]\nlog = log -1\n[trailer]\nifexists = add",
    "merge": '[merge]\nff = only\nrenames = false\n[merge "x"]\ndriver = false',
}

# What a clone's own configuration says of hooks and drivers is part of the clone.
OF_PEOPLE = {"driver", "driver command", "hooks"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A hook and an attributes file that somebody has for all of his repositories."""
    attributes, hooks = tmp_path / "attributes", tmp_path / "hooks"
    attributes.write_text("* diff=none text=auto eol=crlf\n*.patch text -diff\n")
    hooks.mkdir()
    hook = hooks / "prepare-commit-msg"
    hook.write_text('#!/bin/sh\ncase "$2" in message) ;; *) echo hooked >> "$1" ;; esac\n')
    hook.chmod(0o755)
    return {"ATTRIBUTES": str(attributes), "HOOKS": str(hooks)}


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["global", "local"])
def test_files_and_logs_are_the_same(
    distgit: Distgit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    scope: str,
) -> None:
    own = distgit.path / ".git/config"
    before = own.read_text()
    outside = tmp_path / "gitconfig"
    baseline = outcome(distgit, contextlib.nullcontext)
    rows = [row for name, row in ROWS.items() if scope == "global" or name not in OF_PEOPLE]
    text = "\n".join(rows)
    for name, path in files.items():
        text = text.replace(name, path)

    @contextlib.contextmanager
    def settings() -> Iterator[None]:
        if scope == "local":
            own.write_text(f"{before}\n{text}\n")
        else:
            outside.write_text(f"[user]\nname = Jo\nemail = jo@example.org\n{text}\n")
            monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(outside))
        yield
        own.write_text(before)
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)

    assert outcome(distgit, settings) == baseline
    assert baseline["patch"]["code"] == baseline["new-version"]["code"] == 0
