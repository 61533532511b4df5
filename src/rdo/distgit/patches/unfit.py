"""Commits that a patch file cannot carry, or that %prep could not apply: refused by name."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from rdo.distgit.verb.desk import Desk
from rdo.errors import RefusedError
from rdo.spec.patch_program import is_applied_by_git
from rdo.tools.git.cloned_history import PatchCommit

_GIT_DIFF = re.compile(r"^(?:diff --git |@@ -\d)", re.MULTILINE)
_ANY_DIFF = re.compile(r"^[ \t]*@@ -\d", re.MULTILINE)
"""`patch` also applies a diff that is indented."""
_BY_GIT = "use %autosetup -S git_am, with BuildRequires: git-core"


def refuse_unfit(
    desk: Desk, commits: Sequence[PatchCommit], binary: Mapping[str, Sequence[str]]
) -> None:
    """Raise RefusedError for the first commit that %prep could not apply as a patch.

    `binary` are the files of a commit that only git can patch, by hash.
    """
    by_git = is_applied_by_git(desk.spec.text())
    for commit in commits:
        if found := _DIFF[by_git].search(commit.body):
            raise RefusedError(
                f"the message of {_named(commit)} holds a diff, which %prep would apply, too: "
                f"{found[0].strip()} …",
                hint="begin each line of that diff with `| `",
            )
        if files := () if by_git else binary.get(commit.hash):
            raise RefusedError(
                f"{_named(commit)} changes a binary file, which only git can patch, "
                f"and %prep would fail: {', '.join(files[:5])}",
                hint=_BY_GIT,
            )


_DIFF = {True: _GIT_DIFF, False: _ANY_DIFF}


def refuse_submodules(desk: Desk, base: str, head: str, commits: Sequence[PatchCommit]) -> None:
    """Raise RefusedError for the first commit that changes a submodule."""
    changed = desk.clone.submodules_changed_by(base, head)
    for commit in commits:
        if paths := changed.get(commit.hash):
            raise RefusedError(
                f"{_named(commit)} changes a submodule, and no patch can hold its files: "
                f"{', '.join(paths[:5])}",
                hint="commit the changed files themselves, or leave the commit out: "
                "rdo pkg set-magic-comment patches_ignore=REGEX",
            )


def refuse_crlf(
    desk: Desk, base: str, commits: Sequence[PatchCommit], files: Mapping[str, Sequence[str]]
) -> None:
    """Raise RefusedError for the first commit whose patch lacks the CRLF of the file in archives.

    git writes such files with CRLF into archives, and with LF into patches, and the program `patch`
    does not apply these. `files` are those of each commit, by hash.
    """
    attributes = desk.clone.file_at(base, ".gitattributes") or ""
    if "eol=crlf" not in attributes or is_applied_by_git(desk.spec.text()):
        return
    with tempfile.TemporaryDirectory(prefix="rdo-attributes-") as scratch:
        index = Path(scratch, "index")
        desk.clone.read_tree(base, index)
        every = list(dict.fromkeys(name for commit in commits for name in files[commit.hash]))
        crlf = set(desk.clone.stored_without_crlf(every, index))
    for commit in commits:
        if found := [name for name in files[commit.hash] if name in crlf]:
            raise RefusedError(
                f"{_named(commit)} changes a file that has CRLF line ends in archives and LF in"
                f" git's patch, so %prep would fail: {', '.join(found[:5])}",
                hint=_BY_GIT,
            )


def refuse_lost_merges(
    desk: Desk, base: str, head: str, commits: Sequence[PatchCommit], *, is_all: bool
) -> None:
    """Raise RefusedError if the patches of a branch with merges do not make its files.

    A merge that solves a conflict, or changes files itself, gets no patch. `is_all` says that no
    commit is left out, so that the patches must make every file of `head`.
    """
    if not desk.clone.merges(base, head):
        return
    with tempfile.TemporaryDirectory(prefix="rdo-merges-") as scratch:
        index = Path(scratch, "index")
        desk.clone.read_tree(base, index)
        names = desk.clone.export_patches(commits, 1, Path(scratch))
        for commit, name in zip(commits, names, strict=True):
            if not desk.clone.apply_to_index(Path(scratch, name), index):
                raise RefusedError(
                    f"the patch of {_named(commit)} does not apply to those before it: "
                    "a merge in the patches branch solves a conflict, and gets no patch",
                    hint="make the branch linear, with git rebase",
                )
        lost = desk.clone.differing(head, index) if is_all else []
    if lost:
        raise RefusedError(
            f"a merge in the patches branch changes files by itself, and gets no patch: "
            f"{', '.join(lost[:5])}",
            hint="give these changes a commit of their own",
        )


def _named(commit: PatchCommit) -> str:
    return f"{commit.short} ({commit.subject})"
