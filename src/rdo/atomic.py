"""Changes that a reader sees either not at all or whole."""

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
    """Make `link` lead to `target`, relative; no reader ever meets a missing link."""
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(os.path.relpath(target, link.parent))
    new.replace(link)


def write_file(path: Path, content: bytes | str) -> None:
    """Replace the whole file `path`; a reader sees the old content or the new."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content.encode() if isinstance(content, str) else content)
    new.replace(path)


def place_directory(new: Path, target: Path) -> None:
    """Put the directory `new` at `target` by one rename.

    A directory that was at `target` is at `new` afterwards; a reader meets one or the other.
    """
    if target.exists():
        _exchange(new, target)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        new.rename(target)


@contextlib.contextmanager
def new_directory(target: Path) -> Iterator[Path]:
    """A directory to fill, which is `target` at the end of the block, whole, or nothing.

    Several processes may make the same one: the first stays, and the others' work goes. What a
    killed one left goes with the next that is made a day later.
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
    """Bring files, or the entries of directories, to the disk before going on."""
    for path in paths:
        with contextlib.ExitStack() as stack:
            descriptor = os.open(path, os.O_RDONLY)  # `open` takes no directory
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
    # A file system that cannot exchange (NFS): two renames, with a moment in between.
    aside = other.with_name(f".{other.name}.old")
    other.rename(aside)
    one.rename(other)
    aside.rename(one)


def link_or_copy(source: Path, place: Path) -> None:
    """The same file at `place`: a hard link, or a copy on another file system."""
    try:
        os.link(source, place)
    except OSError:
        shutil.copy2(source, place)
