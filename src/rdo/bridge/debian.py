"""Make RPMs of Debian packages outside the base, once per platform, each kept by its hash."""

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo import atomic
from rdo.errors import CommandError
from rdo.roots.build_root import BuildRoot, build_root
from rdo.roots.content import ContentStore
from rdo.roots.debian import debian_rpms, dpkg, el_layout
from rdo.roots.debian.dpkg import DebianPackage, Folder
from rdo.roots.kept_products import keep, kept_files, newly_kept
from rdo.roots.platform.platforms import BaseLayer
from rdo.tools.packaging.apt import Apt, Deb
from rdo.tools.walls.entry import Bind

log = logging.getLogger(__name__)

VERSION = 7
"""Increase this when a change of the code makes different RPMs from the same packages."""

_DEB = re.compile(r"deb\(([a-z0-9][a-z0-9+.-]*[a-z0-9+.])\)$")
"""A name that ended with a dash would tell apt to remove a package."""
_PROGRAM = re.compile(r"(?:/usr)?/s?bin/([\w.+-]+)$")
"""A program is looked for in the package of the same name."""

_SONAME = re.compile(r"(?P<stem>lib[\w.+-]{1,100})\.so\.(?P<version>[\w.]+)\(")
_GEM = re.compile(r"rubygem[-(](?P<name>\w[\w.-]*)\)?$")
_UNPACK = """
set -e
while read -r name file; do
    dpkg-deb --extract "/debs/$file" "/wrap/files/$name"
    dpkg-deb --control "/debs/$file" "/wrap/control/$name"
    kept="/wrap/files/$name/usr/lib/debian-scripts/$name"
    for script in preinst postinst config templates; do
        [ ! -f "/wrap/control/$name/postinst" ] || [ ! -f "/wrap/control/$name/$script" ] ||
            install -D --mode 755 -t "$kept" "/wrap/control/$name/$script"
    done
done
"""
# A host runs these scripts when the package is installed; see the package rdo-host.
_FOLDERS = r"""
find /wrap/files -mindepth 2 -type d \
    \( -empty -printf 'empty\t%u\t%g\t%m\t%P\n' -o -printf '\t%u\t%g\t%m\t%P\n' \)
"""
_HEAD = (
    *("Name: bridged", "Version: 1", "Release: 1", "Summary: none", "License: various"),
    *("%description", "This package is not built, because it has no files section."),
)


@dataclass(frozen=True, slots=True)
class DebStore:
    """The Debian packages of one platform and the RPMs made from them, in `folder`."""

    base: BaseLayer
    content: ContentStore
    folder: Path
    roots: Path

    @property
    def apt(self) -> Apt:
        """The apt that chooses and downloads the packages of the base's suite."""
        platform = self.base.platform
        return Apt(
            self.folder / "apt",
            self.base.tree,
            platform.suite,
            mirror=platform.mirror,
            arch=platform.debian_arch,
        )

    def names_for(self, needs: Iterable[str]) -> dict[str, str]:
        """Return the Debian package for each dependency.

        The dependencies are `deb(x)`, those in the platform's tables, libraries and Ruby gems.
        """
        tables = (self.base.platform.provides, self.base.platform.bridged)
        known = {
            name: debian for table in tables for debian, names in table.items() for name in names
        }
        found = {}
        for need in needs:
            name = need.split()[0]
            if match := _DEB.match(name):
                found[need] = match[1]
            elif name in known:
                found[need] = known[name]
            elif (match := _PROGRAM.match(name)) and match[1] in known:
                found[need] = known[match[1]]
            elif match := _SONAME.match(name):
                found[need] = package_of_library(match["stem"], match["version"])
            elif match := _GEM.match(name):
                found[need] = package_of_gem(match["name"])
        return found

    def rpms(self, wanted: Sequence[Deb]) -> dict[Deb, tuple[Path, ...]]:
        """Return the RPM of each package; missing ones are downloaded and converted together."""
        found = {deb: kept_files(self.place(deb)) for deb in wanted}
        lacking = [deb for deb, paths in found.items() if not paths]
        if lacking:
            self._wrap(lacking, {deb.name for deb in wanted})
        return found | {deb: newly_kept(self.place(deb)) for deb in lacking}

    def place(self, deb: Deb) -> Path:
        """Return the folder of its RPM; its name also depends on our tables and EL's layout."""
        platform = self.base.platform
        names = [*debian_rpms.known_names(platform, deb.name), *platform.users.get(deb.name, ())]
        words = [*names, *el_layout.layout_digest(platform, deb.name)]
        digest = hashlib.sha256(" ".join(words).encode()).hexdigest()[:8]
        return self.folder / f"{deb.sha256}-{VERSION}-{digest}"

    def _wrap(self, debs: Sequence[Deb], names: set[str]) -> None:
        paths = self.apt.download(debs)
        with build_root(self.base, self.content, self.roots) as root:
            wrap = root.folder("wrap")
            packages = self._unpack(root, wrap, dict(zip(debs, paths, strict=True)), names)
            files = wrap / "buildroot"
            root.bind(Bind(files, debian_rpms.BUILDROOT))
            debian_rpms.build(root, wrap, packages, self.base.platform, files, head=_HEAD)
            self._keep(debs, packages, wrap / "rpms")

    def _unpack(
        self, root: BuildRoot, wrap: Path, debs: Mapping[Deb, Path], names: set[str]
    ) -> list[DebianPackage]:
        """Unpack the packages in the root, merge their files into a buildroot, describe them."""
        offered = root.folder("debs")
        for folder in (wrap / "files", wrap / "control", wrap / "buildroot"):
            folder.mkdir()
        for path in debs.values():
            atomic.link_or_copy(path, offered / path.name)
        root.bind(Bind(offered, "/debs"), Bind(wrap, "/wrap", writable=True))
        rows = "".join(f"{deb.name} {path.name}\n" for deb, path in debs.items())
        root.ask("sh", "-c", _UNPACK, privileged=True, stdin=rows.encode(), timeout=1800)
        base = {one.name for one in dpkg.installed(self.base.tree)}
        passwd = (self.base.tree / "etc/passwd").read_text().splitlines()
        users = {line.partition(":")[0] for line in passwd}
        for deb in debs:
            dpkg.follow_links(wrap / "files" / deb.name, self.base.tree)
        self._lay_out(root, debs)
        folders = _folders(root.ask("sh", "-c", _FOLDERS, privileged=True).stdout, self.base.tree)
        packages = []
        for deb in debs:
            files, control = wrap / "files" / deb.name, wrap / "control" / deb.name
            one = dpkg.unpacked(
                control,
                files,
                base=base,
                names=names,
                users=users,
                folders=folders.get(deb.name, ()),
                of_release=self.base.platform.interpreter is None,
            )
            packages.append(one)
            for path in files.rglob("*"):
                _merge(path, wrap / "buildroot" / path.relative_to(files))
        return packages

    def _lay_out(self, root: BuildRoot, debs: Iterable[Deb]) -> None:
        """Move the files of the unpacked packages to where EL has them."""
        rows = list(el_layout.lines(self.base.platform, (deb.name for deb in debs)))
        if rows:
            layouts = root.folder("el")
            el_layout.write_layouts(layouts)
            root.bind(Bind(layouts, el_layout.FOLDER))
            text = "".join(f"{row}\n" for row in rows)
            root.ask("sh", "-c", el_layout.APPLY, privileged=True, stdin=text.encode())

    def _keep(self, debs: Sequence[Deb], packages: Sequence[DebianPackage], made: Path) -> None:
        for deb, package in zip(debs, packages, strict=True):
            found = list(made.rglob(f"{package.rpm_name}-{package.version}-{package.release}*.rpm"))
            if len(found) != 1:
                raise CommandError(
                    f"wrapping the Debian package {deb.name} {deb.version} produced no RPM"
                )
            keep(self.place(deb), found)


def _folders(listed: str, base: Path) -> dict[str, list[Folder]]:
    """Return the folders of each package that the base lacks, from the output of `_FOLDERS`."""
    found: dict[str, list[Folder]] = {}
    for line in listed.splitlines():
        empty, user, group, mode, path = line.split("\t", 4)
        package, _, place = path.partition("/")
        if not (base / place).is_dir():
            folder = Folder(f"/{place}", user, group, mode, is_empty=bool(empty))
            found.setdefault(package, []).append(folder)
    return found


def package_of_library(stem: str, version: str) -> str:
    """Return the name of the Debian package of a library, by Debian's policy on shared libraries.

    >>> package_of_library("libpq", "5"), package_of_library("libldap-2.5", "0")
    ('libpq5', 'libldap-2.5-0')
    """
    dash = "-" if stem[-1].isdigit() else ""
    return f"{stem}{dash}{version}".lower().replace("_", "-")


def _merge(path: Path, place: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        place.mkdir(parents=True, exist_ok=True)
        shutil.copystat(path, place)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, place, follow_symlinks=False)


def package_of_gem(name: str) -> str:
    """Return the name of the Debian package of a Ruby gem, by Debian's Ruby policy.

    >>> package_of_gem("puppet-resource_api")
    'ruby-puppet-resource-api'
    """
    return f"ruby-{name}".lower().replace("_", "-")
