"""Decide what undo restores and what it refuses to lose, and carry that out even after a kill."""

import contextlib
import json
import os
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from rdo.atomic import write_file
from rdo.distgit.verb.snapshot import (
    CloneState,
    RefMove,
    blobs,
    files_between,
    mixed,
    obstacles,
    on_disk,
    ref_moves,
    staged_rows,
)
from rdo.distgit.verb.touched import Touched
from rdo.errors import RefusedError
from rdo.tools.git.clone import Clone

_NONE = "0"
_REPOSITORY = "160000"


class FileFate(StrEnum):
    """What a revert does with one file, or with its index entry."""

    RESTORE = "restore"
    KEEP = "keep"
    REFUSE = "refuse"


def fate(
    then: str, made: Collection[str], now: str, *, is_killed: bool = False, is_forced: bool = False
) -> FileFate:
    """Decide about one file, by its `mode hash` before the verb, now, and as the verb made it.

    An empty text means that the file does not exist. After a kill the verb's part is not known
    exactly: a missing file is restored, because nothing is lost, and an unknown new file stays.
    """
    if now == then:
        return FileFate.KEEP
    if is_forced or now in made:
        return FileFate.RESTORE
    if is_killed and not now:
        return FileFate.RESTORE
    return FileFate.KEEP if is_killed and not then else FileFate.REFUSE


@dataclass(frozen=True, slots=True)
class Revert:
    """The plan to revert a verb: what is restored, and what was changed since then.

    `files` and `staged` have, for each name, what is restored and what is there now (`mode hash`,
    or empty). `tree` holds the contents. `settings` are the configuration to restore and the one
    expected now. `again` is the journal entry of the revert itself, if it has one.
    """

    number: int
    verb: str
    tree: str
    head: str = ""
    old_head: str = ""
    refs: tuple[RefMove, ...] = ()
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    staged: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    settings: tuple[str, str] | None = None
    quits_rebase: bool = False
    again: int | None = None
    operation: str = ""
    conflicts: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a plan that was written down; raises ValueError or TypeError for a bad one."""
        row = json.loads(text)
        row["refs"] = tuple(RefMove(**move) for move in row["refs"])
        for key in ("files", "staged"):
            row[key] = {name: tuple(pair) for name, pair in row[key].items()}
        row["settings"] = tuple(row["settings"]) if row["settings"] else None
        row["conflicts"] = tuple(row["conflicts"])
        return cls(**row)

    def __str__(self) -> str:
        return json.dumps(asdict(self))

    def require_safe(self) -> None:
        """Raise RefusedError if something that was done since the verb would be lost."""
        if self.operation:
            raise RefusedError(
                f"cannot undo {self.verb}: a {self.operation} is in progress here",
                hint=f"finish it with git {self.operation} --continue or --abort",
            )
        if self.conflicts:
            shown = ", ".join(self.conflicts[:10]) + (" …" if len(self.conflicts) > 10 else "")
            raise RefusedError(
                f"cannot undo {self.verb}: changed since then: {shown}",
                hint="move your changes away, or find older states with git reflog and git log",
            )

    def result(self, clone: Clone, now: CloneState, then: CloneState) -> CloneState:
        """Return the state of the clone after the revert."""
        refs = {**now.refs, **{move.name: move.new for move in self.refs}}
        return replace(
            now,
            head=self.head or now.head,
            refs={name: sha for name, sha in refs.items() if sha},
            tree=mixed(clone, now.tree, then.tree, set(self.files)),
            index=mixed(clone, now.index, then.index, set(self.staged)),
            settings=self.settings[0] if self.settings else now.settings,
        )

    def summary(self) -> str:
        """Return what the revert does, in a few lines for people."""
        lines = [f"would undo {self.verb}"]
        if self.head:
            lines.append(f"HEAD: {self.old_head} -> {self.head}")
        for move in self.refs:
            lines.append(f"{move.name}: {move.old[:9] or 'new'} -> {move.new[:9] or 'removed'}")
        if self.settings:
            lines.append("git configuration (remotes) changes")
        if self.files:
            names = sorted(self.files)
            more = f" and {len(names) - 10} more" if len(names) > 10 else ""
            lines.append(f"files: {', '.join(names[:10])}{more}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Reverter:
    """Plans the revert of one verb, from the states before and after it and its announcements.

    `after` is None if the verb was killed or has failed. With `is_forced`, what the user did to the
    verb's own files since `after` is reverted too. `is_waiting` means that the verb is an action
    that has stopped.
    """

    clone: Clone
    before: CloneState
    after: CloneState | None
    touched: Touched | None
    now: CloneState
    is_forced: bool = False
    is_waiting: bool = False

    @property
    def is_killed(self) -> bool:
        return self.after is None

    def plan(self, number: int, verb: str) -> Revert:
        """Return the plan; `conflicts` are what it would lose, and `operation` would block it."""
        files, lost = self._files()
        staged, lost_staged = self._staged()
        refs, lost_refs = self._refs()
        is_moved, lost_head = self._head()
        settings, lost_settings = self._settings()
        removed = {name for name, (then, _) in files.items() if not then}
        blocked = obstacles(self.clone, files.keys() - removed, removed)
        conflicts = [*lost_refs, *lost_head, *lost_settings]
        conflicts += sorted({*lost, *lost_staged, *blocked})
        is_ours = self._is_own_rebase()
        return Revert(
            number,
            verb,
            self.before.tree,
            head=self.before.head if is_moved else "",
            old_head=self.now.head if is_moved else "",
            refs=refs,
            files=files,
            staged=staged,
            settings=settings,
            quits_rebase=is_ours,
            operation="" if is_ours else self.clone.in_progress,
            conflicts=tuple(dict.fromkeys(conflicts)),
        )

    def _is_own_rebase(self) -> bool:
        if self.clone.in_progress != "rebase" or not (self.is_killed or self.is_waiting):
            return False
        return self.touched is None or self.touched.has_ref(self.clone.rebased_branch)

    # files and index

    def _announced(self) -> set[str]:
        """Return the files that the verb was about to change."""
        if self.touched is None:  # a verb of an older version
            end = self.after or self.now
            return files_between(self.clone, self.before.tree, end.tree) | files_between(
                self.clone, self.before.index, end.index
            )
        names = set(self.touched.files)
        head = _tip(self.before) or self.before.tree
        for commit in self.touched.commits:
            names |= files_between(self.clone, head, commit)
        return names

    def _made(self) -> set[str]:
        """Return the files that differ because of the verb, unless it was killed."""
        before, after, now = self.before, self.after, self.now
        assert after is not None
        names = files_between(self.clone, before.tree, after.tree)
        names |= files_between(self.clone, before.index, after.index)
        if self.is_forced and now.head != before.head:  # the files of a patches branch go with it
            there = files_between(self.clone, before.tree, "HEAD")
            names |= there - files_between(self.clone, "HEAD", now.tree)
        return names

    def _files(self) -> tuple[dict[str, tuple[str, str]], list[str]]:
        names = self._announced()
        if not self.is_killed:
            names &= self._made()
        then = blobs(self.clone, self.before.tree)
        names = {name for name in names if not then.get(name, "").startswith(_REPOSITORY)}
        now = on_disk(self.clone, names)
        made = self._contents(names, is_staged=False)
        if self.is_killed:
            for name in names:
                if now.get(name, "") not in {*made[name], then.get(name, "")}:
                    made[name] |= {now[name]} if self._is_torn(name, now, made) else set()
        return self._decided(names, then, now, made)

    def _staged(self) -> tuple[dict[str, tuple[str, str]], list[str]]:
        names = self._announced()
        if self.touched is not None:
            names |= self.touched.staged
        if not self.is_killed:
            names &= self._made()
        then, now = blobs(self.clone, self.before.index), blobs(self.clone, self.now.index)
        return self._decided(names, then, now, self._contents(names, is_staged=True))

    def _decided(
        self,
        names: Collection[str],
        then: Mapping[str, str],
        now: Mapping[str, str],
        made: Mapping[str, set[str]],
    ) -> tuple[dict[str, tuple[str, str]], list[str]]:
        restored, lost = {}, []
        for name in names:
            pair = (then.get(name, ""), now.get(name, ""))
            found = fate(
                *(pair[0], made.get(name, set()), pair[1]),
                is_killed=self.is_killed,
                is_forced=self.is_forced,
            )
            if found is FileFate.RESTORE:
                restored[name] = pair
            elif found is FileFate.REFUSE:
                lost.append(name)
        return restored, lost

    def _contents(self, names: Collection[str], *, is_staged: bool) -> dict[str, set[str]]:
        """Return, for each file of the verb, all contents that the verb gave it."""
        found: dict[str, set[str]] = {name: set() for name in names}
        if self.after is not None:
            there = blobs(self.clone, self.after.index if is_staged else self.after.tree)
            return {name: {there.get(name, "")} for name in names}
        if self.touched is None:
            return found
        trees = [*self.touched.commits, *self.touched.trees, self.before.tree, self.before.index]
        trees += [sha for name, sha in self.now.refs.items() if self.touched.has_ref(name)]
        trees += [self.clone.resolve("HEAD")]
        if self.clone.in_progress == "rebase":
            with contextlib.suppress(FileNotFoundError):  # there is no conflict, or git is older
                trees.append((self.clone.git_dir / "AUTO_MERGE").read_text().strip())
        for tree in dict.fromkeys(filter(None, trees)):
            for name, blob in blobs(self.clone, tree).items():
                if name in found:
                    found[name].add(blob)
        for name, announced in self.touched.files.items():
            if name in found:
                found[name] |= {
                    f"{mode} {sha}" for mode in ("100644", "100755") for sha in announced
                }
        return found

    def _is_torn(self, name: str, now: Mapping[str, str], made: Mapping[str, set[str]]) -> bool:
        """Whether a file has only the beginning of a content of the verb: git was killed too."""
        file = self.clone.top / name
        if not now.get(name) or file.is_symlink() or not file.is_file():
            return False
        beginning = file.read_bytes().decode(errors="surrogateescape")
        hashes = {blob.partition(" ")[2] for blob in made[name]} - {""}
        texts = (self.clone.blob(sha) for sha in hashes)
        return any(text is not None and text.startswith(beginning) for text in texts)

    # refs, HEAD, configuration

    def _refs(self) -> tuple[tuple[RefMove, ...], list[str]]:
        if self.after is not None and not self.is_forced:
            own = {move.name for move in ref_moves(self.before, self.after)}
            lost = list(moved_again(self.before, self.after, self.now))
            moves = tuple(x for x in ref_moves(self.now, self.before) if x.name in own)
            return moves, [name for name in lost if name != "HEAD"]
        moves = tuple(x for x in ref_moves(self.now, self.before) if self._is_announced(x))
        return moves, [x.name.removeprefix("refs/heads/") for x in moves if self._has_foreign(x)]

    def _is_announced(self, move: RefMove) -> bool:
        if self.touched is None:
            return True
        return self.touched.has_ref(move.name)

    def _has_foreign(self, move: RefMove) -> bool:
        """Whether a branch has commits that the verb did not announce."""
        if (
            self.is_forced
            or self.touched is None
            or not move.old
            or not move.name.startswith("refs/heads/")
        ):
            return False
        return self._foreign_commits(move.old, self.touched)

    def _foreign_commits(self, tip: str, touched: Touched) -> bool:
        known = {*self.before.refs.values(), *touched.commits, *touched.known, _tip(self.before)}
        stdin = "\n".join([tip, *(f"^{sha}" for sha in sorted(known - {""}))])
        out = self.clone.plumb("rev-list", "--stdin", "--format=%B%x1e", stdin=stdin.encode())
        messages = [row.strip("\n").partition("\n")[2] for row in out.split("\x1e") if row.strip()]
        return not all(map(touched.has_message, messages))

    def _head(self) -> tuple[bool, list[str]]:
        """Return whether HEAD moves back, and its name if somebody has moved it."""
        before, now = self.before.head, self.now.head
        if self.after is not None and not self.is_forced:
            return before != now, ["HEAD"] if now != self.after.head else []
        if before == now or self.is_forced or self.touched is None:
            return before != now, []
        is_branch = now.startswith("refs/")
        is_own = self.touched.has_ref("HEAD") and (
            now in self.touched.refs if is_branch else not self._foreign_commits(now, self.touched)
        )
        return True, [] if is_own else ["HEAD"]

    def _settings(self) -> tuple[tuple[str, str] | None, list[str]]:
        before, now = self.before.settings, self.now.settings
        if before == now or (self.after is not None and self.after.settings == before):
            return None, []
        if self.after is not None:
            is_ours = self.after.settings == now
        elif self.touched is None:
            is_ours = True
        else:
            changed = _changed_keys(before, now, self.clone)
            announced = [key for key in changed if self.touched.has_setting(key)]
            if not announced:
                return None, []
            is_ours = announced == changed
        return ((before, now), []) if is_ours else (None, ["git configuration"])


def moved_again(before: CloneState, after: CloneState, now: CloneState) -> Iterator[str]:
    """Return the refs that moved both during the verb and since, and HEAD if it moved since."""
    for ref in sorted({*before.refs, *after.refs}):
        if before.refs.get(ref) != after.refs.get(ref) != now.refs.get(ref):
            yield ref.removeprefix("refs/heads/")
    if now.head != after.head:
        yield "HEAD"


def _tip(state: CloneState) -> str:
    """Return the checked-out commit; empty on a branch without commits."""
    return state.refs.get(state.head, "") if state.head.startswith("refs/") else state.head


def _changed_keys(old: str, new: str, clone: Clone) -> list[str]:
    """Return the settings that differ between two configuration files."""
    texts = [
        clone.plumb(
            "config", "--file", "-", "--list", "-z", stdin=text.encode(errors="surrogateescape")
        )
        for text in (old, new)
    ]
    ours, theirs = ({row for row in text.split("\0") if row} for text in texts)
    return sorted({row.partition("\n")[0] for row in ours ^ theirs})


def carry_out(clone: Clone, plan: Revert) -> None:
    """Carry out a plan, from any point of interruption; the index comes last.

    Raises RefusedError, before the first change, if a file is in the way or a ref has moved.
    """
    todo = _still_to_do(clone, plan)
    if plan.quits_rebase and clone.in_progress:
        clone.quit_rebase()
    if plan.head.startswith("refs/"):
        clone.plumb("symbolic-ref", "HEAD", plan.head)
    elif plan.head:
        clone.plumb("update-ref", "--no-deref", "HEAD", plan.head)
    lines = [f"{move.command} {move.old or '0' * len(move.new)}\n" for move in todo.refs]
    clone.plumb("update-ref", "--stdin", stdin="".join(lines).encode())
    _stage(clone, plan.staged)
    _place_files(clone, plan.tree, todo.files)
    if plan.settings:
        write_file(clone.common_dir / "config", plan.settings[0].encode(errors="surrogateescape"))
    clone.refresh_index()


@dataclass(frozen=True, slots=True)
class _Todo:
    refs: tuple[RefMove, ...]
    files: Mapping[str, str]


def _still_to_do(clone: Clone, plan: Revert) -> _Todo:
    """Return the refs and files that are not restored yet, with what each file becomes."""
    listed = clone.plumb("for-each-ref", "--format=%(refname) %(objectname)")
    at = dict(line.split(" ") for line in listed.splitlines())
    refs = tuple(move for move in plan.refs if at.get(move.name, "") != move.new)
    lost = [move.name for move in refs if at.get(move.name, "") != move.old]
    now = on_disk(clone, plan.files)
    files = {}
    for name, (then, was) in plan.files.items():
        there = now.get(name, "")
        if there == was or (then and not there):
            files[name] = then
        elif then not in {there, ""}:
            lost.append(name)
    files = {name: then for name, then in files.items() if then != now.get(name, "")}
    removed = {name for name, then in files.items() if not then}
    lost += obstacles(clone, files.keys() - removed, removed)
    text = (clone.common_dir / "config").read_text(errors="surrogateescape")
    if plan.settings and text not in plan.settings:
        lost.append("git configuration")
    if lost:
        raise RefusedError(
            f"cannot complete the undo of {plan.verb}: changed meanwhile: {', '.join(lost)}",
            hint="move your changes away and repeat the command",
        )
    return _Todo(refs, files)


def _stage(clone: Clone, rows: Mapping[str, tuple[str, str]]) -> None:
    """Restore the index entries that have not changed since the plan was made."""
    listed = clone.plumb("ls-files", "--full-name", "--stage", "-z", ":/")
    now = staged_rows(listed)
    lines = [
        f"{then or f'{_NONE} {_NONE * 40}'}\t{name}\0"
        for name, (then, was) in rows.items()
        if now.get(name, "") == was or _is_unmerged(listed, name)
    ]
    if lines:
        stdin = "".join(lines).encode(errors="surrogateescape")
        clone.plumb("update-index", "-z", "--index-info", stdin=stdin)


def _is_unmerged(listed: str, name: str) -> bool:
    return any(f" {side}\t{name}\0" in f"{listed}\0" for side in (1, 2, 3))


def _place_files(clone: Clone, tree: str, files: Mapping[str, str]) -> None:
    """Remove files, then move the others to their places, each by one rename."""
    top = clone.top
    for name in (name for name, then in files.items() if not then):
        (top / name).unlink(missing_ok=True)
        _remove_empty((top / name).parent, top)
    names = sorted(name for name, then in files.items() if then)
    if not names:
        return
    made = clone.common_dir / "rdo" / "undo" / "files"
    shutil.rmtree(made, ignore_errors=True)
    whole = clone.at_top()
    env = {"GIT_INDEX_FILE": str(made / ".index")}
    made.mkdir(parents=True)
    whole.plumb("read-tree", tree, env=env)
    stdin = "\0".join(names).encode(errors="surrogateescape")
    whole.plumb("checkout-index", "-z", "--stdin", f"--prefix={made}/tree/", env=env, stdin=stdin)
    for name in names:
        _place(made / "tree" / name, top / name)
    shutil.rmtree(made, ignore_errors=True)


def _place(new: Path, target: Path) -> None:
    """Move a file to its place; a replaced file's permissions are kept."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        _remove_tree_of_folders(target)
    if target.is_file() and not target.is_symlink() and not new.is_symlink():
        mode = stat.S_IMODE(target.stat().st_mode)
        if bool(mode & stat.S_IXUSR) == bool(new.stat().st_mode & stat.S_IXUSR):
            new.chmod(mode)
    try:
        new.replace(target)
    except OSError:  # a linked work tree on another file system
        beside = target.with_name(f".{target.name}.new")
        beside.unlink(missing_ok=True)
        shutil.copy2(new, beside, follow_symlinks=False)
        beside.replace(target)


def _remove_tree_of_folders(folder: Path) -> None:
    """Remove a folder and its empty subfolders; raises OSError if one contains a file."""
    for place, _, _ in os.walk(folder, topdown=False):
        Path(place).rmdir()


def _remove_empty(folder: Path, top: Path) -> None:
    """Remove folders that have become empty, as git does."""
    with contextlib.suppress(OSError):  # one is not empty
        while folder != top:
            folder.rmdir()
            folder = folder.parent
