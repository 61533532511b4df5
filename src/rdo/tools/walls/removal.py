"""Remove a folder that a build, or an installation, has written into."""

import os
import tempfile
from pathlib import Path

from rdo.errors import CommandError
from rdo.run import run
from rdo.tools.children.remove_tree import remove_tree as remove_in
from rdo.tools.walls.entry import Entry
from rdo.tools.walls.id_range import id_range

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def remove_tree(folder: Path) -> None:
    """Remove a folder with untrusted content; nothing happens if it does not exist.

    No link in it is followed, its depth does not matter, and files of subordinate ids are removed
    too. Raises OSError or CommandError if something cannot be removed.
    """
    if not folder.is_symlink() and not folder.exists():
        return
    try:
        _remove_here(folder)
    except PermissionError:
        if os.geteuid() == 0:
            raise
        _remove_as_root_inside(folder)


def _remove_here(folder: Path) -> None:
    parent = os.open(folder.parent, _FOLDER)
    try:
        remove_in(parent, folder.name)
    finally:
        os.close(parent)


def _remove_as_root_inside(folder: Path) -> None:
    """Remove it as root of a user namespace, who owns files of subordinate ids."""
    with tempfile.TemporaryDirectory(prefix="rdo-remove-") as work:
        entry = Entry(ids=id_range(), work=Path(work), uid=0)
        done = run(*entry.removing(folder.resolve()), timeout=3600, ok=range(256))
    if done.returncode:
        raise CommandError(f"{folder} cannot be removed: {done.stderr.strip()}")
