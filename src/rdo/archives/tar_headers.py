"""Check the headers of a tar archive one by one, before Python's tarfile trusts any of them.

A header may announce a long name of any size, which tarfile reads into memory as a whole. So the
stream is walked first, in blocks (POSIX.1-2017, pax: ustar interchange format), with limits on the
number and size of the members and of the headers that only describe another header.
"""

import bz2
import gzip
import lzma
from pathlib import Path
from typing import IO

from rdo.archives.bounds import check_bounds

MAX_DESCRIPTION = 1_000_000
"""Maximum size in bytes of a long name or of a pax header."""

_BLOCK = 512
_MAGIC = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))
_DESCRIBING = b"xgLKX"


def check_tar(archive: Path) -> None:
    """Walk an archive, compressed or not, and raise ValueError if it is too large or broken.

    Errors of the decompressor (OSError, EOFError, lzma.LZMAError) are passed on.
    """
    try:
        with _open(archive) as stream:
            _walk(stream)
    except lzma.LZMAError as error:
        raise ValueError(str(error)) from error


def _open(archive: Path) -> IO[bytes]:
    with archive.open("rb") as file:
        start = file.read(8)
    for magic, opener in _MAGIC:
        if start.startswith(magic):
            opened: IO[bytes] = opener(archive, "rb")  # type: ignore[assignment]  # read as bytes
            return opened
    return archive.open("rb")


def _walk(stream: IO[bytes]) -> None:
    members = total = 0
    while header := stream.read(_BLOCK):
        if header.count(0) == _BLOCK:
            return
        if len(header) < _BLOCK or not _has_right_sum(header):
            raise ValueError("it is not a tar archive, or it is damaged")
        size, kind = _number(header[124:136]), header[156:157]
        members, total = members + 1, total + size
        if kind in _DESCRIBING and size > MAX_DESCRIPTION:
            raise ValueError(f"one of its headers has more than {MAX_DESCRIPTION} bytes")
        check_bounds(members, total)
        _skip(stream, -(-size // _BLOCK) * _BLOCK)


def _has_right_sum(header: bytes) -> bool:
    """Whether the checksum is correct; its own field is taken as blanks in the sum."""
    return sum(header[:148]) + 32 * 8 + sum(header[156:]) == _number(header[148:156])


def _number(field: bytes) -> int:
    """Return the number in a header field: octal digits, or GNU's binary form."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    text = field.split(b"\0", 1)[0].strip()
    if text and not text.isdigit():
        raise ValueError("it is not a tar archive, or it is damaged")
    return int(text or b"0", 8)


def _skip(stream: IO[bytes], size: int) -> None:
    while size > 0:
        chunk = stream.read(min(size, 1 << 20))
        if not chunk:
            raise ValueError("it ends too early")
        size -= len(chunk)
