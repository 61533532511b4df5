"""Check that a merge keeps the patches of the branches that it joins."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rdo.distgit.served.commit_files import CommitFiles
from rdo.errors import RefusedError
from rdo.tools.git.pushed import PushedCommits
from rdo.tools.rpm.rpmspec import Rpmspec, SpecQuestion

_MOST_MERGES = 50


@dataclass(frozen=True, slots=True)
class CommitPatches:
    """The patches that the specs of a commit name, each with the hash of its content."""

    names: Mapping[str, str]

    def has(self, name: str, blob: str) -> bool:
        """Whether it has a patch under its name, or its content under another name."""
        return name in self.names or bool(blob and blob in self.names.values())


def lost_patches(pushed: PushedCommits, head: str, rpmspec: Rpmspec) -> list[tuple[str, str]]:
    """Return the merges in `head` that lose patches: the merge and the name of the patch.

    A patch is lost if one of the branches has it and the merge does not, unless the other branch
    removed it deliberately: then their common ancestor has it.
    """
    known: dict[str, CommitPatches | None] = {}

    def patches(commit: str) -> CommitPatches | None:
        if commit not in known:
            known[commit] = _patches(pushed, commit, rpmspec) if commit else CommitPatches({})
        return known[commit]

    found = []
    for merge, *parents in pushed.new_merges(head, most=_MOST_MERGES):
        result = patches(merge)
        for one in parents:
            for other in parents:
                if one == other or result is None:
                    continue
                before, theirs = patches(pushed.merge_base(one, other)), patches(other)
                mine = patches(one)
                for name, blob in mine.names.items() if mine else ():
                    is_removed = (
                        before is not None
                        and theirs is not None
                        and before.has(name, blob)
                        and not theirs.has(name, blob)
                    )
                    if not result.has(name, blob) and not is_removed:
                        found.append((merge, name))
    return list(dict.fromkeys(found))


def _patches(pushed: PushedCommits, commit: str, rpmspec: Rpmspec) -> CommitPatches | None:
    """Return the patches of a commit; None if rpm cannot read its specs."""
    files = CommitFiles.read(pushed, commit)
    with tempfile.TemporaryDirectory(prefix="rdo-distgit-") as folder:
        files.write(Path(folder))
        readings = rpmspec.read_all(
            [SpecQuestion(one) for one in files.specs.values()], Path(folder)
        )
    if any(isinstance(one, RefusedError) for one in readings):
        return None
    return CommitPatches(
        {
            name: files.blob(name)
            for one in readings
            if not isinstance(one, RefusedError)
            for name in one.patches
        }
    )
