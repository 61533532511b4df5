"""The journal of verbs, which can revert what a verb changed: refs, index, work tree.

The states before and after each verb are kept as git objects under `refs/rdo/undo/`, where git's
garbage collection does not remove them. What was pushed stays pushed.
"""

import contextlib
import json
import logging
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from rdo.atomic import write_file
from rdo.distgit.verb.problems import nothing_to_undo
from rdo.distgit.verb.state import STATE_FILE
from rdo.errors import RefusedError
from rdo.tools.clone import Clone

log = logging.getLogger(__name__)

KEPT = 20
_MAX_UNKNOWN_BYTES = 8 * 2**20
_REFS = ("refs/heads", "refs/tags", "refs/remotes")
_EMPTY = "0" * 40


@dataclass(frozen=True, slots=True)
class CloneState:
    """The state of a clone; `head` is a branch's full name, or a hash if it is detached.

    `index` and `tree` are trees of the staged files and of the work tree (without ignored and
    large untracked files). `settings` is the clone's configuration file, which has the remotes.
    """

    head: str
    refs: Mapping[str, str]
    index: str
    tree: str
    settings: str

    @classmethod
    def take(cls, clone: Clone) -> Self:
        """Record the state of a clone without changing it."""
        lines = clone.plumb("for-each-ref", "--format=%(refname) %(objectname)", *_REFS)
        branch = clone.branch
        index, tree = _trees(clone)
        return cls(
            head=f"refs/heads/{branch}" if branch else clone.resolve("HEAD"),
            refs=dict(line.split(" ") for line in lines.splitlines()),
            index=index,
            tree=tree,
            settings=(clone.common_dir / "config").read_text(errors="surrogateescape"),
        )


def _trees(clone: Clone) -> tuple[str, str]:
    with tempfile.TemporaryDirectory(prefix="rdo-index-") as folder:
        scratch = Path(folder, "index")
        real = clone.git_dir / "index"
        if real.exists():
            shutil.copy2(real, scratch)
        env = {"GIT_INDEX_FILE": str(scratch)}
        if clone.plumb("ls-files", "--unmerged", env=env):
            clone.plumb("add", "--update", "--", ".", env=env)  # conflicts with their markers
        index = clone.plumb("write-tree", env=env)
        top = clone.plumb("rev-parse", "--show-toplevel")
        everything = Clone(Path(top), clone.runner)
        left_out = [f":(exclude,glob)**/{STATE_FILE}", *_too_large(everything)]
        everything.plumb("add", "--all", "--", ".", *left_out, env=env)
        return index, clone.plumb("write-tree", env=env)


def _too_large(clone: Clone) -> Iterator[str]:
    """Yield untracked files too large to record in time: archives, which no verb changes."""
    listed = clone.plumb("ls-files", "--others", "--exclude-standard", "-z")
    for name in listed.split("\0"):
        file = clone.path / name
        if name and file.is_file() and file.stat().st_size > _MAX_UNKNOWN_BYTES:
            yield f":(exclude,literal){name}"


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
            touched = _files(self.clone, then.tree, own.tree)
            touched |= _files(self.clone, then.index, own.index)
            if now.head != then.head:  # on a patches branch its files go too
                touched |= _files(self.clone, then.tree, "HEAD") - _files(
                    self.clone, "HEAD", now.tree
                )
            kept = _with_files(self.clone, now, then, touched)
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
    touched = _files(clone, before.tree, after.tree) | _files(clone, before.index, after.index)
    again = _files(clone, after.tree, now.tree) | _files(clone, after.index, now.index)
    yield from sorted(touched & again)


def moved_again(before: CloneState, after: CloneState, now: CloneState) -> Iterator[str]:
    """Name the refs that have moved between all three states, and HEAD if it moved last."""
    for ref in sorted({*before.refs, *after.refs}):
        if before.refs.get(ref) != after.refs.get(ref) != now.refs.get(ref):
            yield ref.removeprefix("refs/heads/")
    if now.head != after.head:
        yield "HEAD"


def _with_files(clone: Clone, now: CloneState, then: CloneState, names: set[str]) -> CloneState:
    """Return the state `then`, with all files except `names` as they are now."""
    return replace(
        then,
        tree=_mixed(clone, now.tree, then.tree, names),
        index=_mixed(clone, now.index, then.index, names),
    )


def _mixed(clone: Clone, now: str, then: str, names: set[str]) -> str:
    """Make a tree like `now`, with the files `names` taken from `then`."""
    with tempfile.TemporaryDirectory(prefix="rdo-index-") as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        clone.plumb("read-tree", now, env=env)
        listed = clone.plumb("ls-tree", "-r", "-z", "--full-tree", then)
        stdin = index_info(listed, names).encode(errors="surrogateescape")
        clone.plumb("update-index", "-z", "--index-info", env=env, stdin=stdin)
        return clone.plumb("write-tree", env=env)


def index_info(listed: str, names: set[str]) -> str:
    """Write, as update-index reads it, the rows that ls-tree has for `names`, or their removal."""
    rows = {row.partition("\t")[2]: row.partition("\t")[0] for row in listed.split("\0") if row}
    lines = [
        f"{_index_row(rows[name])}\t{name}" if name in rows else f"0 {_EMPTY}\t{name}"
        for name in sorted(names)
    ]
    return "".join(f"{line}\0" for line in lines)


def _index_row(row: str) -> str:
    """Convert ls-tree's `mode type hash` for update-index."""
    mode, _, sha = row.split(" ")
    return f"{mode} {sha}"


def _files(clone: Clone, old: str, new: str) -> set[str]:
    out = clone.plumb("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new)
    return {name for name in out.split("\0") if name}


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
    changed = _files(clone, now.tree, then.tree)
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


@contextlib.contextmanager
def throwaway(clone: Clone) -> Iterator[Clone]:
    """Make a temporary clone that shares the objects of the real one and nothing else.

    Branches, remotes, index, work tree, and even a rebase in progress are copied.
    """
    with tempfile.TemporaryDirectory(prefix="rdo-dry-") as scratch:
        top = Path(clone.plumb("rev-parse", "--show-toplevel"))
        copy = Path(scratch, top.name)
        shutil.copytree(top, copy, symlinks=True, ignore=lambda d, _: _git_of(d, top))
        common, own = clone.common_dir, clone.git_dir
        shutil.copytree(
            common, copy / ".git", symlinks=True, ignore=lambda d, _: _shared(d, common)
        )
        if own != common:  # a linked work tree
            shutil.copytree(own, copy / ".git", symlinks=True, dirs_exist_ok=True)
            for name in ("commondir", "gitdir"):
                (copy / ".git" / name).unlink(missing_ok=True)
        objects = copy / ".git/objects"
        (objects / "info").mkdir(parents=True)
        (objects / "info/alternates").write_text(f"{common / 'objects'}\n")
        there = Clone(copy / clone.path.resolve().relative_to(top), clone.runner, is_dry=True)
        for name, url in clone.remotes().items():
            if not re.match(r"/|[^/]*:", url):  # a path that began in the real clone
                there.plumb("config", f"remote.{name}.url", str((top / url).resolve()))
        yield there


def _git_of(folder: str, top: Path) -> list[str]:
    return [".git"] if Path(folder) == top else []


def _shared(folder: str, common: Path) -> list[str]:
    return ["objects", "worktrees", "hooks"] if Path(folder) == common else []


@dataclass(frozen=True, slots=True)
class RefMove:
    """A ref that moves; a hash is empty if the ref does not exist there."""

    name: str
    old: str
    new: str

    @property
    def command(self) -> str:
        """The line that moves it in `git update-ref --stdin`."""
        return f"update {self.name} {self.new}" if self.new else f"delete {self.name}"


def ref_moves(before: CloneState, after: CloneState) -> tuple[RefMove, ...]:
    """Return the refs that differ between two states, by name."""
    pairs = (
        RefMove(ref, before.refs.get(ref, ""), after.refs.get(ref, ""))
        for ref in sorted({*before.refs, *after.refs})
    )
    return tuple(move for move in pairs if move.old != move.new)


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a verb, or of its dry run; `str` gives the text for people.

    `finished` is false while an action waits for a person. `head` is what is checked out at the
    end, `diff` is the difference of the files, `messages` are the texts printed meanwhile, and
    `pushes` are the commands that undo cannot revert.
    """

    verb: str
    dry_run: bool
    finished: bool
    head: str
    old_head: str
    refs: tuple[RefMove, ...]
    has_new_settings: bool
    files: tuple[str, ...]
    diff: str
    pushes: tuple[str, ...]
    messages: tuple[str, ...] = ()

    @classmethod
    def between(
        cls,
        clone: Clone,
        before: CloneState,
        after: CloneState,
        *,
        verb: str,
        dry_run: bool = False,
        finished: bool = True,
    ) -> Self:
        """Compare two states: refs, remotes and files."""
        return cls(
            verb=verb,
            dry_run=dry_run,
            finished=finished,
            head=after.head,
            old_head=before.head,
            refs=ref_moves(before, after),
            has_new_settings=before.settings != after.settings,
            files=tuple(sorted(_files(clone, before.tree, after.tree))),
            diff=clone.diff(before.tree, after.tree),
            pushes=tuple(map(str, clone.pushes)),
        )

    def __str__(self) -> str:
        lines = [f"HEAD: {self.old_head} -> {self.head}"] if self.old_head != self.head else []
        for move in self.refs:
            lines.append(f"{move.name}: {move.old[:9] or 'new'} -> {move.new[:9] or 'removed'}")
        if self.has_new_settings:
            lines.append("git configuration (remotes) changes")
        return "\n".join([*lines, *([self.diff] if self.diff else [])]) or "nothing would change"
