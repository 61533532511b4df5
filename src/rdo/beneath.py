"""Open files in a folder that an untrusted program has written, so that no path leads out of it.

The kernel resolves every name below the folder's descriptor (openat2(2), Linux 5.6): no symbolic
link is followed, no `..` and no mount leads elsewhere, a FIFO or a device is not waited for, and
only regular files of a limited size are read.
"""

import contextlib
import ctypes
import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rdo.errors import RefusedError

_OPENAT2 = 437  # the same number on all architectures
# linux/openat2.h
_NO_XDEV, _NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x01, 0x02, 0x04, 0x08
_RESOLVE = _NO_XDEV | _NO_MAGICLINKS | _NO_SYMLINKS | _BENEATH
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_libc = ctypes.CDLL(None, use_errno=True)


class _How(ctypes.Structure):
    """struct open_how."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def real_path(path: Path) -> Path:
    """Return a path with its links followed; if links form a loop, the path where the loop begins.

    `Path.resolve` raises RuntimeError for these, before Python 3.13.
    """
    return Path(os.path.realpath(path))


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is taken: number of files, bytes of one and of all, levels of folders."""

    files: int = 10_000
    file_bytes: int = 4_000_000_000
    total_bytes: int = 20_000_000_000
    depth: int = 8


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Beneath:
    """An open folder; names are relative to it. Use `open_beneath`."""

    descriptor: int

    def read(self, name: str, *, limit: int) -> bytes:
        """Return the content of a regular file.

        Raises FileNotFoundError if it does not exist, RefusedError if it is not a regular file or
        has more than `limit` bytes.
        """
        with self.open(name, limit=limit) as file:
            content = file.read(limit + 1)
        if len(content) > limit:  # it has grown
            raise _too_large(name, limit)
        return content

    @contextlib.contextmanager
    def open(self, name: str, *, limit: int) -> Iterator[IO[bytes]]:
        """Open a regular file; raises FileNotFoundError or RefusedError, as `read` does."""
        with _refusal(name):
            descriptor = _open(self.descriptor, name, _READ)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise RefusedError(f"{name} in a root is not a regular file")
        with os.fdopen(descriptor, "rb") as file:
            if found.st_size > limit:
                raise _too_large(name, limit)
            yield file

    def files(self, folder: str, names: re.Pattern[str], limits: Limits) -> list[str]:
        """Return the regular files in a folder whose names match, in order.

        Anything that is neither a regular file nor a folder is skipped, and so is anything deeper
        than the limits allow. A missing folder counts as empty. Raises RefusedError if there is too
        much.
        """
        found: list[str] = []
        seen = 0
        todo = [(folder, 0)]
        while todo:
            place, depth = todo.pop()
            for name, mode in self._list(place):
                seen += 1
                if seen > limits.files:
                    raise RefusedError(f"{folder} in a root has more than {limits.files} files")
                if stat.S_ISDIR(mode) and depth < limits.depth:
                    todo.append((f"{place}/{name}", depth + 1))
                elif stat.S_ISREG(mode) and names.fullmatch(name):
                    found.append(f"{place}/{name}")
        return sorted(found)

    def links(self, folder: str) -> list[tuple[str, str]]:
        """Return the symbolic links directly in a folder, by name, each with its target."""
        with _refusal(folder):
            descriptor = _open(self.descriptor, folder, _FOLDER)
        try:
            names = sorted(name for name, mode in self._list(folder) if stat.S_ISLNK(mode))
            return [(name, os.readlink(name, dir_fd=descriptor)) for name in names]
        finally:
            os.close(descriptor)

    def link(self, name: str, place: Path, *, limit: int) -> bool:
        """Hard-link a regular file to `place`, which must be free; return whether it was copied.

        It is copied if a link is not possible: on another file system, or if the file belongs to
        another user. Raises FileNotFoundError if it does not exist, RefusedError if it is not a
        regular file or has more than `limit` bytes.
        """
        with self.open(name, limit=limit) as file:
            try:
                # link the open file, whatever its name means by now; Python follows the link in
                # /proc only if it gets a descriptor
                opened = f"/proc/self/fd/{file.fileno()}"
                os.link(opened, place, src_dir_fd=self.descriptor, follow_symlinks=True)
            except OSError as error:
                if error.errno not in {errno.EXDEV, errno.EMLINK, errno.EPERM, errno.ENOENT}:
                    raise
                with _new_file(place, name) as copy:
                    shutil.copyfileobj(file, _Bounded(copy, name, limit), 1 << 20)
                return True
        return False

    def copy(self, name: str, place: Path, *, limit: int, is_source: bool = False) -> None:
        """Copy a regular file to `place`, which must be free.

        The copy of a source stays executable, because a spec may run it, or install it with its
        mode. Raises FileNotFoundError or RefusedError, as `read` does, and RefusedError if `place`
        is not free.
        """
        with self.open(name, limit=limit) as source, _new_file(place, name) as copy:
            shutil.copyfileobj(source, _Bounded(copy, name, limit), 1 << 20)
            is_program = is_source and os.fstat(source.fileno()).st_mode & stat.S_IXUSR
        if is_program:
            place.chmod(0o755)

    def entries(self, folder: str) -> list[tuple[str, int]]:
        """Return the entries of a folder with their modes, by name; nothing if it does not exist.

        Raises RefusedError for a path that leads out, or through a link.
        """
        return self._list(folder)

    def _list(self, folder: str) -> list[tuple[str, int]]:
        try:
            with _refusal(folder):
                descriptor = _open(self.descriptor, folder, _FOLDER)
        except FileNotFoundError:
            return []
        try:
            with os.scandir(descriptor) as entries:
                return [(one.name, one.stat(follow_symlinks=False).st_mode) for one in entries]
        finally:
            os.close(descriptor)

    def take(
        self,
        folder: str,
        names: re.Pattern[str],
        place: Path,
        limits: Limits = DEFAULT_LIMITS,
        *,
        are_sources: bool = False,
    ) -> list[Path]:
        """Copy the regular files in a folder whose names match into the folder `place`.

        The copies are new files of ours, as `copy` makes them. Raises RefusedError if the limits
        are exceeded or two files have the same name; nothing in `place` is replaced.
        """
        place.mkdir(parents=True, exist_ok=True)
        taken: list[Path] = []
        total = 0
        for name in self.files(folder, names, limits):
            target = place / name.rpartition("/")[2]
            room = min(limits.file_bytes, limits.total_bytes - total)
            self.copy(name, target, limit=room, is_source=are_sources)
            total += target.stat().st_size
            taken.append(target)
        return taken


class _Bounded:
    """A file that reads at most so many bytes, even if it grows meanwhile."""

    def __init__(self, file: IO[bytes], name: str, limit: int) -> None:
        self._file, self._name, self._limit, self._left = file, name, limit, limit

    def write(self, chunk: bytes) -> int:
        self._left -= len(chunk)
        if self._left < 0:
            raise _too_large(self._name, self._limit)
        return self._file.write(chunk)


@contextlib.contextmanager
def open_beneath(folder: Path) -> Iterator[Beneath]:
    """Open a folder with untrusted content; its own path must be ours."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Beneath(descriptor)
    finally:
        os.close(descriptor)


def _open(folder: int, name: str, flags: int) -> int:
    how = _How(flags, 0, _RESOLVE)
    size = ctypes.sizeof(how)
    path = os.fsencode(name.lstrip("/") or ".")
    descriptor = int(_libc.syscall(_OPENAT2, folder, path, ctypes.byref(how), size))
    if descriptor < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), name)
    return descriptor


@contextlib.contextmanager
def _refusal(name: str) -> Iterator[None]:
    """Raise RefusedError for a link, a socket, a path out of the folder or an unreadable file."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EXDEV, errno.ENXIO, errno.ENOTDIR, errno.EACCES}:
            raise RefusedError(
                f"{name} in a root is not a plain file or folder ({error.strerror})"
            ) from error
        raise


@contextlib.contextmanager
def _new_file(target: Path, name: str) -> Iterator[IO[bytes]]:
    try:
        with target.open("xb") as file:
            yield file
    except FileExistsError:
        raise RefusedError(f"{name} in a root has the name of another file") from None
    target.chmod(0o644)


def _too_large(name: str, limit: int) -> RefusedError:
    return RefusedError(f"{name} in a root has more than {limit} bytes")
