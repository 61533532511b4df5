"""The journal of verbs, which can revert what a verb changed: refs, index, work tree.

The states before and after each verb are kept as git objects under `refs/rdo/undo/`, where git's
garbage collection does not remove them. The clone announces each change before it is made, so that
a revert, even of a killed verb, restores only what the verb changed. The plan of a revert is
written down before it begins; if the revert is killed, the next verb completes it. What a revert
removes is kept under `refs/rdo/undone/`. Pushed commits stay pushed.
"""

import contextlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rdo.atomic import write_file
from rdo.distgit.verb.problems import nothing_to_undo
from rdo.distgit.verb.rehearsal import Effect
from rdo.distgit.verb.revert import Revert, Reverter, carry_out
from rdo.distgit.verb.snapshot import CloneState
from rdo.distgit.verb.touched import Touched, note
from rdo.errors import RefusedError
from rdo.tools.git.clone import Clone, Touch

log = logging.getLogger(__name__)

_UNDONE = "refs/rdo/undone"
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
    """The journal of one clone, in its git directory; it is never pushed.

    `on_revert` is called with the number of each entry that was reverted.
    """

    clone: Clone
    on_revert: Callable[[int], None] = lambda _number: None

    @property
    def folder(self) -> Path:
        return self.clone.common_dir / "rdo" / "undo"

    def entries(self) -> list[JournalEntry]:
        """Return all entries, oldest first, without unreadable ones."""
        found = []
        for file in self.folder.glob("*.json"):
            with contextlib.suppress(ValueError, KeyError, TypeError):  # a killed verb wrote it
                found.append(_read(json.loads(file.read_text())))
        return sorted(found, key=lambda entry: entry.number)

    def begin(self, verb: str) -> JournalEntry:
        """Record the state before a verb."""
        number = max([entry.number for entry in self.entries()], default=0) + 1
        entry = JournalEntry(number, verb, CloneState.take(self.clone))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._announcements(number).write_text("")
        self._keep(entry)
        return entry

    def watch(self, entry: JournalEntry) -> Callable[[Touch], None]:
        """Return an object that records a verb's changes before they are made."""
        file = self._announcements(entry.number)
        return lambda touch: note(file, touch)

    def resume(self, entry: JournalEntry) -> JournalEntry:
        """Record that an action continues; what the user did meanwhile becomes part of it."""
        now = CloneState.take(self.clone)
        file = self._announcements(entry.number)
        if file.exists():
            note(file, {"trees": [now.tree, now.index], "known": sorted(tips(now))})
        running = replace(entry, after=None)
        self._keep(running)
        return running

    def end(self, entry: JournalEntry, pushed: tuple[str, ...] = ()) -> JournalEntry:
        """Record the state after a verb; a verb that changed nothing leaves no entry."""
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
        """Revert a verb that has failed, and remove its entry.

        If that would lose what the user did meanwhile, everything stays for `undo`.
        """
        plan, now = self._plan(replace(entry, after=None))
        try:
            plan.require_safe()
            self._revert(plan, now)
        except RefusedError as error:
            log.warning("%s; everything stays as it is", error)

    def abort(self, entry: JournalEntry) -> None:
        """Revert what an action changed before it stopped, and keep other files.

        `undo` brings back what the user did to the same files. If the user has committed since,
        everything is kept. Raises RefusedError if a file of the user is in the way.
        """
        own = entry.after or CloneState.take(self.clone)
        branch = entry.before.head
        stopped = replace(entry, after=own)
        plan, now = self._plan(stopped, is_forced=True, is_waiting=True)
        if now.refs.get(branch) != own.refs.get(branch):
            log.warning("there are new commits since %s; keeping them and all files", entry.verb)
            self.on_revert(entry.number)
            self.forget(entry)
            return
        plan.require_safe()
        again = self.begin(f"{entry.verb} --abort")
        self.watch(again)(
            Touch(
                refs=(*(move.name for move in plan.refs), "HEAD"),
                commits=tuple(filter(None, (now.refs.get(now.head, now.head),))),
                files={name: then.partition(" ")[2] for name, (then, _) in plan.files.items()},
                staged=tuple(plan.staged),
            )
        )
        self._revert(replace(plan, again=again.number), now)

    def forget(self, entry: JournalEntry) -> None:
        """Remove an entry."""
        self._forget(entry.number)

    def _forget(self, number: int) -> None:
        (self.folder / f"{number:06}.json").unlink(missing_ok=True)
        self._announcements(number).unlink(missing_ok=True)
        for side in ("before", "after"):
            self.clone.plumb("update-ref", "-d", f"refs/rdo/undo/{number}-{side}")

    def planned(self, *, is_waiting: Callable[[int], bool]) -> tuple[Revert, Effect]:
        """Return what `undo` would do.

        Raises NotFoundError if there is nothing to undo, and RefusedError if something that was
        changed since then would be lost.
        """
        entry = self._newest()
        plan, now = self._plan(entry, is_waiting=is_waiting(entry.number))
        plan.require_safe()
        after = plan.result(self.clone, now, entry.before)
        return plan, Effect.between(self.clone, now, after, verb="undo", dry_run=True)

    def undo(self, *, is_waiting: Callable[[int], bool]) -> str:
        """Revert the newest verb, and return its name.

        Raises NotFoundError if there is nothing to undo, and RefusedError if something that was
        changed since then would be lost.
        """
        entry = self._newest()
        plan, now = self._plan(entry, is_waiting=is_waiting(entry.number))
        plan.require_safe()
        self._revert(plan, now)
        return entry.verb

    def interrupted(self) -> Revert | None:
        """Return the revert that was killed, if there is one."""
        try:
            return Revert.parse(self._pending.read_text())
        except FileNotFoundError:
            return None

    def complete(self, plan: Revert) -> None:
        """Carry out a revert that was written down; may raise RefusedError, and can be repeated."""
        carry_out(self.clone, plan)
        self.on_revert(plan.number)
        self._forget(plan.number)
        again = self.find(plan.again)
        if again and again.after is None:
            self.end(again)
        self._pending.unlink(missing_ok=True)

    @property
    def _pending(self) -> Path:
        return self.folder / "revert"

    def _announcements(self, number: int) -> Path:
        return self.folder / f"{number:06}.touched"

    def _newest(self) -> JournalEntry:
        entries = self.entries()
        if not entries:
            raise nothing_to_undo()
        return entries[-1]

    def _plan(
        self, entry: JournalEntry, *, is_forced: bool = False, is_waiting: bool = False
    ) -> tuple[Revert, CloneState]:
        now = CloneState.take(self.clone)
        touched = Touched.read(self._announcements(entry.number))
        planner = Reverter(
            *(self.clone, entry.before, entry.after, touched, now),
            is_forced=is_forced,
            is_waiting=is_waiting,
        )
        return planner.plan(entry.number, entry.verb), now

    def _revert(self, plan: Revert, now: CloneState) -> None:
        """Keep the current state, write the plan down, and carry it out."""
        self._keep_undone(now)
        write_file(self._pending, str(plan))
        self.complete(plan)

    def _keep_undone(self, now: CloneState) -> None:
        """Keep what a revert removes as a commit under `refs/rdo/undone`."""
        listed = self.clone.plumb("for-each-ref", "--format=%(refname)", _UNDONE)
        numbers = sorted(int(ref.rpartition("/")[2]) for ref in listed.splitlines())
        self._keep_objects(f"{_UNDONE}/{max(numbers, default=0) + 1}", now)
        for number in numbers[: 1 - KEPT]:
            self.clone.plumb("update-ref", "-d", f"{_UNDONE}/{number}")

    def _keep(self, entry: JournalEntry) -> None:
        for side, snapshot in (("before", entry.before), ("after", entry.after)):
            if snapshot:
                self._keep_objects(f"refs/rdo/undo/{entry.number}-{side}", snapshot)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_file(self.folder / f"{entry.number:06}.json", json.dumps(asdict(entry)))

    def _keep_objects(self, ref: str, snapshot: CloneState) -> None:
        """Make a commit that keeps everything in a snapshot from garbage collection."""
        parents = [part for tip in sorted(tips(snapshot)) for part in ("-p", tip)]
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


def tips(state: CloneState) -> set[str]:
    """Return the commits that branches and HEAD point to."""
    found = {sha for name, sha in state.refs.items() if name.startswith("refs/heads/")}
    return found if state.head.startswith("refs/") else found | ({state.head} - {""})
