"""Read Debian's package database, so that rpm can record its packages.

Each installed Debian package becomes one RPM header of the same name: its files, `deb(name) >=
version` for its dependencies, and what RPM packages require of a base: sonames, `pkgconfig()`,
`rubygem()`, the `/bin` aliases of a merged /usr, and its name in RPM distributions.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rdo.roots.debian import debian_python, maintainer_scripts
from rdo.roots.debian.debian_python import or_from_pypi
from rdo.roots.debian.maintainer_scripts import AccessChange, SystemUser
from rdo.tools.walls.removal import remove_tree

_RELATIONS = {"<<": "<", "<=": "<=", "=": "=", ">=": ">=", ">>": ">="}
_DEPENDENCY = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9+.-]+)(:\w+)?(\s*\((?P<op>[<>=]+)\s*(?P<version>[^)<>=\s][^)]*)\))?"
)
_NOT_IN_VERSIONS = re.compile(r"[^A-Za-z0-9._+~]")
_GEM = re.compile(
    r"/specifications/(default/)?(?P<name>[\w.-]+?)-(?P<version>\d[\w.]*)(-[\w-]+)?\.gemspec$"
)
DOCUMENTS = tuple(f"usr/share/{name}" for name in ("doc", "info", "lintian", "locale", "man"))
"""Folders that are left out of roots."""

_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of a package as dpkg unpacks it; `path` begins with a slash, `mode` is octal."""

    path: str
    user: str
    group: str
    mode: str
    is_empty: bool = False

    @property
    def is_usual(self) -> bool:
        """Whether rpm would make the same folder for a file in it."""
        return not self.is_empty and (self.user, self.group, self.mode) == ("root", "root", "755")


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """The parts of a Debian package that an RPM needs.

    `depends` are groups of alternatives, `users` the users that it adds to passwd, `groups` the
    additional groups, and `registrations` the commands to run after it is installed. `folders` are
    those that do not follow from its files.
    """

    name: str
    rpm_name: str
    version: str
    release: str
    summary: str
    depends: tuple[tuple[str, ...], ...]
    provides: tuple[str, ...]
    files: tuple[str, ...]
    users: tuple[SystemUser, ...] = ()
    groups: tuple[str, ...] = ()
    folders: tuple[Folder, ...] = ()
    registrations: tuple[str, ...] = ()


def installed(tree: Path) -> list[DebianPackage]:
    """Return the packages that dpkg lists as installed in `tree`, with canonical file names."""
    fields = [f for f in _paragraphs(tree / "var/lib/dpkg/status") if _is_installed(f)]
    names = {paragraph["Package"] for paragraph in fields}
    owned: set[str] = set()
    return [
        _package(paragraph, names, tuple(_files(tree, paragraph, owned))) for paragraph in fields
    ]


def unpacked(
    control: Path,
    files: Path,
    *,
    base: set[str],
    names: set[str],
    users: set[str],
    folders: Iterable[Folder] = (),
    of_release: bool = True,
) -> DebianPackage:
    """Return a package from its unpacked control folder and unpacked files, without its documents.

    `names` are all packages that are or will be installed, used to choose among alternatives;
    `base` are the packages of the base layer, and `users` its users. `folders` are the unpacked
    ones that the base does not have. `of_release` is whether the release uses the base's own
    Python.
    """
    (paragraph,) = _paragraphs(control / "control")
    listed = sorted(
        f"/{path.relative_to(files)}"
        for path in files.rglob("*")
        if (path.is_symlink() or path.is_file()) and not _is_document(path.relative_to(files))
    )
    added = {
        user.name: user
        for user in maintainer_scripts.users(control, files)
        if user.name not in users
    }
    package = _package(paragraph, names | base, tuple(listed))
    of_base = tuple(f"deb({name})" for name in base)
    return replace(
        package,
        rpm_name=debian_python.rpm_name(package.name, package.files, of_release=of_release),
        depends=tuple(
            tuple(
                one if one.startswith(of_base) or not of_release else or_from_pypi(one)
                for one in group
            )
            for group in package.depends
        ),
        users=tuple(added.values()),
        groups=tuple(dict.fromkeys(maintainer_scripts.groups(control))),
        folders=tuple(_unusual(folders, tuple(maintainer_scripts.access_changes(control)))),
        registrations=tuple(dict.fromkeys(maintainer_scripts.registrations(control))),
    )


def _unusual(folders: Iterable[Folder], changes: Sequence[AccessChange]) -> Iterator[Folder]:
    """Yield the folders that rpm would make differently from how the postinst leaves them."""
    for unpacked_folder in folders:
        folder = unpacked_folder
        for change in changes:
            if change.concerns(folder.path):
                folder = replace(
                    folder,
                    user=change.user or folder.user,
                    group=change.group or folder.group,
                    mode=change.mode.lstrip("0") or folder.mode,
                )
        if not (folder.is_usual or _is_document(Path(folder.path[1:]))):
            yield folder


def _is_document(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in DOCUMENTS)


def follow_links(files: Path, tree: Path) -> None:
    """Move unpacked files to where the links of the base `tree` point.

    For example from /bin to /usr/bin, and from dist-packages to the module folder of the base.
    """
    for path in [one for one in files.rglob("*") if not one.is_dir() or _is_alone(one)]:
        place = files / canonical(tree, f"/{path.relative_to(files)}").lstrip("/")
        if place not in (path, files) and not place.is_dir():
            place.parent.mkdir(parents=True, exist_ok=True)
            path.rename(place)
    for folder in [one for one in files.rglob("*") if one.is_dir() and not one.is_symlink()]:
        if not folder.exists():
            continue  # removed with one above it
        is_elsewhere = (tree / folder.relative_to(files)).is_symlink()
        if is_elsewhere and not any(one.is_file() for one in folder.rglob("*")):
            remove_tree(folder)


def _is_alone(path: Path) -> bool:
    """Whether the path is a link, or an empty folder."""
    return path.is_symlink() or (path.is_dir() and not any(path.iterdir()))


def rpm_version(version: str) -> tuple[str, str]:
    """Return Version and Release of a Debian version; the epoch is left out.

    >>> rpm_version("1:2.39.5-0+deb12u2")
    ('2.39.5', '0+deb12u2')
    >>> rpm_version("2024a")
    ('2024a', '0')
    """
    upstream, dash, revision = version.partition(":")[2 if ":" in version else 0].rpartition("-")
    if not dash:
        upstream, revision = revision, "0"
    return _NOT_IN_VERSIONS.sub("_", upstream), _NOT_IN_VERSIONS.sub("_", revision)


def _paragraphs(status: Path) -> Iterator[dict[str, str]]:
    for text in status.read_text().split("\n\n"):
        fields: dict[str, str] = {}
        for line in text.splitlines():
            name, colon, value = line.partition(":")
            if colon and not line.startswith(" "):
                fields[name] = value.strip()
        if fields:
            yield fields


def _is_installed(fields: Mapping[str, str]) -> bool:
    return fields.get("Status", "").endswith(" installed")


def _package(
    fields: Mapping[str, str],
    names: set[str],
    files: tuple[str, ...],
) -> DebianPackage:
    version, release = rpm_version(fields["Version"])
    depends = f"{fields.get('Pre-Depends', '')},{fields.get('Depends', '')}"
    return DebianPackage(
        name=fields["Package"],
        rpm_name=fields["Package"],
        version=version,
        release=release,
        summary=fields.get("Description", fields["Package"]),
        depends=tuple(_alternatives(depends, names)),
        provides=tuple(_capability(entry, "=") for entry in _entries(fields.get("Provides", ""))),
        files=files,
    )


def _entries(text: str) -> Iterator[re.Match[str]]:
    for entry in text.split(","):
        if found := _DEPENDENCY.match(entry.strip()):
            yield found


def _alternatives(text: str, names: set[str]) -> Iterator[tuple[str, ...]]:
    """Yield each group of alternatives; those installed under their own name come first."""
    for group in filter(None, (part.strip() for part in text.split(","))):
        found = [m for m in map(_DEPENDENCY.match, map(str.strip, group.split("|"))) if m]
        found.sort(key=lambda match: match["name"] not in names)
        yield tuple(_capability(match) for match in found)


def _capability(match: re.Match[str], only: str = "") -> str:
    """Return a dependency as `deb(name) >= version`.

    rpm ignores the release in a comparison if one side has none, so `>>` becomes `>=`; a version
    that ends in `-.` (Debian's idiom for any revision) is left out.
    """
    relation = _RELATIONS.get(match["op"] or "", "")
    if not relation or (only and relation != only) or match["version"].endswith("-."):
        return f"deb({match['name']})"
    version, release = rpm_version(match["version"])
    exact = f"{version}-{release}" if "-" in match["version"] else version
    return f"deb({match['name']}) {relation} {exact}"


def _files(tree: Path, fields: Mapping[str, str], owned: set[str]) -> Iterator[str]:
    """Yield the files that the package owns and that exist.

    Each file belongs to one package only.
    """
    info = tree / "var/lib/dpkg/info"
    name, arch = fields["Package"], fields.get("Architecture", "")
    lists = (info / f"{name}.list", info / f"{name}:{arch}.list")
    for line in next(path for path in lists if path.exists()).read_text().splitlines():
        path = canonical(tree, line) if line not in {"", "/."} else ""
        if path and path not in owned and is_file(tree, path):
            owned.add(path)
            yield path


def canonical(tree: Path, path: str) -> str:
    """Resolve the links of a path's folder inside `tree`: /bin/ls gives /usr/bin/ls."""
    folder, name = os.path.split(path)
    real = os.path.realpath(f"{tree}{folder}")
    inside = real.removeprefix(str(tree))
    return f"{inside}/{name}" if real.startswith(str(tree)) else ""


def is_file(tree: Path, path: str) -> bool:
    """Whether `path` exists in `tree`, as a file or as a link."""
    there = Path(f"{tree}{path}")
    return there.is_symlink() or there.is_file()


def aliases(files: Iterable[str]) -> Iterator[str]:
    """Yield the names outside /usr that a merged /usr has for a file; dnf requests them literally.

    >>> list(aliases(["/usr/bin/sh", "/usr/share/x", "/usr/lib/cpp"]))
    ['/bin/sh', '/lib/cpp']
    """
    for file in files:
        parts = file.split("/")
        if len(parts) == 4 and parts[1] == "usr" and parts[2] in _MERGED:
            yield file.removeprefix("/usr")


def pkgconfig(tree: Path, files: Iterable[str]) -> Iterator[str]:
    """Yield `pkgconfig(name) = version` for each .pc file."""
    for file in files:
        if file.endswith(".pc") and "/pkgconfig/" in file:
            version = _pc_version(Path(f"{tree}{file}").read_text(errors="replace"))
            name = f"pkgconfig({Path(file).stem})"
            yield f"{name} = {_NOT_IN_VERSIONS.sub('_', version)}" if version else name


def rubygems(files: Iterable[str]) -> Iterator[str]:
    """Yield `rubygem(name) = version` and `rubygem-name = version` for each gem among the files.

    A gem's specification has its name and version in its file name; a gem with compiled code also
    has its platform there. Both names follow Fedora's packaging guidelines for Ruby.
    """
    found = (_GEM.search(file) for file in files)
    gems = dict.fromkeys((gem["name"], gem["version"]) for gem in found if gem)
    for name, version in gems:
        yield f"rubygem({name}) = {version}"
        yield f"rubygem-{name} = {version}"


def _pc_version(text: str) -> str:
    variables = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    version = re.search(r"^Version:\s*(\S+)", text, re.MULTILINE)
    value = version[1] if version else ""
    return re.sub(r"\$\{(\w+)\}", lambda found: variables.get(found[1], ""), value)


def libraries(tree: Path, files: Iterable[str]) -> list[str]:
    """Return the shared libraries among `files`, without links."""
    return [
        file
        for file in files
        if re.search(r"/lib[^/]*/([^/]+/)?[^/]+\.so(\.[\d.]+)?$", file)
        and not Path(f"{tree}{file}").is_symlink()
    ]
