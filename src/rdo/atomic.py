"""Changes that a reader sees either completely or not at all."""

import contextlib
import ctypes
import errno
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
_ABANDONED_SECONDS = 24 * 3600


def point_link(link: Path, target: Path) -> None:
    """Make `link` point to `target` by a relative path; no reader ever finds the link missing."""
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(os.path.relpath(target, link.parent))
    new.replace(link)


def write_file(
    path: Path, content: bytes | str, *, is_private: bool = False, is_synced: bool = False
) -> None:
    """Replace the whole file `path`; a reader sees either the old content or the new.

    Only its owner can read a private file, from the moment it exists. A synced file is on disk
    before the older one is removed.
    """
    new = path.with_name(f".{path.name}.new")
    if is_private:
        new.unlink(missing_ok=True)
        new.touch(mode=0o600, exist_ok=False)
    with new.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        if is_synced:
            file.flush()
            os.fsync(file.fileno())
    new.replace(path)


def place_directory(new: Path, target: Path) -> None:
    """Move the directory `new` to `target` by one rename.

    A directory that was at `target` is at `new` afterwards; a reader sees one or the other.
    """
    if target.exists():
        _exchange(new, target)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        new.rename(target)


@contextlib.contextmanager
def new_directory(target: Path) -> Iterator[Path]:
    """Yield a directory to fill.

    At the end of the block it becomes `target`, complete or not at all.

    Several processes may make the same directory: the first one stays, and the others' work is
    removed. Leftovers of a killed process are removed a day later, when the next directory is made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{glob.escape(target.name)}.*"):
        if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield new
        new.chmod(0o755)
        try:
            new.rename(target)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)


def sync(*paths: Path) -> None:
    """Flush files, or the entries of directories, to the disk."""
    for path in paths:
        with contextlib.ExitStack() as stack:
            descriptor = os.open(path, os.O_RDONLY)  # `open` does not open directories
            stack.callback(os.close, descriptor)
            os.fsync(descriptor)


def _exchange(one: Path, other: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    names = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    if libc.renameat2(*names, _RENAME_EXCHANGE) == 0:
        return
    code = ctypes.get_errno()
    if code not in {errno.ENOSYS, errno.EINVAL}:
        raise OSError(code, os.strerror(code), str(one), None, str(other))
    # The file system cannot exchange names (NFS): use two renames, with a gap between them.
    aside = other.with_name(f".{other.name}.old")
    other.rename(aside)
    one.rename(other)
    aside.rename(one)


def link_or_copy(source: Path, place: Path) -> None:
    """Put the same file at `place`: a hard link, or a copy on another file system."""
    try:
        os.link(source, place)
    except OSError:
        shutil.copy2(source, place)
