"""Read the headers of RPM files that strangers made (a program of its own, behind walls).

A parser of ours reads them instead of rpm, because only names, signatures and facts about a few
paths are needed, from thousands of files. `rdo.tools.rpm.many_headers` defines question and answer,
both JSON.
"""

import hashlib
import io
import os
import stat
import struct
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import IO, Any

from rdo.tools.children.shut_in import answer, asked, shut_in

_LEAD, _LEAD_BYTES = b"\xed\xab\xee\xdb", 96
_HEADER = b"\x8e\xad\xe8\x01"
_MOST_ENTRIES, _MOST_BYTES = 1 << 16, 64 << 20
_MOST_SIGNATURE_BYTES = 1 << 16

_NAME, _VERSION, _RELEASE, _EPOCH, _ARCH, _SOURCE = 1000, 1001, 1002, 1003, 1022, 1044
_MODES, _DIGESTS, _LINKS, _FLAGS, _USERS, _GROUPS = 1030, 1035, 1036, 1037, 1039, 1040
_FOLDER_NUMBERS, _NAMES, _FOLDERS, _COLORS = 1116, 1117, 1118, 1140
_SIGNATURES = (267, 268, 1002, 1005)
"""DSA and RSA, of the header alone and of header and payload."""
_WIDTHS = {2: "B", 3: "H", 4: "I", 5: "Q"}
_STRING, _BINARY, _STRINGS, _LOCAL_STRINGS = 6, 7, 8, 9
_GHOST = 1 << 6


@dataclass(frozen=True, slots=True)
class Header:
    """A header: the position of each tag's value in the store.

    Its methods raise ValueError for a value of another kind, or one outside the header.
    """

    entries: dict[int, tuple[int, int, int]]
    store: bytes

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Return the numbers of a tag; none if the header does not have it."""
        if tag not in self.entries:
            return ()
        kind, place, count = self.entries[tag]
        if kind not in _WIDTHS:
            raise ValueError(f"tag {tag} holds no numbers")
        form = f">{count}{_WIDTHS[kind]}"
        return struct.unpack(form, self._part(place, struct.calcsize(form)))

    def texts(self, tag: int) -> list[str]:
        """Return the texts of a tag; none if the header does not have it."""
        if tag not in self.entries:
            return []
        kind, place, count = self.entries[tag]
        if kind not in {_STRING, _STRINGS, _LOCAL_STRINGS}:
            raise ValueError(f"tag {tag} holds no text")
        parts = self.store[place:].split(b"\0", count)
        if len(parts) <= count:
            raise ValueError(f"tag {tag} leads out of the header")
        return [part.decode(errors="surrogateescape") for part in parts[:count]]

    def text(self, tag: int) -> str:
        """Return the only text of a tag; empty if the header does not have it."""
        return next(iter(self.texts(tag)), "")

    def binary(self, tag: int) -> bytes:
        """Return the bytes of a tag; none if the header does not have it."""
        if tag not in self.entries:
            return b""
        kind, place, count = self.entries[tag]
        if kind != _BINARY or count > _MOST_SIGNATURE_BYTES:
            raise ValueError(f"tag {tag} holds no signature")
        return self._part(place, count)

    def _part(self, place: int, size: int) -> bytes:
        part = self.store[place : place + size]
        if len(part) != size:
            raise ValueError("a value leads out of the header")
        return part


def read_header(file: IO[bytes]) -> Header:
    """Return the header at the current position of the file; ValueError if there is none."""
    start = file.read(16)
    if len(start) != 16 or start[:4] != _HEADER:
        raise ValueError("it is not an RPM, or is cut off")
    entries, size = struct.unpack(">II", start[8:])
    if entries > _MOST_ENTRIES or size > _MOST_BYTES:
        raise ValueError("its header is larger than any package's")
    index, store = file.read(16 * entries), file.read(size)
    if len(index) != 16 * entries or len(store) != size:
        raise ValueError("its header is cut off")
    found = {tag: (kind, place, count) for tag, kind, place, count in rows(index)}
    if any(place > size or count > size for _, place, count in found.values()):
        raise ValueError("a value leads out of the header")
    return Header(found, store)


def rows(index: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield the entries of a header's index: tag, kind, position and count."""
    yield from struct.iter_unpack(">IIII", index)


def read(file: IO[bytes], paths: Collection[str]) -> dict[str, Any]:
    """Return an RPM's identity, keys, and data about the paths; ValueError if it is not an RPM."""
    lead = file.read(_LEAD_BYTES)
    if len(lead) != _LEAD_BYTES or lead[:4] != _LEAD:
        raise ValueError("it is not an RPM, or is cut off")
    signatures = read_header(file)
    file.seek(-file.tell() % 8, os.SEEK_CUR)
    header = read_header(file)
    return {
        "name": header.text(_NAME),
        "epoch": next(iter(header.numbers(_EPOCH)), 0),
        "version": header.text(_VERSION),
        "release": header.text(_RELEASE),
        "arch": header.text(_ARCH),
        "is_source": _SOURCE not in header.entries,
        "keys": sorted({key_of(signatures.binary(tag)) for tag in _SIGNATURES} - {""}),
        "files": dict(files(header, paths)) if paths else {},
    }


def files(header: Header, paths: Collection[str]) -> Iterator[tuple[str, list[Any]]]:
    """Yield those of the paths that an RPM has: mode, owner, group, content and color of each.

    Ghosts are left out, because rpm does not compare them. Raises ValueError for an incomplete
    list.
    """
    folders, names = header.texts(_FOLDERS), header.texts(_NAMES)
    numbers, modes, flags = (header.numbers(tag) for tag in (_FOLDER_NUMBERS, _MODES, _FLAGS))
    columns = [header.texts(tag) for tag in (_USERS, _GROUPS, _DIGESTS, _LINKS)]
    colors = header.numbers(_COLORS) or (0,) * len(names)
    if any(len(one) != len(names) for one in (numbers, modes, flags, colors, *columns)):
        raise ValueError("its list of files is not complete")
    for number, name in enumerate(names):
        if numbers[number] >= len(folders):
            raise ValueError("its list of files is not complete")
        path = folders[numbers[number]] + name
        if path not in paths or flags[number] & _GHOST:
            continue
        user, group, digest, link = (one[number] for one in columns)
        content = link if stat.S_ISLNK(modes[number]) else digest
        yield path, [modes[number], user, group, content, colors[number]]


def key_of(signature: bytes) -> str:
    """Return the id of the key of a signature, `?` if it is not given; empty if there is none."""
    if not signature:
        return ""
    body = signature[_length_of_head(signature) :]
    if body[:1] == b"\x03":
        return body[7:15].hex() or "?"
    if body[:1] != b"\x04" or len(body) < 6:
        return "?"
    hashed = int.from_bytes(body[4:6], "big")
    rest = body[6 + hashed :]
    parts = [
        *subpackets(body[6 : 6 + hashed]),
        *subpackets(rest[2 : 2 + int.from_bytes(rest[:2], "big")]),
    ]
    for kind, value in parts:
        if kind == 16 and len(value) == 8:
            return value.hex()
        if kind == 33 and len(value) > 8:
            return value[-8:].hex()
    return "?"


def _length_of_head(packet: bytes) -> int:
    """Return the length of a packet's head, in the new or old format (RFC 4880)."""
    is_new = packet[0] & 0x40
    if not is_new:
        return 1 + (1, 2, 4, 0)[packet[0] & 3]
    first = packet[1] if len(packet) > 1 else 0
    return 2 if first < 192 else 3 if first < 224 else 6


def subpackets(area: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the parts of a signature: kind and value."""
    while area:
        size, head = area[0], 1
        if size >= 192 and len(area) > 1:
            size, head = ((size - 192) << 8) + area[1] + 192, 2
        part = area[head : head + size]
        if not part or len(part) != size or (head == 2 and size > 1 << 14):
            return
        yield part[0] & 0x7F, part[1:]
        area = area[head + size :]


def main() -> int:
    """Answer the question on stdin: the headers of RPMs, read behind walls."""
    question, walls = asked()
    wanted = [(row["path"], frozenset(row["files"])) for row in question["rpms"]]
    opened: list[int | str] = []
    for path, _ in wanted:
        try:
            opened.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC))
        except OSError as error:
            opened.append(f"it cannot be opened: {error.strerror}")
    shut_in(walls, [one for one in opened if isinstance(one, int)])
    answer(
        {
            "rpms": [
                row(one, paths, hashes=question["hashes"])
                for one, (_, paths) in zip(opened, wanted, strict=True)
            ]
        }
    )
    return 0


def row(descriptor: int | str, paths: Collection[str], *, hashes: bool) -> dict[str, Any]:
    """Return the data about one open file, or why it cannot be read."""
    if isinstance(descriptor, str):
        return {"refused": descriptor}
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return {"refused": "it is not a regular file"}
    with os.fdopen(descriptor, "rb") as file:
        try:
            found = read(file, paths)
            if hashes:
                file.seek(0)
                found["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError, MemoryError, struct.error, io.UnsupportedOperation) as error:
            return {"refused": str(error) or type(error).__name__}
    return found


if __name__ == "__main__":
    sys.exit(main())
