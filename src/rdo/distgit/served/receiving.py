"""Check a push to a distgit before its branches move.

A push is accepted completely or not at all. Its content is only read behind walls: git has checked
the objects, we write the files under plain names, and rpm reads specs in the sandbox.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rdo.distgit.served.commit_files import CommitFiles
from rdo.distgit.served.kept_patches import lost_patches
from rdo.distgit.served.ownership import ServedDistgit
from rdo.errors import CommandError, RefusedError, UserError
from rdo.lookaside.sources_file import SourceEntry
from rdo.tools.git.pushed import PushedCommits, RefChange
from rdo.tools.rpm.rpmspec import Rpmspec, SpecReading


class SourceCache(Protocol):
    """A lookaside cache that is asked for the files of one distgit."""

    def fault(self, entry: SourceEntry, branch: str) -> str:
        """Return the fault of a file in the cache; empty if the cache has it intact."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Checks pushes to one distgit. `distgit` is None if the metadata has none with this name."""

    name: str
    pushed: PushedCommits
    distgit: ServedDistgit | None
    admins: Sequence[str]
    cache: SourceCache | None
    rpmspec: Rpmspec

    def faults(self, person: str, changes: Sequence[RefChange]) -> list[str]:
        """Return everything that is wrong with a person's push; nothing if it is accepted."""
        if refusal := self._about_person(person, changes):
            return [refusal]
        found: list[str] = []
        for change in changes:
            about = change.branch or change.ref
            try:
                faults = list(self._about_ref(change))
                if not faults and change.branch and change.new:
                    faults = list(self._about_commit(change))
            except UserError as error:
                faults = [_one_line(error)]
            found += [f"{about}: {fault}" for fault in faults]
        return found

    def _about_person(self, person: str, changes: Sequence[RefChange]) -> str:
        if person.lower() in {one.lower() for one in self.admins}:
            return ""
        if self.distgit is None:
            return f"no package of the metadata uses the distgit {self.name}"
        for change in changes:
            mine = self.distgit.branches.get(change.branch, self.distgit.maintainers)
            if person.lower() not in mine:
                what = f"{change.branch} of {self.name}" if change.branch else self.name
                whose = ", ".join(sorted(mine)) or "nobody"
                return f"{person or 'nobody'} may not push to {what}; its maintainers: {whose}"
        return ""

    def _about_ref(self, change: RefChange) -> Iterator[str]:
        """Yield the reasons why a ref may not be changed like this."""
        if change.is_tag:
            if change.old:
                yield "tags cannot be moved or removed"
            return
        if not change.branch:
            yield "only branches and tags can be pushed"
            return
        if change.new and not self.pushed.is_commit(change.new):
            yield "a branch must point to a commit"
            return
        if not self._is_protected(change.branch) or not change.old:
            return
        if not change.new:
            yield "a branch that a release is built from cannot be removed"
        elif not self.pushed.is_forward(change):
            yield "a branch that a release is built from cannot be rewritten: rebase, then push"

    def _is_protected(self, branch: str) -> bool:
        return self.distgit is not None and branch in self.distgit.branches

    def _about_commit(self, change: RefChange) -> Iterator[str]:
        """Yield the faults of the newest commit of a branch, and of the merges before it."""
        files = CommitFiles.read(self.pushed, change.new)
        if not files.specs:
            if self._is_protected(change.branch) and not files.is_retired:
                yield "there is no .spec file at the top"
            return
        entries = files.sources()
        for path, reading in self._readings(files).items():
            if isinstance(reading, UserError):
                yield f"{path}: {_one_line(reading)}"
                continue
            listed = {entry.name for entry in entries}
            for name in reading.patches:
                if not files.blob(name) and name not in listed:
                    yield f"{path} names the patch {name}, which is neither in git nor in sources"
        for entry in entries if self.cache else ():
            assert self.cache
            if fault := self.cache.fault(entry, change.branch):
                yield fault
        for merge, name in lost_patches(self.pushed, change.new, self.rpmspec):
            yield f"the merge {merge[:12]} loses {name}"

    def _readings(self, files: CommitFiles) -> dict[str, SpecReading | UserError]:
        found: dict[str, SpecReading | UserError] = {}
        with tempfile.TemporaryDirectory(prefix="rdo-distgit-") as folder:
            files.write(Path(folder))
            for path, text in files.specs.items():
                try:
                    found[path] = self.rpmspec.read(text, Path(folder))
                except UserError as error:
                    found[path] = error
        return found


def _one_line(error: UserError) -> str:
    """Return an error in one line, without the command line of a sandbox."""
    if isinstance(error, CommandError):
        return "rpm did not finish reading it" if "timed out" in str(error) else "rpm failed"
    said = " ".join(str(error).split())
    return f"{said} ({error.hint})" if error.hint and isinstance(error, RefusedError) else said
