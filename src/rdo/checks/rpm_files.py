"""Checks that open RPM files: whether each is intact, signed, and shares no path with another."""

import stat
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

from rdo.checks.findings import CheckName, Defect
from rdo.model.artifact import Artifact
from rdo.model.text.short_list import short_list
from rdo.tools.rpm.many_headers import FileEntry, RpmHeaders, RpmIdentity, UnreadableRpm
from rdo.tools.rpm.shared_files import OwnerOfPath, shared_files

_SHOWN_PATHS = 5

Header: TypeAlias = RpmIdentity | UnreadableRpm


@dataclass(frozen=True, slots=True)
class PlacedRpm:
    """An RPM of a package, and the file that hosts download."""

    package: str
    artifact: Artifact
    path: Path


@dataclass(frozen=True, slots=True)
class Folders:
    """Repositories to search for common paths: the checked ones, and the others that hosts have.

    `base` is the repodata of the packages that every host has; `installed` returns their data about
    paths, by package and path.
    """

    own: Sequence[Path]
    others: Sequence[Path] = ()
    base: Path | None = None
    installed: Callable[[Collection[str], Collection[str]], Mapping[tuple[str, str], FileEntry]] = (
        lambda _names, _paths: {}
    )

    @property
    def all(self) -> tuple[Path, ...]:
        """Every folder: the checked ones first, the base last."""
        return (*self.own, *self.others, *((self.base,) if self.base else ()))


def read_headers(rpms: Sequence[PlacedRpm]) -> list[Header]:
    """Return the header of each RPM file with its checksum, in order."""
    return RpmHeaders().read([one.path for one in rpms], hashes=True)


def check_intact(rpms: Sequence[PlacedRpm], headers: Sequence[Header]) -> tuple[Defect, ...]:
    """Return a finding for each RPM whose file does not match its name and the metadata."""
    found = ((one, _fault(one.artifact, header)) for one, header in zip(rpms, headers, strict=True))
    return tuple(
        Defect(CheckName.INTACT, one.package, f"{one.artifact.file_name}: {fault}")
        for one, fault in found
        if fault
    )


def _fault(artifact: Artifact, header: Header) -> str:
    if isinstance(header, UnreadableRpm):
        return header.why
    named, wanted = header.nevra, artifact.nevra
    if header.is_source != artifact.is_source or (not header.is_source and named != wanted):
        return f"its header says that it is {named}, the metadata {wanted}"
    if (named.name, named.epoch, named.version, named.release) != (
        *(wanted.name, wanted.epoch, wanted.version, wanted.release),
    ):
        return f"its header says that it is {named}, the metadata {wanted}"
    if header.sha256 != artifact.sha256:
        return "its content is not what was published"
    return ""


def check_signed(
    rpms: Sequence[PlacedRpm],
    headers: Sequence[Header],
    keys: Collection[str],
) -> tuple[Defect, ...]:
    """Return a finding for each RPM without a signature by one of the keys, given by their ids."""
    known = {key.lower()[-16:] for key in keys}
    return tuple(
        Defect(CheckName.SIGNED, one.package, f"{one.artifact.file_name} {_unsigned(header.keys)}")
        for one, header in zip(rpms, headers, strict=True)
        if isinstance(header, RpmIdentity) and not known.intersection(header.keys)
    )


def _unsigned(keys: Sequence[str]) -> str:
    if not keys:
        return "is not signed"
    return f"is signed with {short_list(keys)}, which is not a key of the target"


@dataclass(frozen=True, slots=True)
class CommonPaths:
    """Two packages that have the same paths with different content, and what differs."""

    one: OwnerOfPath
    other: OwnerOfPath
    paths: tuple[tuple[str, str], ...]


def common_paths(folders: Folders) -> tuple[CommonPaths, ...]:
    """Return each pair of packages that rpm would not install together because of files."""
    shared = {
        path: sorted(
            (one for one in owners if one.nevra.arch not in {"src", "nosrc"}),
            key=lambda one: (one.repository >= len(folders.own), one.nevra.name),
        )
        for path, owners in shared_files(folders.all, range(len(folders.own))).items()
    }
    entries = _entries(shared, folders)
    found: dict[tuple[OwnerOfPath, OwnerOfPath], list[tuple[str, str]]] = {}
    for path, owners in shared.items():
        for one, other in combinations(owners, 2):
            if one.repository >= len(folders.own) or one.nevra.name == other.nevra.name:
                continue
            pair = entries.get((one, path)), entries.get((other, path))
            if pair[0] and pair[1] and (differs := difference(pair[0], pair[1])):
                found.setdefault((one, other), []).append((path, differs))
    return tuple(CommonPaths(*pair, tuple(paths)) for pair, paths in found.items())


def _entries(
    shared: Mapping[str, Iterable[OwnerOfPath]], folders: Folders
) -> dict[tuple[OwnerOfPath, str], FileEntry]:
    """Return each owner's data about a shared path."""
    paths: dict[OwnerOfPath, set[str]] = {}
    for path, owners in shared.items():
        for one in owners:
            paths.setdefault(one, set()).add(path)
    base = len(folders.all) - 1 if folders.base else -1
    on_disk = [one for one in paths if one.repository != base]
    headers = RpmHeaders().read(
        [one.rpm for one in on_disk], {one.rpm: paths[one] for one in on_disk}
    )
    found = {
        (one, path): entry
        for one, header in zip(on_disk, headers, strict=True)
        if isinstance(header, RpmIdentity)
        for path, entry in header.files.items()
    }
    of_base = {one.nevra.name: one for one in paths if one.repository == base}
    installed = folders.installed(tuple(of_base), tuple(shared))
    return found | {(of_base[name], path): entry for (name, path), entry in installed.items()}


def difference(one: FileEntry, other: FileEntry) -> str:
    """Return what differs between two packages' entries for a path, as rpm compares; else "".

    >>> difference(FileEntry(0o100644, "r", "r", "5a", 0), FileEntry(0o100755, "r", "r", "5a", 0))
    'mode 100644 and 100755'
    """
    if one.color and other.color and one.color != other.color:
        return ""  # rpm installs the one of the host's own architecture
    both_links = stat.S_ISLNK(one.mode) and stat.S_ISLNK(other.mode)
    if one.mode != other.mode and not both_links:
        return f"mode {one.mode:o} and {other.mode:o}"
    if stat.S_ISDIR(one.mode):
        return ""
    if (one.user, one.group) != (other.user, other.group):
        return f"owner {one.user}:{one.group} and {other.user}:{other.group}"
    return "content" if one.content != other.content else ""


def check_files(found: Iterable[CommonPaths], packages: Mapping[str, str]) -> tuple[Defect, ...]:
    """Return a finding for each pair of packages; `packages` are those of the release by RPM."""
    return tuple(_conflict(one, packages) for one in found)


def _conflict(one: CommonPaths, packages: Mapping[str, str]) -> Defect:
    first, name = one.paths[0][0], one.one.nevra.name
    what = f"{one.one.nevra} and {one.other.nevra} cannot be installed together: both have {first}"
    shown = tuple(f"{path}: {differs}" for path, differs in one.paths[:_SHOWN_PATHS])
    if len(one.paths) > _SHOWN_PATHS:
        shown = (*shown, f"and {len(one.paths) - _SHOWN_PATHS} more paths")
    return Defect(CheckName.FILES, packages.get(name, name), what, shown)
