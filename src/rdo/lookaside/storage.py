"""The files of a lookaside server on its disk.

An upload is written into `.incoming`. Once complete, it is put into its place, under its own hash,
by one hard link: readers see a complete file or none, and no upload replaces a file.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from rdo.atomic import sync
from rdo.errors import NoSpaceError, NotFoundError, RefusedError
from rdo.lookaside.hashes import HashType
from rdo.lookaside.layout import Layout, check_package, read_path
from rdo.lookaside.sources_file import SourceEntry

INCOMING = ".incoming"
MOST_BYTES = 8 << 30
_ABANDONED_SECONDS = 24 * 3600

ACCEPTED: Mapping[Layout, Collection[HashType]] = {
    Layout.FEDORA: (HashType.SHA512,),
    Layout.CENTOS: (HashType.SHA512, HashType.SHA256, HashType.SHA1),
}
"""The kinds of hashes that uploads may have; files with md5 are only served."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the cache: its path below the folder, its package, and its size in bytes."""

    path: str
    package: str
    entry: SourceEntry
    size: int
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Storage:
    """The folder of a lookaside server, and the limits on uploads.

    `file_bytes` limits the size of one file, `package_bytes` that of all files of a package; 0
    means unlimited.
    """

    folder: Path
    layout: Layout = Layout.FEDORA
    file_bytes: int = MOST_BYTES
    package_bytes: int = 0

    def has(self, package: str, entry: SourceEntry, branch: str = "") -> bool:
        """Whether the cache has a file."""
        return (self.folder / self.layout.path(package, entry, branch)).is_file()

    def find(self, path: str) -> Path:
        """Return the file at a path of the layout; raises NotFoundError if there is none."""
        read_path(self.layout, path)
        place = self.folder / path
        if not place.is_file():
            raise NotFoundError("there is no such file in this cache")
        return place

    def upload(self) -> "Upload":
        """Begin an upload; use it as a context manager."""
        return Upload(self)

    def files(self) -> Iterator[StoredFile]:
        """Yield all files of the cache; skip those that do not fit its layout."""
        for place, path in self._paths():
            with contextlib.suppress(NotFoundError):
                entry = read_path(self.layout, path)
                status = place.stat()
                package = "/".join(path.split("/")[: -4 if self.layout is Layout.FEDORA else -2])
                yield StoredFile(
                    path, package, entry, status.st_size, time.time() - status.st_ctime
                )

    def strays(self) -> Iterator[str]:
        """Yield the paths of files that do not fit the cache's layout."""
        for _, path in self._paths():
            try:
                read_path(self.layout, path)
            except NotFoundError:
                yield path

    def is_whole(self, file: StoredFile) -> bool:
        """Whether the content of a file has the hash in its path."""
        return file.entry.hash_type.of(self.folder / file.path) == file.entry.digest

    def remove(self, file: StoredFile) -> None:
        """Remove a file, and folders that become empty."""
        place = self.folder / file.path
        place.unlink(missing_ok=True)
        for folder in place.parents:
            if folder == self.folder:
                return
            try:
                folder.rmdir()
            except OSError:  # it contains other files
                return

    def remove_abandoned(self) -> None:
        """Remove uploads that a killed server left at least a day ago."""
        for left in (self.folder / INCOMING).glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                    left.unlink()

    def size_of(self, package: str) -> int:
        """Return the total size of a package's files in bytes."""
        top = self.folder / check_package(package)
        return sum(
            (Path(folder) / name).stat().st_size
            for folder, _, names in os.walk(top)
            for name in names
        )

    def _paths(self) -> Iterator[tuple[Path, str]]:
        for folder, folders, names in os.walk(self.folder):
            if Path(folder) == self.folder and INCOMING in folders:
                folders.remove(INCOMING)
            folders.sort()
            for name in sorted(names):
                place = Path(folder) / name
                if not place.is_symlink():
                    yield place, str(place.relative_to(self.folder))


@dataclass(slots=True)
class Upload:
    """A file on its way into the cache; removed at the end of the context unless it was kept."""

    storage: Storage
    size: int = 0
    _place: Path = field(init=False)
    _file: IO[bytes] = field(init=False)
    _hashes: Mapping[HashType, "hashlib._Hash"] = field(init=False)

    def __enter__(self) -> Self:
        folder = self.storage.folder / INCOMING
        with _no_space():
            folder.mkdir(parents=True, exist_ok=True)
            self._place = folder / secrets.token_hex(16)
            self._file = self._place.open("xb")
        accepted = ACCEPTED[self.storage.layout]
        self._hashes = {kind: hashlib.new(kind, usedforsecurity=False) for kind in accepted}
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):  # the disk is full; the failed write has reported it
            self._file.close()
        self._place.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Add bytes; raises RefusedError above the limit for a file, NoSpaceError."""
        self.size += len(chunk)
        if self.size > self.storage.file_bytes:
            raise RefusedError(f"the file is larger than {self.storage.file_bytes} bytes")
        with _no_space():
            self._file.write(chunk)
        for one in self._hashes.values():
            one.update(chunk)

    def keep(
        self, package: str, entry: SourceEntry, branch: str = "", changed: float | None = None
    ) -> bool:
        """Move the file to its place; return False if the cache had it already.

        `changed` is the modification time that clients see, in seconds since 1970. Raises
        RefusedError if its content has another hash, or if its package has reached its limit.
        """
        place = self.storage.folder / self.storage.layout.path(package, entry, branch)
        if entry.hash_type not in self._hashes:
            accepted = ", ".join(self._hashes)
            raise RefusedError(f"{entry.hash_type} is not accepted; use {accepted}")
        found = self._hashes[entry.hash_type].hexdigest()
        if found != entry.digest:
            raise RefusedError(
                f"{entry.name} has the {entry.hash_type} {found}, not the announced {entry.digest}"
            )
        if place.is_file():
            return False
        self._check_quota(package)
        with _no_space():
            self._file.flush()
            os.fsync(self._file.fileno())
            if changed is not None:
                os.utime(self._place, (changed, changed))
            self._place.chmod(0o644)
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(self._place, place)
            except FileExistsError:  # another upload of the same content was faster
                return False
            sync(place.parent)
        return True

    def _check_quota(self, package: str) -> None:
        most = self.storage.package_bytes
        if most and self.storage.size_of(package) + self.size > most:
            raise RefusedError(
                f"{package} may have {most} bytes in this cache, and {self.size} more are too many",
                hint="ask its operator for room",
            )


@contextlib.contextmanager
def _no_space() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoSpaceError("the disk of this cache is full") from error
        raise
