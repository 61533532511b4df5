"""Make RPMs of Debian packages: one run of rpmbuild makes a subpackage for each.

The root sees their files as its buildroot; none of their programs is run.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from rdo.model.platform import Platform
from rdo.model.program import Completed
from rdo.model.text.spec_text import in_spec
from rdo.roots.debian import dpkg, maintainer_scripts
from rdo.roots.debian.dpkg import DebianPackage, Folder
from rdo.roots.debian.maintainer_scripts import SystemUser
from rdo.roots.inside.installing.file_list import file_list_line


class RunsPrograms(Protocol):
    """A root in which programs are run to their end."""

    def ask(
        self, *argv: str, privileged: bool = ..., timeout: float = ..., stdin: bytes = ...
    ) -> Completed: ...


BUILDROOT = "/buildroot"
"""The path at which the root sees the files of the packages."""

_SONAMES = """
while read -r package file; do
    echo "$file" | /usr/lib/rpm/elfdeps --provides | sed "s|^|$package |"
done
"""


def build(
    root: RunsPrograms,
    wrap: Path,
    packages: Iterable[DebianPackage],
    platform: Platform,
    files: Path,
    *,
    head: Iterable[str],
) -> None:
    """Build the RPMs of Debian packages into `wrap`/rpms.

    `files` is the folder that the root sees as its buildroot; `head` is the preamble of the main
    package.
    """
    made = list(packages)
    for package in made:
        folders = (_folder_line(one) for one in package.folders)
        write_list(wrap, package.name, [*folders, *map(file_list_line, package.files)])
    lines = [*_settings(), *head, *_spec(made, platform, files, _sonames(root, files, made))]
    (wrap / "debian.spec").write_text("\n".join([*lines, ""]))
    root.ask(
        *("rpmbuild", "-bb", "--nodeps", "--buildroot", BUILDROOT, "--target", platform.arch),
        *("-D", "_topdir /wrap/top", "-D", "_rpmdir /wrap/rpms", "-D", "_dbpath /var/lib/rpm"),
        "/wrap/debian.spec",
        privileged=True,
        timeout=1800,
    )


def write_list(wrap: Path, name: str, lines: Iterable[str]) -> None:
    """Write the file list of one package to the path that its spec names."""
    folder = wrap / "lists"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(f"{line}\n" for line in lines))


def _settings() -> Iterator[str]:
    """Yield macros that keep rpm from changing or checking the files that Debian made."""
    names = ("__os_install_post", "__spec_install_pre", "__arch_install_post", "__check_files")
    for macro in (*names, "debug_package"):
        yield f"%define {macro} %{{nil}}"
    yield "%define _build_id_links none\n%define _binary_payload w0.ufdio"
    yield "%define _unpackaged_files_terminate_build 0\n%define _empty_manifest_terminate_build 0"


def _spec(
    packages: Iterable[DebianPackage],
    platform: Platform,
    files: Path,
    sonames: Mapping[str, set[str]],
) -> Iterator[str]:
    for package in packages:
        given = _provides(files, package, platform, sonames.get(package.name, set()))
        yield f"%package -n {package.rpm_name}"
        yield f"Version: {package.version}\nRelease: {package.release}{platform.dist}"
        yield f"Summary: {in_spec(package.summary)}\nLicense: various"
        yield "AutoReqProv: no"
        yield from (f"Requires: {needed[0]}" for needed in package.depends)
        yield from (f"Provides: {one}" for one in given)
        yield f"%description -n {package.rpm_name}\nThe Debian package {package.name}."
        table = (SystemUser(name) for name in platform.users.get(package.name, ()))
        users = {one.name: one for one in (*table, *package.users)}
        if users or package.groups:
            yield f"%pre -n {package.rpm_name}"
            yield from map(_add_group, package.groups)
            yield from map(_add_user, users.values())
        if package.registrations:
            yield f"%post -n {package.rpm_name}"
            yield from (_register(command) for command in package.registrations)
        yield f"%files -n {package.rpm_name} -f /wrap/lists/{package.name}"
    yield "%install\n\n%clean\n:"


def _folder_line(folder: Folder) -> str:
    access = f"%attr({folder.mode}, {folder.user}, {folder.group})"
    return file_list_line(folder.path, f"%dir {access}")


def _add_group(name: str) -> str:
    return f"getent group {name} >/dev/null || groupadd -r {name}"


def _add_user(user: SystemUser) -> str:
    name = user.name
    return (
        f"{_add_group(name)}\n"
        f"getent passwd {name} >/dev/null || "
        f"useradd -r -g {name} -d {user.home} -s /usr/sbin/nologin {name}"
    )


def _register(command: str) -> str:
    """Return a scriptlet line for the command; its failure never stops an installation.

    It may fail because it names a file that was left out, such as a manual page.
    """
    return f"{in_spec(command)} >/dev/null 2>&1 || :"


def _provides(
    files: Path, package: DebianPackage, platform: Platform, sonames: set[str]
) -> Iterator[str]:
    """Yield everything that the RPM of a Debian package provides."""
    evr = f"{package.version}-{package.release}"
    yield f"deb({package.name}) = {evr}"
    yield from package.provides
    made = maintainer_scripts.links(package.registrations)
    yield from made
    yield from dpkg.aliases([*package.files, *made])
    yield from dpkg.pkgconfig(files, package.files)
    yield from dpkg.rubygems(package.files)
    yield from sorted(sonames)
    for name in known_names(platform, package.name):
        yield f"{name} = {evr}"
        if re.search(r"-devel$|^glibc$", name):
            yield f"{name}({platform.arch.replace('_', '-')}) = {evr}"
    if any(re.search(r"/ld-linux[^/]*$", file) for file in package.files):
        yield "rtld(GNU_HASH)"  # rpm requires this for each library whose only hash table is GNU's
    if package.name == "python3":
        yield f"python(abi) = {platform.base_python}"
        yield from ("/usr/bin/python3", "/usr/bin/python")


def known_names(platform: Platform, package: str) -> list[str]:
    """Return the other names that RPM packages use for a Debian package.

    Paths are left out, because the package's file list provides them anyway.
    """
    tables = (platform.provides, platform.bridged)
    names = dict.fromkeys(name for table in tables for name in table.get(package, ()))
    return [name for name in names if name != package and not name.startswith("/")]


def _sonames(
    root: RunsPrograms, files: Path, packages: Iterable[DebianPackage]
) -> dict[str, set[str]]:
    rows = [
        f"{package.name} {BUILDROOT}{file}"
        for package in packages
        for file in dpkg.libraries(files, package.files)
    ]
    out = root.ask("sh", "-c", _SONAMES, privileged=True, stdin="\n".join([*rows, ""]).encode())
    sonames: dict[str, set[str]] = {}
    for line in out.stdout.splitlines():
        name, _, soname = line.partition(" ")
        sonames.setdefault(name, set()).add(soname)
    return sonames
