"""The base layer of a Debian platform: a small Debian tree with an RPM database of its packages.

debootstrap makes the tree; `_adapt` gives Python and rpm the layout that RPM packages expect;
`_wrap` builds one RPM header per Debian package (`dpkg.py`) and records them in an RPM database.
A Python that the base does not have is compiled first (`interpreter.py`).
"""

import logging
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from rdo import atomic
from rdo.model.platform import Platform
from rdo.roots.build_user import add_build_user
from rdo.roots.debian import debian_rpms, dpkg, interpreter
from rdo.roots.debian.dpkg import DebianPackage
from rdo.roots.door import Door, Inside
from rdo.roots.inside.installing.file_list import file_list_line
from rdo.roots.platform import macro_layer
from rdo.tools.packaging.debootstrap import Debootstrap
from rdo.tools.rpm.unpacking import Rpm
from rdo.tools.walls.entry import Bind
from rdo.tools.walls.removal import remove_tree
from rdo.tools.walls.root import Root

log = logging.getLogger(__name__)

VERSION = 7
"""Increase this when a change here makes a different base layer from the same definition."""

FILESYSTEM = "debian-filesystem"
"""The RPM that owns the folders, and the files that no Debian package owns."""

_REMOVED = ("var/cache/apt", "var/lib/apt/lists", *dpkg.DOCUMENTS)
_ALIASES = {
    "bin/gpg2": "gpg",
    "bin/gpgv2": "gpgv",
    "libexec/platform-python": "../bin/python3",
}
"""Programs in /usr that RPM packages call and require under the name that EL uses."""

_GROUPS = {"wheel": 11, "lock": 54, "nobody": 65534}
"""Groups that EL's scriptlets rely on; the last is Debian's nogroup under another name."""

_UNOWNED = ("/dev", "/proc", "/sys", "/run", "/tmp", "/var/cache", "/var/log", "/var/lib/rpm")
_DATABASE = ("--define", "_dbpath /var/lib/rpm", "--define", "_db_backend sqlite")
"""rpm's database path, and the database format that this machine's dnf can write as well."""

_RECORD = f"""
find /wrap/rpms -name '*.rpm' |
xargs rpm -i --justdb --nodeps --nosignature {shlex.join(_DATABASE)}
"""


def create(platform: Platform, folder: Path, cache: Path) -> None:
    """Make `folder/tree`, and the header-only RPMs of its packages in `folder/rpms`."""
    tree = folder / "tree"
    log.info("debootstrap %s with %d packages", platform.suite, len(platform.packages))
    Debootstrap(cache, platform.mirror).create(
        tree, suite=platform.suite, packages=platform.packages, log_file=folder / "create.log"
    )
    _adapt(tree, platform)
    packages = dpkg.installed(tree)
    own: list[Path] = []
    if origin := platform.interpreter:
        compiled = folder / "python.log"
        own.append(interpreter.interpreter_rpm(platform, origin, tree, cache, compiled))
    log.info("recording %d Debian packages in the RPM database", len(packages))
    _wrap(tree, packages, own, platform, folder)


def _adapt(tree: Path, platform: Platform) -> None:
    for name in _REMOVED:
        path = tree / name
        remove_tree(path)
    remove_tree(tree / f"usr/lib/python{platform.base_python}/EXTERNALLY-MANAGED")
    _adapt_python(tree, platform.base_python)
    add_build_user(tree)
    with (tree / "etc/group").open("a") as group:
        group.writelines(f"{name}:x:{number}:\n" for name, number in _GROUPS.items())
    (tree / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    for name in ("hostname", "resolv.conf"):  # debootstrap copies those of this machine
        (tree / "etc" / name).unlink(missing_ok=True)
    (tree / "etc/ld.so.conf.d/rpm-libdir.conf").write_text("/usr/lib64\n")
    (tree / "etc/ld.so.cache").unlink(missing_ok=True)  # made again later
    # With dash, rpm's own brp-compress and many specs, which expect bash, would fail.
    atomic.point_link(tree / "usr/bin/sh", tree / "usr/bin/bash")
    for alias, program in _ALIASES.items():
        if not (tree / "usr" / alias).exists():
            (tree / "usr" / alias).symlink_to(program)


def _adapt_python(tree: Path, version: str) -> None:
    """Make site-packages the only module folder, although Debian's Python never searches it.

    `site` is frozen into the interpreter and searches dist-packages, so dist-packages becomes a
    link to site-packages; sysconfig is changed to install where upstream Python installs.
    """
    library = tree / f"usr/lib/python{version}"
    modules = library / "site-packages"
    modules.mkdir(exist_ok=True)
    debian_modules = tree / "usr/lib/python3/dist-packages"
    remove_tree(debian_modules)
    debian_modules.symlink_to(f"../python{version}/site-packages")
    places = (library / "sysconfig.py", library / "sysconfig/__init__.py")
    sysconfig = next(place for place in places if place.exists())
    text = sysconfig.read_text()
    sysconfig.write_text(
        text.replace("prefix_scheme = 'posix_local'", "prefix_scheme = 'posix_prefix'")
    )
    (library / "_distutils_system_mod.py").unlink(missing_ok=True)
    for stale in (sysconfig.parent / "__pycache__").glob(f"{sysconfig.stem}.*.pyc"):
        stale.unlink()
    link = tree / "usr/bin/python"
    if not link.is_symlink():
        link.symlink_to("python3")


def _wrap(
    tree: Path, packages: list[DebianPackage], own: list[Path], platform: Platform, folder: Path
) -> None:
    """Record the Debian packages and our own RPMs in the RPM database, and unpack the latter."""
    wrap = folder / "wrap"
    (wrap / "lists").mkdir(parents=True)
    root = Root(
        (tree,),
        folder / "work",
        (Bind(tree, debian_rpms.BUILDROOT), Bind(wrap, "/wrap", writable=True)),
    )
    door = Door(folder / "work/upper")
    root.ask("ldconfig", privileged=True)
    door.take_files([Inside("/etc/ld.so.cache")], tree / "etc")
    owned = {file for package in packages for file in package.files}
    debian_rpms.write_list(wrap, FILESYSTEM, _unowned_files(tree, owned))
    debian_rpms.build(root, wrap, packages, platform, tree, head=_filesystem(platform))
    for rpm in own:
        atomic.link_or_copy(rpm, wrap / "rpms" / rpm.name)
    root.ask("sh", "-c", _RECORD, privileged=True)
    names = [one.name for one in Rpm().names(own)]
    if own:  # the base must have what they require
        root.ask("rpm", "-V", "--nofiles", *_DATABASE, *names, privileged=True)
        Rpm().unpack_together(own, tree)
    door.take(Inside("/var/lib/rpm"), tree / "var/lib/rpm")
    (wrap / "rpms").rename(folder / "rpms")
    remove_tree(wrap)
    remove_tree(folder / "work")


def _filesystem(platform: Platform) -> Iterator[str]:
    yield f"Name: {FILESYSTEM}\nVersion: {platform.releasever}\nRelease: 1{platform.dist}"
    yield f"Summary: Folders and configuration of the {platform.name} base\nLicense: various"
    yield "AutoReqProv: no"
    yield f"Provides: system-release = {platform.releasever}"
    yield f"Provides: system-release(releasever) = {platform.releasever}"
    yield f"Provides: redhat-release = {platform.releasever}\nProvides: filesystem = 3"
    yield from (f"Provides: {name} = 1" for name in macro_layer.PROVIDES)
    yield "%description\nWhat no single Debian package of the base owns."
    yield f"%files -f /wrap/lists/{FILESYSTEM}"


def _unowned_files(tree: Path, owned: set[str]) -> Iterator[str]:
    """Yield the base's file list: all folders, and the files and links that no package owns."""
    for folder, folders, files in os.walk(tree):
        inside = folder.removeprefix(str(tree))
        folders[:] = [name for name in folders if f"{inside}/{name}" not in _UNOWNED]
        for name in (*folders, *files):
            path = f"{inside}/{name}"
            if dpkg.is_file(tree, path) and path not in owned:
                yield file_list_line(path)
            elif name in folders and not (tree / path[1:]).is_symlink():
                yield file_list_line(path, "%dir")
