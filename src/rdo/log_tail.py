"""Read the end of a log, where a program prints why it failed.

Holes, parts of a file that were never written, are neither read nor copied: a log of a few bytes
may claim to be terabytes long.
"""

import os
from collections.abc import Iterator
from pathlib import Path

TAIL_BYTES = 40_000
_MAX_WIDTH = 300
_CHUNK = 1 << 20
_MAX_PARTS = 10_000


def last_line(text: str, otherwise: str = "it printed nothing") -> str:
    """Return the last line that is not blank, shortened; `otherwise` if all are blank.

    >>> last_line("first\\nerror: no such file\\n\\n")
    'error: no such file'
    >>> last_line("\\n")
    'it printed nothing'
    """
    lines = (line.strip() for line in reversed(text.splitlines()))
    return next((line[:_MAX_WIDTH] for line in lines if line), otherwise)


def read_tail(path: Path, size: int = TAIL_BYTES) -> str:
    """Return the end of a log file; nothing if there is no such file."""
    return read_end(path, size)[0].decode(errors="replace")


def read_end(path: Path, size: int, *, count: int = 0) -> tuple[bytes, int]:
    """Return the last `size` bytes that were written, and the number of lines before them.

    Lines are only counted if at most `count` bytes come before. Empty if there is no file.
    """
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError:
        return b"", 0
    with file:
        parts = _written_parts(file.fileno())
        before, end = _split(parts, sum(map(len, parts)) - size)
        lines = 0
        if sum(map(len, before)) <= count:
            lines = sum(chunk.count(b"\n") for chunk in _read(file.fileno(), before))
        return b"".join(_read(file.fileno(), end)), lines


def close_holes(path: Path) -> None:
    """Replace a file with holes by one without them."""
    with path.open("rb", buffering=0) as file:
        found = os.fstat(file.fileno())
        parts = _written_parts(file.fileno())
        if sum(map(len, parts)) >= found.st_size:
            return
        new = path.with_name(f".{path.name}.new")
        with new.open("wb") as copy:
            copy.writelines(_read(file.fileno(), parts))
    new.replace(path)


def _written_parts(number: int) -> list[range]:
    """Return the parts of an open file that are not holes, in order; only the first ones."""
    size = os.fstat(number).st_size
    parts: list[range] = []
    end = 0
    while end < size and len(parts) < _MAX_PARTS:
        try:
            begin = os.lseek(number, end, os.SEEK_DATA)
        except OSError:  # ENXIO: the rest is a hole
            break
        end = min(os.lseek(number, begin, os.SEEK_HOLE), size)
        parts.append(range(begin, end))
    return parts


def _split(parts: list[range], place: int) -> tuple[list[range], list[range]]:
    """Divide parts after `place` bytes."""
    before: list[range] = []
    after: list[range] = []
    for part in parts:
        cut = min(max(place, 0), len(part))
        place -= cut
        before.append(part[:cut])
        after.append(part[cut:])
    return before, after


def _read(number: int, parts: list[range]) -> Iterator[bytes]:
    """Read parts of a file, a chunk at a time; a part that was cut off meanwhile is missing."""
    for part in parts:
        for begin in range(part.start, part.stop, _CHUNK):
            yield os.pread(number, min(_CHUNK, part.stop - begin), begin)
