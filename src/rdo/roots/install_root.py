"""A fresh root to install into: the base layer as a folder of its own, with repositories set.

`dnf --installroot=DIR install PACKAGE` works on it as it is.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from rdo.errors import RefusedError
from rdo.roots.platforms import Base
from rdo.tools.copy import Copy

_DNF_CONFIGURATION = """\
[main]
gpgcheck=0
plugins=0
install_weak_deps=0
cachedir=/var/cache/dnf
"""
# gpgcheck is each repository's own matter; plugins of the host's dnf know nothing of this root.


def create_install_root(base: Base, folder: Path, repo_files: Mapping[str, str]) -> None:
    """Make `folder`, which must not exist or be empty; `repo_files` are file name -> content."""
    if folder.exists() and any(folder.iterdir()):
        raise RefusedError(f"{folder} is not empty", hint="name a new folder")
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.parent.mkdir(parents=True, exist_ok=True)
    Copy().tree(base.tree, new)
    # A host's rpm with another idea of the database's place (Debian's: ~/.rpmdb) finds it too.
    (new / "root/.rpmdb").symlink_to("../var/lib/rpm")
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
