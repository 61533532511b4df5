"""A mini distribution: real RPMs in a real repository, made from the Debian base layer."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from rdo.roots.debian import debian_rpms, dpkg
from rdo.roots.debian.dpkg import DebianPackage
from rdo.roots.inside.installing.file_list import file_list_line
from rdo.roots.platform.platforms import BaseLayer
from rdo.tools.walls.entry import Bind
from rdo.tools.walls.root import Root

INSTALLED = (
    *("bash", "coreutils", "diffutils", "file", "findutils", "grep", "gzip", "login"),
    *("make", "passwd", "patch", "python3", "rpm", "sed", "tar"),
)
"""What the base layer of a platform is made of."""

_ALSO = ("dash", "gcc", "libc6-dev", "libc-bin")
_LINKS = ("/bin", "/sbin", "/lib", "/lib64")
_UNOWNED = ("/dev", "/proc", "/sys", "/run", "/tmp", "/builddir", "/var/cache", "/var/lib/rpm")

# What a distribution's own rpm configuration says; the database is where new ones have it.
_MACROS = r"""%_dbpath /usr/lib/sysimage/rpm
%_buildshell /bin/bash
%_localstatedir /var
%_libdir /usr/lib64
%mini 7
%debug_package %{nil}
%__os_install_post %{nil}
"""
_SPEC = """\
Name: mini
Version: {version}
Release: 1.mini
Summary: Packages of the mini distribution
License: MIT
BuildArch: noarch
%description
%{{summary}}.

%package config
Summary: Its macros, and scriptlets that only a real installation runs
Requires: rpm, mini-filesystem
Requires(post): bash, coreutils, libc-bin, mini-filesystem
%description config
%{{summary}}.
%post config
set -e
test -c /dev/null
test -d /proc/self
ldconfig
{{ id -u; ls /proc/sys/net/ipv4/conf; }} > /etc/mini-made
%transfiletriggerin config -- /usr/include/mini
cat > /etc/mini-triggered
%files config
/usr/lib/rpm/macros.d/macros.mini

%package devel
Summary: What a build asks for
Provides: python3-devel
%description devel
%{{summary}}.
%files devel
%dir /usr/include/mini
/usr/include/mini/mini.h

%package -n python3.11-devel
Summary: Headers of a Python beside the base's
%description -n python3.11-devel
%{{summary}}.
%files -n python3.11-devel
/usr/include/mini/python

%package -n python3-basemod
Summary: A module of the base's own Python
Provides: python3dist(basemod) = {version}, python3.9dist(basemod) = {version}
%description -n python3-basemod
%{{summary}}.
%files -n python3-basemod

%package users
Summary: A user, made by a scriptlet
Requires: mini-devel
%description users
%{{summary}}.
%pre users
/usr/sbin/useradd --system --uid 777 miniuser
%files users

%install
install -d %{{buildroot}}/usr/lib/rpm/macros.d %{{buildroot}}/usr/include/mini
cat > %{{buildroot}}/usr/lib/rpm/macros.d/macros.mini <<'END'
{macros}END
echo '#define MINI "{version}"' > %{{buildroot}}/usr/include/mini/mini.h
touch %{{buildroot}}/usr/include/mini/python
"""


def make_repository(base: BaseLayer, work: Path) -> Path:
    """A folder with every package of the base layer as an RPM with its files, and repodata."""
    rpms = _wrap_base(base, work)
    for version in ("1.0", "2.0"):
        make_own(work, rpms, version)
    index(rpms)
    return rpms


def index(rpms: Path) -> None:
    """Write repodata for the RPMs in the folder."""
    options = ("--quiet", "--no-database", "--update", "--general-compress-type=xz")
    subprocess.run(["createrepo_c", *options, str(rpms)], check=True)


def make_own(work: Path, rpms: Path, version: str) -> None:
    """Add mini-config, mini-devel and mini-users."""
    spec = work / f"mini-{version}.spec"
    spec.write_text(_SPEC.format(version=version, macros=_MACROS.replace("%", "%%")))
    define = ["-D", f"_topdir {work / 'top'}", "-D", f"_rpmdir {rpms}"]
    define += ["-D", f"_dbpath {work / 'no-rpmdb'}"]
    subprocess.run(["rpmbuild", "--quiet", "-bb", *define, str(spec)], check=True)


def _wrap_base(base: BaseLayer, work: Path) -> Path:
    """Make packages like those of the Debian base layer, but with their files."""
    wrap = work / "wrap"
    wrap.mkdir(parents=True)
    packages = [
        replace(one, files=tuple(file for file in one.files if file not in _LINKS))
        for one in dpkg.installed(base.tree)
    ]
    owned = {file for one in packages for file in one.files}
    packages = _closure(packages)
    binds = [Bind(base.tree, debian_rpms.BUILDROOT), Bind(wrap, "/wrap", writable=True)]
    for name in ("passwd", "group"):  # without the build user, whom the base layer adds
        lines = (base.tree / "etc" / name).read_text().splitlines(keepends=True)
        (work / name).write_text("".join(line for line in lines if not line.startswith("rdobuild")))
        binds.append(Bind(work / name, f"{debian_rpms.BUILDROOT}/etc/{name}"))
    debian_rpms.write_list(wrap, "mini-filesystem", _rest(base.tree, owned))
    root = Root((base.tree,), work / "work", tuple(binds))
    debian_rpms.build(root, wrap, packages, base.platform, base.tree, head=_filesystem())
    return (wrap / "rpms").rename(work / "repository")


def _closure(packages: Iterable[DebianPackage]) -> list[DebianPackage]:
    """What is installed, may be asked for, and is needed by that: less to be made for nothing."""
    known = {given.split()[0]: one for one in packages for given in one.provides}
    known |= {f"deb({one.name})": one for one in packages}
    asked = [f"deb({name})" for name in (*INSTALLED, *_ALSO)]
    chosen: dict[str, DebianPackage] = {}
    while asked:
        name = asked.pop()
        if name in known and known[name].name not in chosen:
            chosen[known[name].name] = known[name]
            asked += [needed[0].split()[0] for needed in known[name].depends]
    return list(chosen.values())


def _filesystem() -> Iterator[str]:
    yield "Name: mini-filesystem\nVersion: 7\nRelease: 1.mini\nLicense: various"
    yield "Summary: Folders and configuration\nAutoReqProv: no"
    yield "Provides: system-release = 7\nProvides: system-release(releasever) = 7"
    yield "%description\n%{summary}.\n%files -f /wrap/lists/mini-filesystem"


def _rest(tree: Path, owned: set[str]) -> Iterator[str]:
    for folder, folders, files in os.walk(tree):
        inside = folder.removeprefix(str(tree))
        folders[:] = [name for name in folders if f"{inside}/{name}" not in _UNOWNED]
        for name in (*folders, *files):
            path = f"{inside}/{name}"
            if dpkg.is_file(tree, path) and path not in owned:
                yield file_list_line(path)
            elif name in folders and not (tree / path[1:]).is_symlink():
                yield file_list_line(path, "%dir")


def remove(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
