"""The journal of verbs, which can revert what a verb changed: refs, index, work tree.

The states before and after each verb are kept as git objects under `refs/rdo/undo/`, where git's
garbage collection does not remove them. What was pushed stays pushed.
"""

import contextlib
import json
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rdo.atomic import write_file
from rdo.distgit.verb.problems import nothing_to_undo
from rdo.distgit.verb.snapshot import CloneState, files_between, ref_moves, with_files
from rdo.errors import RefusedError
from rdo.tools.clone import Clone

log = logging.getLogger(__name__)

KEPT = 20


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A verb in the journal; `after` is None while it runs."""

    number: int
    verb: str
    before: CloneState
    after: CloneState | None = None
    pushed: tuple[str, ...] = ()

    @property
    def is_change(self) -> bool:
        return self.after is not None and self.before != self.after


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of one clone, in its git directory; it is never pushed."""

    clone: Clone

    @property
    def folder(self) -> Path:
        return self.clone.common_dir / "rdo" / "undo"

    def entries(self) -> list[JournalEntry]:
        """Return all entries, oldest first, without unreadable ones."""
        found = []
        for file in self.folder.glob("*.json"):
            with contextlib.suppress(ValueError, KeyError, TypeError):  # by a killed verb
                found.append(_read(json.loads(file.read_text())))
        return sorted(found, key=lambda entry: entry.number)

    def begin(self, verb: str) -> JournalEntry:
        """Record the state before a verb."""
        number = max([entry.number for entry in self.entries()], default=0) + 1
        entry = JournalEntry(number, verb, CloneState.take(self.clone))
        self._keep(entry)
        return entry

    def end(self, entry: JournalEntry, pushed: tuple[str, ...] = ()) -> JournalEntry:
        """Record the state after a verb; one that changed nothing leaves no entry."""
        ended = JournalEntry(
            entry.number,
            entry.verb,
            entry.before,
            CloneState.take(self.clone),
            (*entry.pushed, *pushed),
        )
        if ended.is_change:
            self._keep(ended)
        else:
            self.forget(ended)
        for old in self.entries()[:-KEPT]:
            self.forget(old)
        return ended

    def find(self, number: int | None) -> JournalEntry | None:
        return next((entry for entry in self.entries() if entry.number == number), None)

    def pause(self, entry: JournalEntry, *, keep: bool) -> None:
        """Record the state of an action that stops or has failed; without `keep`, revert it."""
        if keep:
            self._keep(replace(entry, after=CloneState.take(self.clone)))
        else:
            self.put_back(entry)

    def put_back(self, entry: JournalEntry) -> None:
        """Revert a verb that has failed, and remove its entry."""
        now = CloneState.take(self.clone)
        if now != entry.before or self.clone.in_progress:
            restore(self.clone, now, entry.before)
        self.forget(entry)

    def abort(self, entry: JournalEntry) -> None:
        """Revert what an action changed before it stopped, and keep other files.

        `undo` brings back what a person did to the same files. If the person has committed since,
        only a rebase in progress is reverted.
        """
        if self.clone.in_progress:
            self.clone.end_rebase()
        own = entry.after or CloneState.take(self.clone)
        again = self.begin(f"{entry.verb} --abort")
        now, then = again.before, entry.before
        branch = then.head
        if now.refs.get(branch) != own.refs.get(branch):
            log.warning("there are new commits since %s; keeping them and all files", entry.verb)
        else:
            touched = files_between(self.clone, then.tree, own.tree)
            touched |= files_between(self.clone, then.index, own.index)
            if now.head != then.head:  # on a patches branch its files go too
                touched |= files_between(self.clone, then.tree, "HEAD") - files_between(
                    self.clone, "HEAD", now.tree
                )
            kept = with_files(self.clone, now, then, touched)
            restore(self.clone, now, kept)
        self.forget(entry)
        self.end(again)

    def forget(self, entry: JournalEntry) -> None:
        (self.folder / f"{entry.number:06}.json").unlink(missing_ok=True)
        for side in ("before", "after"):
            self.clone.plumb("update-ref", "-d", f"refs/rdo/undo/{entry.number}-{side}")

    def undo(self) -> JournalEntry:
        """Revert the newest verb; raises RefusedError if its changes were changed again since."""
        entries = self.entries()
        if not entries:
            raise nothing_to_undo()
        entry = entries[-1]
        now = CloneState.take(self.clone)
        if entry.after is not None:
            conflicts = list(_since(self.clone, entry, now))
            if conflicts:
                raise RefusedError(
                    f"cannot undo {entry.verb}: changed since then: {', '.join(conflicts)}",
                    hint="find older states with git reflog and git log",
                )
        restore(self.clone, now, entry.before)
        self.forget(entry)
        return entry

    def _keep(self, entry: JournalEntry) -> None:
        for side, snapshot in (("before", entry.before), ("after", entry.after)):
            if snapshot:
                self._keep_objects(f"refs/rdo/undo/{entry.number}-{side}", snapshot)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_file(self.folder / f"{entry.number:06}.json", json.dumps(asdict(entry)))

    def _keep_objects(self, ref: str, snapshot: CloneState) -> None:
        """Make a commit that keeps everything in a snapshot from garbage collection."""
        tips = {snapshot.refs[name] for name in snapshot.refs if name.startswith("refs/heads/")}
        if not snapshot.head.startswith("refs/"):
            tips |= {snapshot.head} - {""}
        parents = [part for tip in sorted(tips) for part in ("-p", tip)]
        stamp = {
            f"GIT_{role}_{field}": value
            for role in ("AUTHOR", "COMMITTER")
            for field, value in (("NAME", "rdo"), ("EMAIL", "rdo"))
        }
        index = ("commit-tree", "--no-gpg-sign", "-m", "index", snapshot.index)
        parents += ["-p", self.clone.plumb(*index, env=stamp)]
        whole = ("commit-tree", "--no-gpg-sign", "-m", "state", *parents, snapshot.tree)
        self.clone.plumb("update-ref", ref, self.clone.plumb(*whole, env=stamp))


def _read(row: dict[str, Any]) -> JournalEntry:
    after = CloneState(**row["after"]) if row["after"] else None
    return JournalEntry(
        row["number"], row["verb"], CloneState(**row["before"]), after, tuple(row["pushed"])
    )


def _since(clone: Clone, entry: JournalEntry, now: CloneState) -> Iterator[str]:
    """Yield what the verb changed and somebody has changed again since."""
    before, after = entry.before, entry.after
    assert after is not None
    yield from moved_again(before, after, now)
    touched = files_between(clone, before.tree, after.tree) | files_between(
        clone, before.index, after.index
    )
    again = files_between(clone, after.tree, now.tree) | files_between(
        clone, after.index, now.index
    )
    yield from sorted(touched & again)


def moved_again(before: CloneState, after: CloneState, now: CloneState) -> Iterator[str]:
    """Name the refs that have moved between all three states, and HEAD if it moved last."""
    for ref in sorted({*before.refs, *after.refs}):
        if before.refs.get(ref) != after.refs.get(ref) != now.refs.get(ref):
            yield ref.removeprefix("refs/heads/")
    if now.head != after.head:
        yield "HEAD"


def restore(clone: Clone, now: CloneState, then: CloneState) -> None:
    """Restore a clone: first the refs in one transaction, then the files and the index."""
    if clone.in_progress:
        clone.end_rebase()
        now = CloneState.take(clone)
    lines = [move.command for move in ref_moves(now, then)]
    if then.head.startswith("refs/"):
        clone.plumb("symbolic-ref", "HEAD", then.head)
    else:
        clone.plumb("update-ref", "--no-deref", "HEAD", then.head)
    clone.plumb("update-ref", "--stdin", stdin="".join(f"{x}\n" for x in lines).encode())
    _restore_files(clone, now, then)
    clone.plumb("read-tree", then.index)
    if now.settings != then.settings:
        write_file(clone.common_dir / "config", then.settings.encode(errors="surrogateescape"))


def _restore_files(clone: Clone, now: CloneState, then: CloneState) -> None:
    """Restore only the files that differ, to leave times and modes of the others alone."""
    top = Path(clone.plumb("rev-parse", "--show-toplevel"))
    changed = files_between(clone, now.tree, then.tree)
    if not changed:
        return
    whole = Clone(top, clone.runner)
    listed = whole.plumb("ls-tree", "-r", "-z", "--name-only", then.tree).split("\0")
    for name in changed - set(listed):
        (top / name).unlink(missing_ok=True)
    names = sorted(changed & set(listed))
    if names:
        with tempfile.TemporaryDirectory(prefix="rdo-index-") as folder:
            env = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            whole.plumb("read-tree", then.tree, env=env)
            stdin = "\0".join(names).encode(errors="surrogateescape")
            whole.plumb("checkout-index", "--force", "-z", "--stdin", env=env, stdin=stdin)
