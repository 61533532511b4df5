"""The commits of a push that is not accepted yet, and those that the repository has."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import RefusedError
from rdo.model.program import Completed
from rdo.run import Runner, run
from rdo.tools.git.mirror import ENVIRONMENT

_QUARANTINE = (
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
)
"""The variables in which git gives a hook the temporary folder of a push's objects."""
_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class RefChange:
    """A branch or tag that a push changes; `old` or `new` is empty if it is new, or removed."""

    ref: str
    old: str
    new: str

    @classmethod
    def parse(cls, line: str) -> "RefChange":
        """Parse a line of a hook's input: `OLD NEW REF`."""
        old, new, ref = line.rstrip("\n").split(" ", 2)
        return cls(ref, old.strip("0") and old, new.strip("0") and new)

    @property
    def branch(self) -> str:
        """The name of the branch; empty for another ref."""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else ""

    @property
    def is_tag(self) -> bool:
        """Whether it is a tag."""
        return self.ref.startswith("refs/tags/")


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file, link or folder directly in a folder of a commit; `size` is a file's, in bytes."""

    path: str
    mode: str
    blob: str
    size: int

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.mode.startswith("100")

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == "120000"


@dataclass(frozen=True, slots=True)
class PushedCommits:
    """A repository and a push to it, as a hook of git sees both."""

    repository: Path
    runner: Runner = run

    def is_commit(self, hash_: str) -> bool:
        """Whether a hash is that of a commit, not of a tag, file or tree."""
        return self._git("cat-file", "-t", hash_).strip() == b"commit"

    def is_forward(self, change: RefChange) -> bool:
        """Whether the new commit descends from the old one."""
        args = ("merge-base", "--is-ancestor", change.old, change.new)
        return self._run(*args, ok=(0, 1)).returncode == 0

    def new_merges(self, head: str, *, most: int) -> list[tuple[str, ...]]:
        """Return the new merges in `head`, each followed by its parents.

        Raises RefusedError if there are more than `most`.
        """
        args = ("rev-list", "--merges", "--parents", f"--max-count={most + 1}", head)
        found = self._git(*args, "--not", "--all").decode().splitlines()
        if len(found) > most:
            raise RefusedError(f"more than {most} merges at once", hint="push them in parts")
        return [tuple(line.split()) for line in found]

    def merge_base(self, one: str, other: str) -> str:
        """Return the newest commit that both descend from; empty without one."""
        done = self._run("merge-base", one, other, ok=(0, 1))
        return done.stdout.partition("\n")[0]

    def folder(self, commit: str, *paths: str) -> list[TreeEntry]:
        """Return the entries at the top of a commit, and directly in these folders of it."""
        places = ["", *(f"{path}/" for path in paths)]
        found: dict[str, TreeEntry] = {}
        for place in places:
            args = ("ls-tree", "-z", "-l", "--full-tree", commit, *(("--", place) if place else ()))
            for row in self._git(*args).decode(errors="surrogateescape").split("\0"):
                entry, _, path = row.partition("\t")
                if entry:
                    mode, _, blob, size = entry.split()
                    found[path] = TreeEntry(path, mode, blob, int(size) if size != "-" else 0)
        return list(found.values())

    def contents(self, blobs: Sequence[str]) -> list[bytes]:
        """Return the contents of files, in order; the caller has limited their sizes."""
        said = self._git("cat-file", "--batch", stdin="".join(f"{one}\n" for one in blobs).encode())
        return list(_contents(said, len(blobs)))

    def _git(self, *args: str, stdin: bytes = b"") -> bytes:
        return self._run(*args, stdin=stdin).raw

    def _run(self, *args: str, ok: Sequence[int] = (0,), stdin: bytes = b"") -> Completed:
        places = {name: os.environ[name] for name in _QUARANTINE if name in os.environ}
        env = {**ENVIRONMENT, **places, "GIT_DIR": str(self.repository)}
        return self.runner("git", *args, env=env, ok=ok, stdin=stdin, timeout=_SECONDS)


def _contents(said: bytes, count: int) -> Iterable[bytes]:
    at = 0
    for _ in range(count):
        end = said.index(b"\n", at)
        size = int(said[at:end].split()[2])
        yield said[end + 1 : end + 1 + size]
        at = end + 2 + size
