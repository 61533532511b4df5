"""Remove a folder with untrusted content (standard library only).

Called by `tools/walls/removal.py` and, as root of a user namespace, by `enter_root.py`. It works on
descriptors: it follows no link, opens no file, and needs neither recursion nor long paths, however
deep the folder is, because folders two levels down are moved up before they are read.
"""

import os
import stat
from contextlib import suppress
from itertools import count

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(parent: int, name: str) -> None:
    """Remove `name` in the open folder `parent`; nothing happens if it does not exist.

    Raises OSError if something in it cannot be removed.
    """
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        os.unlink(name, dir_fd=parent)
        return
    top = _open(parent, name)
    try:
        _empty(top)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=parent)


def _empty(top: int) -> None:
    """Remove everything in a folder, moving up its nested folders one after another."""
    numbers = count()
    while names := os.listdir(top):
        for name in names:
            if _is_folder(top, name):
                _empty_into(top, name, numbers)
                os.rmdir(name, dir_fd=top)
            else:
                os.unlink(name, dir_fd=top)


def _empty_into(top: int, name: str, numbers: "count[int]") -> None:
    folder = _open(top, name)
    try:
        for inner in os.listdir(folder):  # noqa: PTH208 - likewise
            if _is_folder(folder, inner):
                with suppress(OSError):  # if it fails, the rename reports why it cannot be moved
                    os.close(_open(folder, inner))  # makes it writable for us
                os.rename(inner, _unused(top, numbers), src_dir_fd=folder, dst_dir_fd=top)
            else:
                os.unlink(inner, dir_fd=folder)
    finally:
        os.close(folder)


def _unused(top: int, numbers: "count[int]") -> str:
    for number in numbers:
        name = f".removed-{number}"
        try:
            os.stat(name, dir_fd=top, follow_symlinks=False)
        except FileNotFoundError:
            return name
    raise AssertionError("numbers never end")


def _is_folder(parent: int, name: str) -> bool:
    mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    return stat.S_ISDIR(mode)


def _open(parent: int, name: str) -> int:
    """Open a folder for changes, whatever permissions its maker has left on it."""
    with suppress(PermissionError):
        return os.open(name, _FOLDER, dir_fd=parent)
    os.chmod(name, 0o700, dir_fd=parent)
    return os.open(name, _FOLDER, dir_fd=parent)
