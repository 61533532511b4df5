"""A fresh root to install packages into: a copy of the base layer with repositories configured.

`dnf --installroot=DIR install PACKAGE` works on it without further options.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from rdo.errors import RefusedError
from rdo.roots.platform.platforms import BaseLayer
from rdo.tools.copy import Copy
from rdo.tools.walls.removal import remove_tree

_DATABASES = ("usr/lib/sysimage/rpm", "var/lib/rpm")
"""Paths where distributions keep the RPM database, newer ones first."""

_DNF_CONFIGURATION = """\
[main]
gpgcheck=0
plugins=0
install_weak_deps=0
cachedir=/var/cache/dnf
"""
# Each repository sets its own gpgcheck; plugins of the host's dnf do not know this root.


def check_new(folder: Path) -> None:
    """Raise RefusedError if something exists where a root is to be made."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists():
        raise RefusedError(f"{folder} is not an empty folder", hint="choose a new folder")


def create_install_root(base: BaseLayer, folder: Path, repo_files: Mapping[str, str]) -> None:
    """Make a root in `folder`; `repo_files` maps the names of .repo files to their content.

    Raises RefusedError if the folder exists and is not empty.
    """
    check_new(folder)
    new = folder.with_name(f".{folder.name}.new")
    remove_tree(new)
    new.parent.mkdir(parents=True, exist_ok=True)
    # A base that root has made has devices in /dev; only root can copy them.
    Copy().tree(base.tree, new, without=() if os.geteuid() == 0 else ("dev",))
    (new / "dev").mkdir(exist_ok=True)
    _link_database(new)
    (new / "etc/dnf/vars").mkdir(parents=True, exist_ok=True)
    (new / "etc/dnf/dnf.conf").write_text(_DNF_CONFIGURATION)
    (new / "etc/dnf/vars/releasever").write_text(f"{base.platform.releasever}\n")
    repositories = new / "etc/yum.repos.d"
    repositories.mkdir(exist_ok=True)
    for name, content in repo_files.items():
        (repositories / name).write_text(content)
    if folder.exists():
        folder.rmdir()
    new.rename(folder)


def _link_database(root: Path) -> None:
    """Link the RPM database to where the host's rpm looks for it.

    Debian's rpm keeps it in the caller's ~/.rpmdb, and dnf then looks for that path in the root.
    """
    places = [root / name for name in _DATABASES if (root / name / "rpmdb.sqlite").exists()]
    database = places[0] if places else root / _DATABASES[-1]
    for home in {Path("/root"), Path.home()}:
        link = root / home.relative_to("/") / ".rpmdb"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(database, link.parent))
