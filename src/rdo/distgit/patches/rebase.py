"""Rebase the patches onto a new version, and report what became of each."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rdo.distgit.verb.desk import Desk
from rdo.errors import RefusedError
from rdo.tools.git.clone import Clone
from rdo.tools.git.cloned_history import PatchCommit

_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{7,40})")


class Fate(StrEnum):
    """What became of a patch on a new version."""

    APPLIED = "applied"
    ADAPTED = "adapted"
    DROPPED = "dropped"
    CONFLICTING = "conflicting"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class PatchFate:
    """A patch and its fate; `reason` says why it was dropped, or in which files it conflicts.

    If a dropped patch is not in upstream's version, it became empty or was skipped while a conflict
    was resolved.
    """

    fate: Fate
    commit: PatchCommit
    reason: str = ""
    is_upstream: bool = False

    def __str__(self) -> str:
        why = f"  ({self.reason})" if self.reason else ""
        return f"{self.fate:<11} {self.commit.short}  {self.commit.subject}{why}"


@dataclass(frozen=True, slots=True)
class Rebase:
    """A rebase of the patches between `base` and `old` (a hash) onto `onto`, in a local branch."""

    branch: str
    old: str
    base: str
    onto: str

    def patches(self, clone: Clone) -> list[PatchCommit]:
        return clone.commits(self.base, self.old)


def upstream_has(clone: Clone, rebase: Rebase) -> dict[str, str]:
    """Return the hashes of patches that the new version contains, and how we know.

    Patches that upstream accepted and then reverted are not included.
    """
    patches = rebase.patches(clone)
    files = clone.files_of(rebase.base, rebase.old)
    if not patches or not files:
        return {}
    newer = clone.commits_touching(rebase.base, rebase.onto, files)
    upstream = clone.patch_ids(rebase.base, rebase.onto, files)
    ours = {sha: patch for patch, sha in clone.patch_ids(rebase.base, rebase.old).items()}
    return had_already(patches, newer, upstream, ours, rebase.onto)


def had_already(
    patches: Iterable[PatchCommit],
    newer: Sequence[PatchCommit],
    upstream: Mapping[str, str],
    ours: Mapping[str, str],
    onto: str,
) -> dict[str, str]:
    """Find the patches among the `newer` commits, by their content or their Change-Id.

    `upstream` has the hashes of commits by patch id, `ours` the patch ids of patches by hash.
    """
    reverted = tuple(sha for commit in newer for sha in _REVERTS.findall(commit.body))
    kept = [x for x in newer if not any(x.hash.startswith(sha) for sha in reverted)]
    by_change = {commit.change_id: commit for commit in kept if commit.change_id}
    by_hash = {commit.hash: commit for commit in kept}
    found = {}
    for patch in patches:
        same = by_hash.get(upstream.get(ours.get(patch.hash, ""), ""))
        if same:
            found[patch.hash] = f"{onto} has the same patch, {same.short}"
        elif patch.change_id in by_change:
            twin = by_change[patch.change_id]
            found[patch.hash] = f"{onto} has its Change-Id, {twin.short}"
    return found


def begin(desk: Desk, rebase: Rebase) -> bool:
    """Start the rebase; return False if it stopped at a conflict for a person to resolve."""
    known = upstream_has(desk.clone, rebase)
    todo = [
        f"pick {patch.hash} {patch.subject}"
        for patch in rebase.patches(desk.clone)
        if patch.hash not in known
    ]
    desk.clone.set_branch(rebase.branch, rebase.old)
    is_done = desk.clone.start_rebase(rebase.branch, rebase.onto, rebase.base, todo)
    return is_done or _skip_what_is_there(desk.clone)


def go_on(desk: Desk, rebase: Rebase) -> bool:
    """Continue after a person: with `git rebase --continue` if still needed, or from the start.

    Raises RefusedError while conflicts are unresolved.
    """
    clone = desk.clone
    if clone.in_progress == "rebase":
        if left := clone.conflicts():
            raise RefusedError(
                f"there are still conflicts in {', '.join(left)}",
                hint=f"resolve them, git add the files, then run {desk.program} -c",
            )
        return clone.continue_rebase() or _skip_what_is_there(clone)
    tip = clone.resolve(f"refs/heads/{rebase.branch}")
    if tip and tip != rebase.old and clone.contains(tip, clone.resolve(rebase.onto)):
        return True
    return begin(desk, rebase)


def _skip_what_is_there(clone: Clone) -> bool:
    """Skip patches that conflict only because the new version contains all their hunks."""
    while clone.in_progress == "rebase":
        stopped = clone.resolve("REBASE_HEAD")
        if not stopped or not clone.has_hunks_of(stopped):
            return False
        if clone.skip_in_rebase():
            return True
    return True


def fates(clone: Clone, rebase: Rebase, solved: Collection[str] = ()) -> list[PatchFate]:
    """Return the fate of each patch, oldest first, during or after the rebase.

    `solved` are the hashes of patches whose conflicts a person has resolved.
    """
    known = upstream_has(clone, rebase)
    stopped = clone.resolve("REBASE_HEAD") if clone.in_progress == "rebase" else ""
    head = "HEAD" if stopped else f"refs/heads/{rebase.branch}"
    old_ids = {sha: one for one, sha in clone.patch_ids(rebase.base, rebase.old).items()}
    new_ids = {sha: one for one, sha in clone.patch_ids(rebase.onto, head).items()}
    progress = RebaseProgress(
        known,
        tuple(clone.commits(rebase.onto, head)),
        patch_ids=old_ids | new_ids,
        stopped=stopped,
        conflicts=tuple(clone.conflicts()) if stopped else (),
        waiting=frozenset(clone.waiting_in_rebase()) if stopped else frozenset(),
        solved=frozenset(solved),
    )

    def is_there(patch: PatchCommit) -> bool:
        return clone.has_hunks_of(patch.hash, rebase.onto, 1)

    return judge(rebase.patches(clone), progress, rebase.onto, is_there)


@dataclass(frozen=True, slots=True)
class RebaseProgress:
    """How far a rebase has come.

    `known` are the patches that upstream has, by hash, with the evidence; `done` are the commits on
    the new version; `patch_ids` those of patches and commits, by hash. `stopped` is the patch that
    conflicts, `waiting` are those after it, `solved` those whose conflicts a person has resolved.
    """

    known: Mapping[str, str]
    done: tuple[PatchCommit, ...]
    patch_ids: Mapping[str, str]
    stopped: str = ""
    conflicts: tuple[str, ...] = ()
    waiting: frozenset[str] = frozenset()
    solved: frozenset[str] = frozenset()


def judge(
    patches: Iterable[PatchCommit],
    progress: RebaseProgress,
    onto: str,
    is_there: Callable[[PatchCommit], bool],
) -> list[PatchFate]:
    """Decide what became of each patch; `is_there` searches its hunks in the new version."""
    done = list(progress.done)
    ids = progress.patch_ids
    found = []
    for patch in patches:
        if patch.hash in progress.known:
            why = progress.known[patch.hash]
            found.append(PatchFate(Fate.DROPPED, patch, why, is_upstream=True))
        elif patch.hash == progress.stopped:
            files = ", ".join(progress.conflicts)
            found.append(PatchFate(Fate.CONFLICTING, patch, f"in {files}" if files else ""))
        elif patch.hash in progress.waiting:
            found.append(PatchFate(Fate.WAITING, patch))
        elif twin := _pop_rebased(patch, done):
            is_same = ids.get(patch.hash) == ids.get(twin.hash)
            found.append(PatchFate(Fate.APPLIED if is_same else Fate.ADAPTED, patch))
        elif patch.hash not in progress.solved and is_there(patch):
            found.append(PatchFate(Fate.DROPPED, patch, f"{onto} has its hunks", True))
        else:
            found.append(PatchFate(Fate.DROPPED, patch, f"nothing is left of it on {onto}"))
    return found


def rivals(clone: Clone, rebase: Rebase) -> list[PatchCommit]:
    """Return upstream's last commits to the files in conflict, newest first."""
    files = clone.conflicts()
    return clone.commits_touching(rebase.base, rebase.onto, files)[:-4:-1] if files else []


def _pop_rebased(patch: PatchCommit, done: list[PatchCommit]) -> PatchCommit | None:
    """Remove from `done` the commit that a patch has become, and return it."""
    for twin in done:
        if twin.subject == patch.subject and twin.author == patch.author:
            done.remove(twin)
            return twin
    return None


def as_text(found: Sequence[PatchFate], onto: str) -> str:
    """Return the report for people."""
    return "\n".join([f"{_counts(found)} on {onto}:", *(f"  {one}" for one in found)])


def _counts(found: Sequence[PatchFate]) -> str:
    def each() -> Iterator[str]:
        for fate in Fate:
            if number := sum(one.fate is fate for one in found):
                yield f"{number} {fate}"

    count = "1 patch" if len(found) == 1 else f"{len(found)} patches"
    return f"{count} ({', '.join(each())})" if found else "no patches"
