"""The file `sources` of a distgit: the files in its lookaside cache, with their hashes.

Three forms are read. BSD's form, `SHA512 (FILE) = HEX`, is also written, for files beside the spec.
md5sum's form, `HEX FILE`, is in old distgits. CentOS's form, `HEX SOURCES/FILE`, is in
`.NAME.metadata`, and is written for files in SOURCES. In the last two forms the length of HEX
determines the kind of hash.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from rdo.errors import ConfigError, RefusedError
from rdo.lookaside.hashes import HashType, hash_type_of

SOURCES = "sources"
_BSD = re.compile(r"([A-Za-z0-9]{3,10}) \(([^()\s]+)\) ?= ?([0-9A-Fa-f]+)")
_OLD = re.compile(r"([0-9A-Fa-f]{32,128}) [ *]?(\S+)")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+~^@%=,:!-]{0,254}")


def check_file_name(name: str) -> str:
    """Return the name of a source file if it is a plain one; raises RefusedError if not."""
    if not _FILE_NAME.fullmatch(name):
        raise RefusedError(
            f"{name!r} cannot be the name of a source file",
            hint="use letters, digits and . _ + ~ ^ @ % = , : ! -, at most 255",
        )
    return name


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One file of a lookaside cache; `folder` is its folder in the distgit."""

    name: str
    hash_type: HashType
    digest: str
    folder: str = ""

    @property
    def place(self) -> str:
        """The path of the file in the distgit."""
        return f"{self.folder}/{self.name}" if self.folder else self.name

    def __str__(self) -> str:
        if self.folder:  # CentOS's form, which its own scripts read
            return f"{self.digest} {self.place}"
        return f"{self.hash_type.upper()} ({self.name}) = {self.digest}"


@dataclass(frozen=True, slots=True)
class SourcesFile:
    """A `sources` file: its entries, and other lines (comments), which edits keep."""

    lines: tuple[str | SourceEntry, ...] = ()

    @property
    def entries(self) -> tuple[SourceEntry, ...]:
        """The files in their original order."""
        return tuple(line for line in self.lines if isinstance(line, SourceEntry))

    def entry(self, name: str) -> SourceEntry | None:
        """Return the entry of a file, or None."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def add(self, new: Collection[SourceEntry]) -> "SourcesFile":
        """Return the file with these entries; each replaces one with its name, or comes last.

        Raises RefusedError if other entries have another kind of hash: rpkg reads only one kind per
        file.
        """
        by_name = {entry.name: entry for entry in new}
        lines = [
            by_name.pop(line.name, line) if isinstance(line, SourceEntry) else line
            for line in self.lines
        ]
        made = replace(self, lines=(*lines, *by_name.values()))
        kinds = {entry.hash_type for entry in made.entries}
        if len(kinds) > 1:
            old = next(entry for entry in made.entries if entry not in new)
            raise RefusedError(
                f"sources has {old.hash_type} for {old.name}; a file may have one hash type only",
                hint="upload all files anew with new-sources",
            )
        return made

    def replaced(self, new: Collection[SourceEntry]) -> "SourcesFile":
        """Return the file with only these entries; comments stay."""
        comments = (line for line in self.lines if isinstance(line, str) and line.startswith("#"))
        return SourcesFile((*comments, *new))

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


def parse_sources(text: str) -> SourcesFile:
    """Parse a `sources` or `.NAME.metadata` file.

    Raises ConfigError for a line that is none of its forms, RefusedError for a bad file name.

    >>> parse_sources("# none\\nd41d8cd98f00b204e9800998ecf8427e  a.tar.gz\\n").entries[0].hash_type
    <HashType.MD5: 'md5'>
    """
    return SourcesFile(tuple(_lines(text)))


def _lines(text: str) -> Iterator[str | SourceEntry]:
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.strip()
        if not plain or plain.startswith("#"):
            yield plain
            continue
        entry = _entry(plain)
        if entry is None:
            raise ConfigError(
                f"sources, line {number}: not an entry: {plain[:100]!r}",
                hint="write SHA512 (FILE) = HASH",
            )
        yield entry


def _entry(line: str) -> SourceEntry | None:
    if found := _BSD.fullmatch(line):
        named, path, digest = found[1].lower(), found[2], found[3].lower()
        if hash_type_of(digest) != named:
            return None
    elif found := _OLD.fullmatch(line):
        digest, path = found[1].lower(), found[2]
    else:
        return None
    kind = hash_type_of(digest)
    where = PurePosixPath(path)
    if kind is None or where.is_absolute() or str(where.parent) not in {".", "SOURCES"}:
        return None
    folder = "" if str(where.parent) == "." else str(where.parent)
    return SourceEntry(check_file_name(where.name), kind, digest, folder)
