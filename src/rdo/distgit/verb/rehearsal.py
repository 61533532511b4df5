"""Run a verb in a throwaway clone, and describe the effect of a verb."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rdo.distgit.verb.snapshot import CloneState, RefMove, files_between, ref_moves
from rdo.tools.git.clone import Clone


@contextlib.contextmanager
def throwaway(clone: Clone) -> Iterator[Clone]:
    """Make a temporary clone that shares only the objects of the real one.

    Branches, remotes, index, work tree, and even a rebase in progress are copied.
    """
    with tempfile.TemporaryDirectory(prefix="rdo-dry-") as scratch:
        top = clone.top
        copy = Path(scratch, top.name)
        shutil.copytree(top, copy, symlinks=True, ignore=lambda d, _: _git_of(d, top))
        common, own = clone.common_dir, clone.git_dir
        shutil.copytree(
            common, copy / ".git", symlinks=True, ignore=lambda d, _: _shared(d, common)
        )
        if own != common:  # it is a linked work tree
            shutil.copytree(own, copy / ".git", symlinks=True, dirs_exist_ok=True)
            for name in ("commondir", "gitdir"):
                (copy / ".git" / name).unlink(missing_ok=True)
        objects = copy / ".git/objects"
        (objects / "info").mkdir(parents=True)
        (objects / "info/alternates").write_text(f"{common / 'objects'}\n")
        there = Clone(copy / clone.path.resolve().relative_to(top), clone.runner, is_dry=True)
        for name, url in clone.remotes().items():
            if not re.match(r"/|[^/]*:", url):  # a relative path started in the real clone
                there.plumb("config", f"remote.{name}.url", str((top / url).resolve()))
        yield there


def _git_of(folder: str, top: Path) -> list[str]:
    return [".git"] if Path(folder) == top else []


def _shared(folder: str, common: Path) -> list[str]:
    return ["objects", "worktrees", "hooks"] if Path(folder) == common else []


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a verb, or of its dry run; `str` gives the text for people.

    `finished` is false while an action waits for the user. `head` is what is checked out at the
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
            files=tuple(sorted(files_between(clone, before.tree, after.tree))),
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
