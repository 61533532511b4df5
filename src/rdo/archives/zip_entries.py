"""Read and compare the entries of a zip archive before anything else opens it.

Python's zipfile trusts the directory at an archive's end, reads it into memory whatever its size,
and uses the last of two entries with the same name. Here the directory is limited in size and
walked entry by entry (PKWARE's APPNOTE 6.3.10); each entry must have one plain name, bytes of its
own, and a compression method that every reader supports. No wheel or sdist needs the features that
are refused here.
"""

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from rdo.archives.bounds import MAX_FILES, MAX_NAME, check_bounds, check_plain_name

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL = struct.Struct("<4s2B4HL2L2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x2041, 0x800
"""Flags: encryption in any form (bits 0, 6 and 13), and names in UTF-8."""

_PATCHED = 0x20
_SECOND_NAME = 0x7075
_CHUNK = 1 << 20
_MAX_DIRECTORY = MAX_FILES * 512


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One entry: a file, or a folder whose name ends with a slash.

    `offset` is where its bytes begin; `packed` and `size` are how many bytes it has compressed and
    uncompressed.
    """

    name: str
    offset: int
    packed: int
    size: int
    crc: int
    is_deflated: bool

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.name.endswith("/")


@dataclass(frozen=True, slots=True)
class _Row:
    """The directory's data about an entry whose bytes have not been read yet."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    header: int


def read_entries(file: IO[bytes]) -> list[ZipEntry]:
    """Return the entries of a zip archive in the order of its directory.

    Raises ValueError, with the reason, for an archive that is damaged, too large or encrypted, that
    contains an entry twice, or whose directory contradicts an entry's own header.
    """
    rows, end = _directory(file)
    check_bounds(len(rows), sum(row.size for row in rows))
    found = [_entry(file, row) for row in rows]
    _check_names(found)
    _check_places(rows, found, end)
    return found


def content(file: IO[bytes], entry: ZipEntry) -> Iterator[bytes]:
    """Yield the content of an entry; raises ValueError if its size or checksum is wrong."""
    size, crc = 0, 0
    for chunk in _unpacked(file, entry):
        size, crc = size + len(chunk), zlib.crc32(chunk, crc)
        if size > entry.size:
            break
        yield chunk
    if size != entry.size or crc != entry.crc:
        raise ValueError(f"{entry.name!a} has another size or sum than the archive says")


def _unpacked(file: IO[bytes], entry: ZipEntry) -> Iterator[bytes]:
    """Yield the uncompressed bytes of an entry, at most 1 MiB at once."""
    file.seek(entry.offset)
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    left = entry.packed
    while left:
        packed = file.read(min(left, _CHUNK))
        if not packed:
            raise ValueError(f"{entry.name!a} ends too early")
        left -= len(packed)
        yield from _inflated(unpacker, packed, entry) if entry.is_deflated else (packed,)
    if entry.is_deflated and (not unpacker.eof or unpacker.unused_data):
        raise ValueError(f"{entry.name!a} has data after its end")


def _inflated(unpacker: "zlib._Decompress", packed: bytes, entry: ZipEntry) -> Iterator[bytes]:
    while True:
        try:
            chunk = unpacker.decompress(packed, _CHUNK)
        except zlib.error as error:
            raise ValueError(f"{entry.name!a} is damaged: {error}") from error
        yield chunk
        packed = unpacker.unconsumed_tail
        if not packed and len(chunk) < _CHUNK:
            return


def read_content(file: IO[bytes], entry: ZipEntry, *, limit: int) -> bytes:
    """Return the content of an entry of at most `limit` bytes; raises ValueError as `content`."""
    if entry.size > limit:
        raise ValueError(f"{entry.name!a} has more than {limit} bytes")
    return b"".join(content(file, entry))


def _directory(file: IO[bytes]) -> tuple[list[_Row], int]:
    """Return the rows of the directory, and where it begins."""
    length = file.seek(0, 2)
    start = max(0, length - _END.size - 0xFFFF)
    file.seek(start)
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < _END.size:
        raise ValueError("it is not a zip archive, or it is damaged")
    fields = _END.unpack_from(tail, place)
    _, disk, first_disk, here, count, size, offset, comment = fields
    if len(tail) - place - _END.size != comment or disk or first_disk or here != count:
        raise ValueError("the end of the zip archive is malformed")
    if tail[max(0, place - 20) :].startswith(b"PK\x06\x07"):
        raise ValueError("it is a zip64 archive, which states its sizes twice")
    if offset + size != start + place:
        raise ValueError("the directory of the zip archive is not at its end")
    if size > _MAX_DIRECTORY:
        raise ValueError(f"the directory of the zip archive has more than {_MAX_DIRECTORY} bytes")
    file.seek(offset)
    table = file.read(size)
    rows = list(_rows(table, count))
    return rows, offset


def _rows(table: bytes, count: int) -> Iterator[_Row]:
    place = 0
    for _ in range(count):
        if len(table) - place < _CENTRAL.size:
            raise ValueError("the directory of the zip archive ends too early")
        fields = _CENTRAL.unpack_from(table, place)
        magic, _, made_on, _, _, flags, method, _, _, crc, packed, size = fields[:12]
        name_length, extra, comment, disk, _, attributes, header = fields[12:]
        if magic != b"PK\x01\x02" or disk or name_length > MAX_NAME:
            raise ValueError("the directory of the zip archive is damaged")
        start = place + _CENTRAL.size
        name = table[start : start + name_length]
        _check_extra(table[start + name_length : start + name_length + extra], name)
        place = start + name_length + extra + comment
        if len(name) != name_length or place > len(table):
            raise ValueError("the directory of the zip archive ends too early")
        _check_kind(name, attributes >> 16 if made_on == 3 else 0)
        yield _Row(name, flags, method, crc, packed, size, header)
    if place != len(table):
        raise ValueError("the directory of the zip archive has more entries than it counts")


def _check_extra(extra: bytes, name: bytes) -> None:
    """Refuse a second name in the extra fields: some readers use it and others ignore it."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<2H", extra)
        if kind == _SECOND_NAME:
            raise ValueError(f"{_shown(name)} has a second name")
        extra = extra[4 + size :]


def _check_kind(name: bytes, mode: int) -> None:
    """Refuse links, devices and the like, which only archives from Unix systems contain."""
    kind = stat.S_IFMT(mode)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR} or (
        kind == stat.S_IFDIR and not name.endswith(b"/")
    ):
        raise ValueError(f"{_shown(name)} is neither a file nor a folder")


def _entry(file: IO[bytes], row: _Row) -> ZipEntry:
    shown = _shown(row.name)
    if row.flags & (_ENCRYPTED | _PATCHED):
        raise ValueError(f"{shown} is encrypted")
    if row.method not in {_STORED, _DEFLATED}:
        raise ValueError(f"{shown} is compressed by the unusual method {row.method}")
    if row.method == _STORED and row.packed != row.size:
        raise ValueError(f"{shown} has two different sizes")
    if row.name.endswith(b"/") and row.size:
        raise ValueError(f"the folder {shown} has content")
    try:
        name = row.name.decode("utf-8" if row.flags & _UTF8 else "ascii")
    except UnicodeDecodeError as error:
        raise ValueError(f"the name {shown} is not in UTF-8") from error
    check_plain_name(name)
    offset = _start_of_bytes(file, row)
    return ZipEntry(name, offset, row.packed, row.size, row.crc, row.method == _DEFLATED)


def _start_of_bytes(file: IO[bytes], row: _Row) -> int:
    """Return the offset of the bytes of an entry, after the entry's own header.

    Its checksum and sizes may follow the bytes; if they do not, they must match the directory.
    """
    file.seek(row.header)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size:
        raise ValueError(f"the header of {_shown(row.name)} is missing")
    magic, _, _, flags, method, _, _, crc, packed, size, name_length, extra = _LOCAL.unpack(header)
    sums = (crc, packed, size)
    follows = flags & 0x08
    is_same = sums == (row.crc, row.packed, row.size) or (follows and not any(sums))
    is_zip64 = packed == size == 0xFFFFFFFF  # some programs always write the ZIP64 form
    if (
        magic != b"PK\x03\x04"
        or flags & (_ENCRYPTED | _PATCHED)
        or method != row.method
        or file.read(name_length) != row.name
        or not (is_same or is_zip64 or follows)
    ):
        raise ValueError(f"{_shown(row.name)} is not what the directory of the archive says")
    return row.header + _LOCAL.size + int(name_length) + int(extra)


def _check_names(entries: list[ZipEntry]) -> None:
    """Refuse a name that occurs twice, or both as a file and as a folder."""
    files: set[str] = set()
    folders: set[str] = set()
    for entry in entries:
        plain = entry.name.removesuffix("/")
        if not entry.is_folder:
            if plain in files:
                raise ValueError(f"{plain!a} is there twice")
            files.add(plain)
        folders.update(map(str, PurePosixPath(entry.name).parents))
        if entry.is_folder:
            folders.add(plain)
    if both := sorted(files & folders):
        raise ValueError(f"{both[0]!a} is a file and a folder")


def _check_places(rows: list[_Row], entries: list[ZipEntry], end: int) -> None:
    """Refuse entries that share bytes: a small archive could unpack to an endless one."""
    before = 0
    pairs = zip(rows, entries, strict=True)
    for row, entry in sorted(pairs, key=lambda pair: pair[0].header):
        if row.header < before:
            raise ValueError(f"{entry.name!a} shares bytes with another file")
        before = entry.offset + entry.packed
    if before > end:
        raise ValueError("its files are larger than the archive")


def _shown(name: bytes) -> str:
    return ascii(name[:200].decode(errors="replace"))
