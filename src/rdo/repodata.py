"""The metadata of a yum repository, composed from fragments that are read once per RPM.

`read_rpms` lets a child process read RPM files when they are built, and never again. A `Composer`
combines the fragments of any set of RPMs. Fragments are grouped into segments of about sixteen
packages. A segment is one member of the gzip stream and is cached, so a repository that differs
from the last one in one package needs only two segments to be compressed.
"""

import gzip
import hashlib
import math
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import createrepo_c

from rdo import atomic
from rdo.errors import RefusedError
from rdo.model.artifact import Artifact, Fragment, RpmFile, SpecialFile, SpecialKind
from rdo.model.nevra import Nevra
from rdo.tools.rpm.reader import RpmReader

PACKAGES_PER_SEGMENT = 16
COMPRESSION = 6
# The characters that rpmbuild allows in a name, version or release, without `%{}`.
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^-]*\.rpm")
_NEVRA = ("name", "version", "release", "arch")
_PROGRAM = re.compile(r"(/usr)?/s?bin/[^/]+$")
_LOCATION = '<location href="'
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_COMMON = "http://linux.duke.edu/metadata"


@dataclass(frozen=True, slots=True)
class RepositoryEntry:
    """One RPM in one repository, with its package and the file's path from there.

    `key` identifies the RPM's fragment for the composer's `fetch`.
    """

    key: int
    package: str
    href: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the three metadata files."""

    name: str
    opening: str
    closing: str


_KINDS = (
    _Kind(
        "primary",
        f'<metadata xmlns="{_COMMON}/common" xmlns:rpm="{_COMMON}/rpm" packages="%d">\n',
        "</metadata>",
    ),
    _Kind("filelists", f'<filelists xmlns="{_COMMON}/filelists" packages="%d">\n', "</filelists>"),
    _Kind("other", f'<otherdata xmlns="{_COMMON}/other" packages="%d">\n', "</otherdata>"),
)


@dataclass(frozen=True, slots=True)
class _Member:
    """A part of a metadata file, plain for the checksum and compressed for the file."""

    plain: bytes
    compressed: bytes

    @classmethod
    def of(cls, text: str) -> "_Member":
        plain = text.encode()
        return cls(plain, gzip.compress(plain, COMPRESSION, mtime=0))


_Segment = tuple[_Member, _Member, _Member]


def read_rpms(paths: Sequence[Path], reader: RpmReader | None = None) -> tuple[RpmFile, ...]:
    """Return the artifacts of RPM files, in order, with their fragments of repository metadata.

    Strangers made the files, so a child process reads them and its answer is checked. Raises
    RefusedError unless each is a regular file, named as its header says, with characters that have
    no meaning in a path, a URL or XML; also for one that contains a device node.
    """
    for path in paths:
        if not _FILE_NAME.fullmatch(path.name):
            raise RefusedError(f"cannot publish {path.name!r}: not the name of an RPM file")
    rows = (reader or RpmReader()).read(paths) if paths else []
    return tuple(rpm_file(path, row) for path, row in zip(paths, rows, strict=True))


def rpm_file(path: Path, row: Mapping[str, Any]) -> RpmFile:
    """Return the child's answer about one file; RefusedError if it may not be published."""
    try:
        found = _checked(path, row)
    except (KeyError, TypeError, ValueError, ElementTree.ParseError) as error:
        raise RefusedError(f"cannot publish {path.name}: its metadata is not valid") from error
    names = _file_names(found.artifact.nevra, is_source=found.artifact.is_source)
    if path.name not in names:
        raise RefusedError(f"cannot publish {path.name}: its header names {found.artifact.nevra}")
    for special in found.special:
        if special.kind is SpecialKind.DEVICE:
            raise RefusedError(f"cannot publish {path.name}: {special.path} is a device node")
    return found


def _checked(path: Path, row: Mapping[str, Any]) -> RpmFile:
    """Convert an answer of the child; raises ValueError and the like if it is invalid."""
    name, version, release, arch = (_text(row[key]) for key in _NEVRA)
    nevra = Nevra(name, int(row["epoch"]), version, release, arch)
    source_rpm, files, names = (
        _text(row["source_rpm"]),
        _texts(row, "files"),
        _texts(row, "provides"),
    )
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    fragment = Fragment(*_texts(row, "xml"))
    for part in (fragment.primary, fragment.filelists, fragment.other):
        _check_xml(part, nevra, sha256)
    provides = tuple(dict.fromkeys((*names, *(one for one in files if _PROGRAM.match(one)))))
    artifact = Artifact(path.name, nevra, sha256, size, not source_rpm, provides)
    return RpmFile(
        artifact,
        fragment,
        source_rpm,
        requires=_texts(row, "requires"),
        obsoletes=_texts(row, "obsoletes"),
        files=files,
        special=tuple(SpecialFile(SpecialKind(kind), _text(name)) for kind, name in row["special"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_text(one) for one in row[key])


def _check_xml(text: str, nevra: Nevra, sha256: str) -> None:
    """Check that a fragment is exactly this package; raises ValueError if it is not."""
    root = ElementTree.fromstring(f'<x xmlns:rpm="{_COMMON}/rpm">{text}</x>')
    (package,) = root
    name, arch, version = (package.find(tag) for tag in ("name", "arch", "version"))
    if version is None:
        raise ValueError("no version")
    if name is None or arch is None:  # in filelists and other these are attributes
        found = (package.get("name"), package.get("arch"), package.get("pkgid"))
    else:
        found = (name.text, arch.text, package.findtext("checksum"))
    evr = tuple(version.get(key) for key in ("epoch", "ver", "rel"))
    is_right = found == (nevra.name, nevra.arch, sha256)
    if not is_right or evr != (str(nevra.epoch), nevra.version, nevra.release):
        raise ValueError("another package")


class Composer:
    """Writes repodata. `fetch` returns the fragments for keys.

    The segments of the last repository are cached for the next one, so a composer serves one
    component of a target. With a `folder`, later processes can use them too; its content can be
    removed at any time.
    """

    def __init__(
        self,
        fetch: Callable[[Collection[int]], Mapping[int, Fragment]],
        folder: Path | None = None,
    ) -> None:
        self._fetch = fetch
        self._kept: dict[tuple[RepositoryEntry, ...], _Segment] = {}
        self._shelf = _Shelf(folder) if folder else None

    def write(
        self,
        directory: Path,
        own: Iterable[tuple[str, Fragment]],
        others: Sequence[RepositoryEntry],
        *,
        revision: int,
    ) -> None:
        """Write `directory`/repodata, which must not exist.

        `own` are the RPMs that the repository is made for, by href. `revision` is the time, in
        seconds, that clients compare.
        """
        located = [(fragment, href) for href, fragment in own]
        segments = [_compressed(located), *self._segments(_segmented(others))]
        folder = directory / "repodata"
        folder.mkdir()
        repomd = createrepo_c.Repomd()
        repomd.set_revision(str(revision))
        count = len(located) + len(others)
        for number, kind in enumerate(_KINDS):
            members = [
                _Member.of(_XML + kind.opening % count),
                *(segment[number] for segment in segments),
                _Member.of(kind.closing),
            ]
            repomd.set_record(_write_file(folder, kind.name, members, revision))
        (folder / "repomd.xml").write_text(repomd.xml_dump())

    def _segments(self, groups: Sequence[tuple[RepositoryEntry, ...]]) -> list[_Segment]:
        known = {group: self._kept[group] for group in groups if group in self._kept}
        if self._shelf:
            known |= self._shelf.read([group for group in groups if group not in known])
        missing = [entry.key for group in groups if group not in known for entry in group]
        fragments = self._fetch(missing) if missing else {}
        made = {
            group: _compressed([(fragments[entry.key], entry.href) for entry in group])
            for group in groups
            if group not in known
        }
        if self._shelf:
            self._shelf.write(made, keep=groups)
        self._kept = {group: known.get(group) or made[group] for group in groups}
        return list(self._kept.values())


class _Shelf:
    """Segments on disk, each in a file named by its content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(
        self, groups: Sequence[tuple[RepositoryEntry, ...]]
    ) -> dict[tuple[RepositoryEntry, ...], _Segment]:
        """Return those of the groups that are stored here completely."""
        found = {}
        for group in groups:
            try:
                content = (self._folder / self._name(group)).read_bytes()
                found[group] = _unpacked(content)
            except (OSError, EOFError, ValueError, zlib.error):  # missing, or cut off by a crash
                continue
        return found

    def write(
        self,
        made: Mapping[tuple[RepositoryEntry, ...], _Segment],
        keep: Sequence[tuple[RepositoryEntry, ...]],
    ) -> None:
        """Add segments, and remove all that are not in `keep`."""
        if not made:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for group, segment in made.items():
            atomic.write_file(self._folder / self._name(group), _packed(segment))
        names = {self._name(group) for group in keep}
        for old in self._folder.iterdir():
            if old.name not in names:
                old.unlink(missing_ok=True)

    @staticmethod
    def _name(group: tuple[RepositoryEntry, ...]) -> str:
        text = "\0".join(f"{entry.key} {entry.package} {entry.href}" for entry in group)
        return hashlib.sha256(text.encode()).hexdigest()


def _packed(segment: _Segment) -> bytes:
    sizes = " ".join(str(len(member.compressed)) for member in segment)
    return sizes.encode() + b"\n" + b"".join(member.compressed for member in segment)


def _unpacked(content: bytes) -> _Segment:
    head, _, rest = content.partition(b"\n")
    one, two, three = map(int, head.split())
    if len(rest) != one + two + three:
        raise ValueError("the segment was not written completely")
    parts = rest[:one], rest[one : one + two], rest[one + two :]
    primary, filelists, other = (_Member(gzip.decompress(part), part) for part in parts)
    return primary, filelists, other


def _write_file(
    folder: Path, name: str, members: Sequence[_Member], revision: int
) -> createrepo_c.RepomdRecord:
    """Write one metadata file, named by its checksum; return its record for repomd.xml."""
    plain, packed = hashlib.sha256(), hashlib.sha256()
    for member in members:
        plain.update(member.plain)
        packed.update(member.compressed)
    path = folder / f"{packed.hexdigest()}-{name}.xml.gz"
    with path.open("wb") as file:
        file.writelines(member.compressed for member in members)
    record = createrepo_c.RepomdRecord(name, None)
    record.location_href = f"repodata/{path.name}"
    record.checksum, record.checksum_type = packed.hexdigest(), "sha256"
    record.checksum_open, record.checksum_open_type = plain.hexdigest(), "sha256"
    record.size = sum(len(member.compressed) for member in members)
    record.size_open = sum(len(member.plain) for member in members)
    record.set_timestamp(revision)
    return record


def _segmented(entries: Sequence[RepositoryEntry]) -> list[tuple[RepositoryEntry, ...]]:
    """Group the entries so that a package keeps its place when others are added or removed."""
    packages = len({entry.package for entry in entries})
    count = 2 ** max(0, math.ceil(math.log2(packages / PACKAGES_PER_SEGMENT))) if packages else 1
    groups: list[list[RepositoryEntry]] = [[] for _ in range(count)]
    for entry in entries:
        groups[zlib.crc32(entry.package.encode()) % count].append(entry)
    return [tuple(group) for group in groups if group]


def _compressed(located: Sequence[tuple[Fragment, str]]) -> _Segment:
    primary = "".join(_located(fragment.primary, href) for fragment, href in located)
    filelists = "".join(fragment.filelists for fragment, _ in located)
    other = "".join(fragment.other for fragment, _ in located)
    return _Member.of(primary), _Member.of(filelists), _Member.of(other)


def _located(primary: str, href: str) -> str:
    """Return the fragment with `href` instead of the bare file name.

    Text from the RPM cannot look like the tag, because every `<` in it is written as `&lt;`.
    """
    before, tag, after = primary.partition(_LOCATION)
    _, quote, rest = after.partition('"')
    if not (tag and quote):
        raise ValueError("the fragment has no location")
    return f"{before}<location href={quoteattr(href)}{rest}"


def _file_names(nevra: Nevra, *, is_source: bool) -> set[str]:
    arches = ("src", "nosrc") if is_source else (nevra.arch,)
    return {f"{nevra.name}-{nevra.version}-{nevra.release}.{arch}.rpm" for arch in arches}
