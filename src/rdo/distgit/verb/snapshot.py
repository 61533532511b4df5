"""The state of a clone as git objects (refs, index, work tree), and states made from others."""

import contextlib
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from rdo.distgit.verb.state import STATE_FILE
from rdo.tools.git.clone import Clone

_MAX_UNKNOWN_BYTES = 8 * 2**20
_REFS = ("refs/heads", "refs/tags", "refs/remotes")
_EMPTY = "0" * 40
OTHER_REPOSITORY = "160000 repository"


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


@contextlib.contextmanager
def _scratch_index(clone: Clone) -> Iterator[dict[str, str]]:
    """Yield an environment in which git works on a copy of the index."""
    with tempfile.TemporaryDirectory(prefix="rdo-index-") as folder:
        scratch = Path(folder, "index")
        real = clone.git_dir / "index"
        if real.exists():
            shutil.copy2(real, scratch)
        yield {"GIT_INDEX_FILE": str(scratch)}


def _trees(clone: Clone) -> tuple[str, str]:
    with _scratch_index(clone) as env:
        if clone.plumb("ls-files", "--unmerged", env=env):
            clone.plumb("add", "--update", "--", ".", env=env)  # conflicts with their markers
        index = clone.plumb("write-tree", env=env)
        everything = clone.at_top()
        left_out = [f":(exclude,glob)**/{STATE_FILE}", *_left_out(everything)]
        everything.plumb("add", "--all", "--", ".", *left_out, env=env)
        return index, clone.plumb("write-tree", env=env)


def _left_out(clone: Clone) -> Iterator[str]:
    """Yield untracked files too large to record quickly (archives), and nested repositories."""
    listed = clone.plumb("ls-files", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        file = clone.path / name
        is_large = file.is_file() and file.stat().st_size > _MAX_UNKNOWN_BYTES
        if is_large or name.endswith("/"):
            yield f":(exclude,literal){name.rstrip('/')}"


def on_disk(clone: Clone, names: Collection[str]) -> dict[str, str]:
    """Return `mode hash` of those names that exist in the work tree, including ignored ones.

    A folder does not exist as a file; a nested repository has the mode of a submodule.
    """
    top = clone.top
    found, files = {}, []
    for name in sorted(names):
        file = top / name
        if any(parent.is_symlink() for parent in _folders(top, name)):
            continue
        if file.is_symlink() or file.is_file():
            files.append(name)
        elif (file / ".git").exists():
            found[name] = OTHER_REPOSITORY
        elif file.exists() and not file.is_dir():
            found[name] = "0 special"
    if files:
        with _scratch_index(clone) as env:
            stdin = "".join(f"{name}\0" for name in files).encode(errors="surrogateescape")
            whole = clone.at_top()
            whole.plumb("update-index", "--add", "--replace", "-z", "--stdin", env=env, stdin=stdin)
            listed = whole.plumb("ls-files", "--stage", "-z", env=env)
        rows = staged_rows(listed)
        found |= {name: rows[name] for name in files}
    return found


def _folders(top: Path, name: str) -> list[Path]:
    """Return the folders between the top and a file, outermost first."""
    return [top / parent for parent in reversed(PurePosixPath(name).parents) if parent.name]


def obstacles(clone: Clone, written: Collection[str], removed: Collection[str]) -> list[str]:
    """Return the files that would be lost if `written` were written and `removed` were removed.

    Such a file has the name of a required folder, or is in a folder that has to become a file.
    """
    top = clone.top
    found = set()
    for name in written:
        for folder in _folders(top, name):
            above = str(folder.relative_to(top))
            if (folder.is_symlink() or folder.is_file()) and above not in removed:
                found.add(above)
        place = top / name
        if place.is_dir() and not place.is_symlink():
            inside = (file for file in place.rglob("*") if file.is_symlink() or not file.is_dir())
            found |= {str(file.relative_to(top)) for file in inside} - set(removed)
    return sorted(found)


def staged_rows(listed: str) -> dict[str, str]:
    """Read `ls-files --stage -z`: `mode hash` by name; a conflict's last side."""
    rows = (row.partition("\t") for row in listed.split("\0") if row)
    return {name: left.rpartition(" ")[0] for left, _, name in rows}


def blobs(clone: Clone, tree: str) -> dict[str, str]:
    """Return `mode hash` of each file of a tree or commit."""
    listed = clone.plumb("ls-tree", "-r", "-z", "--full-tree", tree)
    rows = (row.partition("\t") for row in listed.split("\0") if row)
    return {name: _index_row(left) for left, _, name in rows}


def mixed(clone: Clone, now: str, then: str, names: set[str]) -> str:
    """Make a tree like `now`, with the files `names` taken from `then`."""
    with tempfile.TemporaryDirectory(prefix="rdo-index-") as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        clone.plumb("read-tree", now, env=env)
        listed = clone.plumb("ls-tree", "-r", "-z", "--full-tree", then)
        stdin = index_info(listed, names).encode(errors="surrogateescape")
        clone.plumb("update-index", "-z", "--index-info", env=env, stdin=stdin)
        return clone.plumb("write-tree", env=env)


def index_info(listed: str, names: set[str]) -> str:
    """Return the rows of ls-tree for `names`, or their removal, in the format of update-index."""
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
    """A ref that moves; a hash is empty if the ref does not exist at that time."""

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
