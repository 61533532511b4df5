"""The verbs that wrap git: `commit`, `tag`, `push`, `pull`, `diff`, `new`, `clean`."""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from rdo.distgit.everyday import push_check
from rdo.distgit.everyday.commit_text import commit_message, newest_changes
from rdo.distgit.everyday.identity import branch_of, verrel
from rdo.distgit.everyday.sites import DistgitSite
from rdo.distgit.update.spec_update import written_message
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.message import read_header
from rdo.distgit.verb.problems import NothingToDoError
from rdo.errors import NotFoundError, RefusedError
from rdo.tools.git.clone import Push

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MessageChoice:
    """Where the message of a commit or a tag comes from: the options of fedpkg's `commit`.

    `has_changelog` appends the newest changelog entry to `text`, and so does `is_clog`; with
    `is_clog` the entry alone is enough.
    """

    text: str = ""
    file: str = ""
    is_clog: bool = False
    has_changelog: bool = False
    is_raw: bool = False


def message_of(desk: Desk, choice: MessageChoice) -> str:
    """Return the message; empty if none is chosen.

    Raises RefusedError for contradicting choices.
    """
    if choice.file and (choice.text or choice.is_clog):
        raise RefusedError("pass either --file, or --message and --clog")
    if choice.has_changelog and not choice.text:
        raise RefusedError("--with-changelog needs --message, which becomes the first line")
    if choice.has_changelog or choice.is_clog:
        changes = newest_changes(desk, is_raw=choice.is_raw)
        if choice.text:
            return "\n".join((choice.text, "", *changes))
        return commit_message(changes)
    return read_header(choice.file, desk.folder) if choice.file else choice.text


def commit(desk: Desk, choice: MessageChoice, files: Sequence[str], *, is_signed_off: bool) -> None:
    """Commit all changes of tracked files, or those of `files`; without a message open an editor.

    Raises RefusedError if there is nothing to commit or no message.
    """
    if not desk.clone.changed_files:
        raise RefusedError("nothing to commit, working tree clean")
    message = message_of(desk, choice) or written_message(desk)
    desk.clone.commit_files(message, files, is_signed_off=is_signed_off)
    desk.say(desk.clone.plumb("log", "--max-count=1", "--format=%h %s"))


def tag(desk: Desk, name: str, choice: MessageChoice, *, is_forced: bool) -> str:
    """Tag HEAD, by default with name, version and release; return the tag's name.

    Raises RefusedError if there is no commit, or if the tag exists unless `is_forced`.
    """
    chosen = name or verrel(desk, None).nvr.replace("~", "_").replace("^", "_")
    if not desk.clone.resolve("HEAD"):
        raise RefusedError("there is no commit yet")
    if desk.clone.has_tag(chosen) and not is_forced:
        raise RefusedError(f"tag {chosen} already exists", hint="--force replaces it")
    desk.clone.annotated_tag(chosen, message_of(desk, choice) or chosen, force=is_forced)
    return chosen


def delete_tag(desk: Desk, name: str) -> None:
    """Delete a tag of this clone.

    Raises RefusedError if no name is given, NotFoundError if there is no such tag.
    """
    if not name:
        raise RefusedError("--delete needs the name of a tag")
    if not desk.clone.has_tag(name):
        raise NotFoundError(f"there is no tag {name}")
    desk.clone.delete_tag(name)


@dataclass(frozen=True, slots=True)
class Tracked:
    """A branch of a remote that the current branch follows."""

    remote: str
    branch: str

    @property
    def ref(self) -> str:
        """The ref of the remote branch in this clone."""
        return f"refs/remotes/{self.remote}/{self.branch}"


def tracked(desk: Desk) -> Tracked:
    """Return the branch followed; by default the one of the same name at origin.

    Raises RefusedError for a detached HEAD or a missing remote.
    """
    branch = desk.clone.branch
    if not branch:
        raise RefusedError("HEAD is detached", hint="rdo pkg switch-branch BRANCH")
    remote = desk.clone.config(f"branch.{branch}.remote") or "origin"
    if remote not in desk.clone.remotes():
        raise RefusedError(f"there is no remote {remote}", hint="git remote add origin URL")
    return Tracked(remote, branch_of(desk))


def push(
    desk: Desk, site: DistgitSite | None, *, is_forced: bool = False, is_checked: bool = True
) -> None:
    """Push the branch to its remote, after checking its sources.

    `is_forced` replaces the remote branch if it has not changed since the last fetch. Raises
    RefusedError if the check fails, NothingToDoError if there is nothing to push.
    """
    there, head = tracked(desk), desk.clone.resolve("HEAD")
    known = desk.clone.resolve(there.ref)
    if head == known:
        raise NothingToDoError("Everything up-to-date")
    if is_checked and not _has_hook(desk):
        require_sources(desk, site)
    lease = known if is_forced else None
    target = f"refs/heads/{there.branch}"
    desk.clone.push(Push(there.remote, "HEAD", target, lease, skips_hook=not is_checked))
    desk.say(f"{there.branch}: {known[:9] or 'new'} -> {head[:9]} at {there.remote}")


def _has_hook(desk: Desk) -> bool:
    """Whether the clone has our own hook and it finds `rdo`: it checks each push already."""
    hook = desk.clone.common_dir / "hooks" / "pre-push"
    is_ours = hook.is_file() and hook.read_text(errors="replace") == HOOK
    return is_ours and shutil.which("rdo") is not None


def require_sources(desk: Desk, site: DistgitSite | None) -> None:
    """Raise RefusedError if a source that HEAD names is neither in git nor in the cache."""
    found = push_check.check(desk, "HEAD", site)
    if found.code:
        raise RefusedError(
            "; ".join(found.lines), hint="git add or rdo pkg upload it, or push with --no-verify"
        )


def pull(desk: Desk, *, is_rebase: bool | None = None) -> None:
    """Fetch, and update the branch to its remote branch.

    If both sides have new commits, `is_rebase` chooses between rebase and merge; a conflict leaves
    everything as it was. Raises NothingToDoError if nothing is new, NotFoundError if the remote has
    no such branch.
    """
    there = tracked(desk)
    desk.clone.fetch(there.remote)
    new, head = desk.clone.resolve(there.ref), desk.clone.resolve("HEAD")
    if not new:
        raise NotFoundError(f"{there.remote} has no branch {there.branch}")
    if head and desk.clone.contains(head, new):
        raise NothingToDoError("Already up to date.")
    if not head or desk.clone.contains(new, head):
        desk.clone.set_branch(desk.clone.branch, there.ref)
    else:
        _reconcile(desk, there, is_rebase=is_rebase)
    desk.say(f"{desk.clone.branch}: {head[:9] or 'new'} -> {desk.clone.resolve('HEAD')[:9]}")


def _reconcile(desk: Desk, there: Tracked, *, is_rebase: bool | None) -> None:
    if is_rebase is None:
        set_to = desk.clone.config("pull.rebase")
        if not set_to:
            raise RefusedError(
                f"{desk.clone.branch} and {there.remote}/{there.branch} have diverged",
                hint="--rebase puts your commits on top, --no-rebase merges",
            )
        is_rebase = set_to != "false"
    name = f"{there.remote}/{there.branch}"
    if is_rebase:
        found = desk.clone.rebase_onto(there.ref)
    else:
        found = desk.clone.merge(there.ref, f"Merge {name} into {desk.clone.branch}")
    if found:
        verb = "rebase" if is_rebase else "merge"
        raise RefusedError(
            f"conflicts in {', '.join(found[:5])}; nothing was changed",
            hint=f"git {verb} {name} stops at them, so that you can resolve them",
        )


def changes(desk: Desk, files: Sequence[str] = (), *, is_staged: bool = False) -> str:
    """Return the uncommitted changes; with `is_staged` only those in the index."""
    staged = ("--cached",) if is_staged else ()
    command = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", *staged)
    return desk.clone.plumb(*command, "--", *files)


def changes_since_tag(desk: Desk) -> str:
    """Return the changes since the newest tag, including uncommitted ones.

    Raises NotFoundError if there is no tag in the history.
    """
    newest = desk.clone.describe("HEAD")
    if not newest:
        raise NotFoundError("the history of this branch has no tag", hint="rdo pkg tag makes one")
    command = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "-M")
    return desk.clone.plumb(*command, f"refs/tags/{newest}", "--")


def clean(desk: Desk, *, also_ignored: bool = False) -> None:
    """Remove the files that git does not track; with `also_ignored` also those it ignores.

    Raises NothingToDoError if there are none.
    """
    found = desk.clone.remove_untracked(also_ignored=also_ignored)
    if not found:
        raise NothingToDoError("no untracked files")
    for name in found:
        desk.say(f"Removing {name}")


HOOK = """#!/bin/sh
# Refuses a push of a commit that names sources which nobody else can get.
command -v rdo >/dev/null || exit 0
while read -r local_ref local_sha remote_ref remote_sha; do
    case $remote_ref in refs/heads/*) ;; *) continue ;; esac
    # a branch that is deleted has zeros alone
    case $local_sha in *[!0]*) rdo pkg pre-push-check "$local_sha" || exit 1 ;; esac
done
"""
"""The hook that git runs before each push in a clone of a site."""
