"""Patches and logs are the same, byte for byte, with every git configuration of a maintainer."""

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
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

MORE_ROWS = {
    "mailmap": "[log]\nmailmap = true\n[mailmap]\nfile = MAILMAP\n[grep]\npatternType = fixed\n"
    "extendedRegexp = true\nfullName = true",
    "notes": "[notes]\ndisplayRef = refs/notes/*\nrewriteRef = refs/notes/*\n"
    "rewriteMode = overwrite\n[core]\nnotesRef = refs/notes/x",
    "objects": "[transfer]\nfsckObjects = true\n[fetch]\nfsckObjects = true\n"
    "negotiationAlgorithm = skipping\n[core]\nuseReplaceRefs = false\ncompression = 0\n"
    "logAllRefUpdates = always\nsplitIndex = true\nuntrackedCache = true\npreloadIndex = false",
    "features": "[feature]\nmanyFiles = true\nexperimental = true\n[index]\nversion = 4\n"
    "[gc]\nauto = 1\n[maintenance]\nauto = true\n[pack]\nwriteBitmaps = true",
    "start": "[init]\ndefaultBranch = trunk\n[clone]\ndefaultRemoteName = other\n"
    "[checkout]\ndefaultRemote = other\nguess = false\n[branch]\nsort = -committerdate",
    "files": "[core]\nignoreCase = true\nsymlinks = false\nfileMode = false\nprotectNTFS = true\n"
    "sharedRepository = group\ncheckStat = minimal\ntrustctime = false",
    "words": "[diff]\nwordRegex = .\ncolorMovedWS = ignore-all-space\ntool = false\n"
    "dirstat = lines,1\ncolorMoved = zebra\nignoreSubmodules = all\n[pager]\ndiff = cat",
    "log": "[log]\ninitialDecorationSet = all\nexcludeDecoration = refs/*\ngraphColors = red\n"
    "[blame]\ndate = relative\n[color]\ngrep = always\ninteractive = always\npager = true",
    "mail": "[am]\nmessageId = true\nkeepcr = true\nthreeWay = true\n[mailinfo]\nscissors = true\n"
    "[sendemail]\nsuppressCc = all\n[format]\nmboxrd = true\nnotes = refs/notes/x",
    "push": "[push]\ndefault = nothing\ngpgSign = false\nautoSetupRemote = true\n"
    "useForceIfIncludes = true\n[pull]\nff = only\n[remote]\npushDefault = nowhere",
    "advice": "[advice]\nstatusHints = false\ndetachedHead = true\nskippedCherryPicks = true\n"
    "[help]\nautoCorrect = 1\n[interactive]\nsingleKey = true\ndiffFilter = false",
    "trailers": '[trailer]\nseparators = "#"\nwhere = start\nifmissing = doNothing\n'
    "[stash]\nshowPatch = true\n[submodule]\nrecurse = true\n[sequence]\neditor = false",
}
ROWS |= MORE_ROWS

# What a clone's own configuration says of hooks and drivers is part of the clone.
OF_PEOPLE = {"driver", "driver command", "hooks"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A hook and an attributes file that somebody has for all of his repositories."""
    attributes, hooks, mailmap = (tmp_path / name for name in ("attributes", "hooks", "mailmap"))
    attributes.write_text("* diff=none text=auto eol=crlf\n*.patch text -diff\n")
    mailmap.write_text("Somebody Else <other@example.org> <jo@example.org>\n")
    hooks.mkdir()
    hook = hooks / "prepare-commit-msg"
    hook.write_text('#!/bin/sh\ncase "$2" in message) ;; *) echo hooked >> "$1" ;; esac\n')
    hook.chmod(0o755)
    return {"ATTRIBUTES": str(attributes), "HOOKS": str(hooks), "MAILMAP": str(mailmap)}


TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ ", re.MULTILINE)
VERBS = (
    ("fix", "-m", "Rebuild 100%"),
    ("fix", "--dry-run", "-m", "Not yet"),
    ("-c",),
    ("verrel",),
    ("patchlog",),
    ("pkgenv",),
    ("lint",),
    ("reqcheck",),
    ("reqdiff", "1.0.0", "2.0.0"),
    ("patch",),
    ("new-version", "2.0.0", "-t", "-d"),
    ("squash",),
    ("clog",),
    ("diff",),
    ("new",),
    ("tag",),
    ("commit", "-m", "Say why\n\n# and how"),
    ("unused-patches",),
    ("status",),
    ("get-patches",),
    ("undo",),
)
"""A day's work on a distgit, as far as no server takes part."""


def a_day(distgit: Distgit) -> Iterator[tuple[str, str]]:
    """What each verb of a day says and leaves behind."""
    spec = distgit.path / "foo-bar.spec"
    for verb in VERBS:
        if verb[0] in {"diff", "commit"}:
            spec.write_text(spec.read_text().replace("Amazing", "Truly Amazing", 1))
        said = distgit.tried(*verb)
        yield f"{verb} says", re.sub(TIME, "", f"{said.code}\n{said.out}\n{said.err}")
        yield f"{verb} leaves", spec.read_text() if spec.exists() else "another branch"
        history = ("log", "--format=raw", "--decorate=full", "--stat", "--branches", "--tags")
        yield f"{verb} commits", distgit.git(*history, GIT_CONFIG_GLOBAL=os.devnull)
        yield f"{verb} stages", distgit.git("ls-files", "--stage", GIT_CONFIG_GLOBAL=os.devnull)


@contextlib.contextmanager
def configured(
    distgit: Distgit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scope: str,
    files: dict[str, str],
    left_out: Collection[str] = (),
) -> Iterator[None]:
    """Set every row for a person, or in the clone itself."""
    own = distgit.path / ".git/config"
    outside = tmp_path / "gitconfig"
    before = own.read_text()
    gone = {*left_out, *(OF_PEOPLE if scope == "local" else ())}
    text = "\n".join(row for name, row in ROWS.items() if name not in gone)
    for name, path in files.items():
        text = text.replace(name, path)
    if scope == "local":
        own.write_text(f"{before}\n{text}\n")
    else:
        outside.write_text(f"[user]\nname = Jo\nemail = jo@example.org\n{text}\n")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(outside))
    yield
    if scope == "local":
        own.write_text(before)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["global", "local"])
def test_files_and_logs_are_the_same(
    distgit: Distgit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    scope: str,
) -> None:
    baseline = outcome(distgit, contextlib.nullcontext)

    def settings() -> AbstractContextManager[None]:
        return configured(distgit, tmp_path, monkeypatch, scope, files)

    assert outcome(distgit, settings) == baseline
    assert baseline["patch"]["code"] == baseline["new-version"]["code"] == 0


@pytest.mark.slow
def test_specs_histories_and_answers_are_the_same(
    distgit: Distgit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    start = tmp_path / "start"
    shutil.copytree(distgit.path, start, symlinks=True)
    baseline = dict(a_day(distgit))
    shutil.rmtree(distgit.path)
    shutil.copytree(start, distgit.path, symlinks=True)

    # A person's own hooks see every commit that is not one of patches.
    with configured(distgit, tmp_path, monkeypatch, "global", files, {"hooks"}):
        found = dict(a_day(distgit))

    assert sum(row.count("=") for row in ROWS.values()) > 150
    for what, text in baseline.items():
        assert found[what] == text, what
