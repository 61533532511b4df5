"""The state of a clone as git objects: refs, index, work tree; and states made from others."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from rdo.distgit.verb.state import STATE_FILE
from rdo.tools.clone import Clone

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


def with_files(clone: Clone, now: CloneState, then: CloneState, names: set[str]) -> CloneState:
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


def files_between(clone: Clone, old: str, new: str) -> set[str]:
    out = clone.plumb("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new)
    return {name for name in out.split("\0") if name}


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
