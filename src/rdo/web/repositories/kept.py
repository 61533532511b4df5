"""Repodata on disk that was made on request: a cache, which may be removed at any time."""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rdo import atomic
from rdo.model.artifact import Fragment
from rdo.publish import pool
from rdo.publish.good import GoodBuild
from rdo.repodata import Composer, RepositoryEntry
from rdo.store import Store

MOST_BYTES = 1_000_000_000
LISTING = "builds.txt"
"""The file in a cached folder that lists the builds."""
_SIGNED_BY = "signed-by.txt"
"""The keys that signed the RPMs, one per line; an empty line means RPMs without a signature."""
_KEY = re.compile(r"[0-9a-f]{64}")
_LEFT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class KeptRepodata:
    """A folder of repodata; several processes may use it.

    Each set of builds has a folder, named by its RPMs, which exists completely or not at all. The
    same set always gets the same bytes, so it may be removed while a client reads it, and made
    again.
    """

    folder: Path

    def keep(self, store: Store, builds: Collection[GoodBuild]) -> str:
        """Return the key of the repodata of these builds; it is made if it does not exist.

        RPMs for debuggers are left out, as in any main repository of a tree.
        """
        ordered = sorted(builds, key=lambda one: one.commit.package)
        entries = [
            RepositoryEntry(stored.id, stored.package, pool.href(stored.artifact))
            for one in ordered
            for stored in one.artifacts
            if not stored.artifact.is_debug
        ]
        signed_by = {stored.artifact.signed_by for one in ordered for stored in one.artifacts}
        key = _key(entries)
        if not self.has(key):
            with atomic.new_directory(self.folder / key) as new:
                _write(new, store, ordered, entries, signed_by)
            self._trim(but=key)
        return key

    def has(self, key: str) -> bool:
        """Whether the repodata of a set exists."""
        return (self.folder / key).is_dir()

    def signed_by(self, key: str) -> frozenset[str]:
        """Return the keys that signed the RPMs of a set; an empty one if some are not signed."""
        with contextlib.suppress(FileNotFoundError):  # made by an older rdo, or removed meanwhile
            return frozenset((self.folder / key / _SIGNED_BY).read_text().splitlines())
        return frozenset({""})

    def open(self, key: str, name: str) -> IO[bytes] | None:
        """Open a file of a set; None if there is none with this name, or no longer one.

        The name is compared with the existing ones; no path is built from it.
        """
        folder = self.folder / key
        with contextlib.suppress(FileNotFoundError):  # another process needed the space
            os.utime(folder)
            found = {one.name: one for one in (*folder.glob("repodata/*"), folder / LISTING)}
            return found[name].open("rb") if name in found else None
        return None

    def _trim(self, but: str) -> None:
        """Remove the least recently used sets until the rest is small enough."""
        entries = sorted(_entries(self.folder), key=lambda one: one[1], reverse=True)
        size = 0
        for path, used in entries:
            if path.name.startswith("."):  # left by a killed process, or in use
                if used < time.time() - _LEFT_SECONDS:
                    shutil.rmtree(path, ignore_errors=True)
            elif _KEY.fullmatch(path.name):
                size += _size(path)
                if size > MOST_BYTES and path.name != but:
                    _remove(path)


def _key(entries: Sequence[RepositoryEntry]) -> str:
    """Return the name of a set: a build whose RPMs were signed meanwhile makes another set."""
    text = "\n".join(f"{one.key} {one.package} {one.href}" for one in entries)
    return hashlib.sha256(text.encode()).hexdigest()


def _write(
    folder: Path,
    store: Store,
    builds: Sequence[GoodBuild],
    entries: Sequence[RepositoryEntry],
    signed_by: Collection[str],
) -> None:
    def fetch(keys: Collection[int]) -> Mapping[int, Fragment]:
        with store.read() as at:
            return at.artifacts.fragments(keys)

    newest = max((int(one.release_date.timestamp()) for one in builds), default=0)
    Composer(fetch).write(folder, [], entries, revision=newest)
    lines = (f"{one.id} {one.commit.package} {one.nvr}\n" for one in builds)
    (folder / LISTING).write_text("".join(lines))
    (folder / _SIGNED_BY).write_text("".join(f"{one}\n" for one in sorted(signed_by)))
    written = folder / "repodata"
    atomic.sync(*written.iterdir(), written, folder / LISTING, folder / _SIGNED_BY, folder)


def _entries(folder: Path) -> Iterator[tuple[Path, float]]:
    """Yield the entries of the folder, with the times they were last used."""
    with os.scandir(folder) as found:
        for one in found:
            with contextlib.suppress(FileNotFoundError):  # another process removes entries too
                yield Path(one.path), one.stat(follow_symlinks=False).st_mtime


def _size(folder: Path) -> int:
    size = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            size += file.lstat().st_size
    return size


def _remove(path: Path) -> None:
    """Remove a folder; nobody ever sees a half-removed one."""
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    with contextlib.suppress(FileNotFoundError):
        path.replace(aside)
    shutil.rmtree(aside, ignore_errors=True)
