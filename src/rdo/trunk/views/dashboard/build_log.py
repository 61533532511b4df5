"""Read the log of a build in limited parts, while it grows and afterwards.

`folder` is the folder of the build.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import IO

from rdo.beneath import open_beneath
from rdo.errors import NotFoundError, RefusedError
from rdo.logs.reader import LogReading, clean, read_log, telling_lines
from rdo.model.build import BUILD_LOG
from rdo.pages.live_values import LogPart

MOST_BYTES = 200_000
"""How much of a log a page shows, and how much is added at a time."""
_ANY_SIZE = 1 << 62  # only a part is read, however large the file is
_PIECE = 1 << 16


def end_of_log(folder: Path, *, is_over: bool) -> LogPart | None:
    """Return the end of a build's log; None if it has none.

    If the build failed, the cause is marked.
    """
    try:
        with _opened(folder) as file:
            size = file.seek(0, 2)
            begin = max(size - MOST_BYTES, 0)
            file.seek(begin)
            content = file.read(MOST_BYTES)
    except NotFoundError:
        return None
    part = _part(content, begin, is_over=is_over)
    if begin:  # the first line is only the end of a line
        part = replace(part, lines=part.lines[1:])
    return part


def with_marks(part: LogPart, causes: LogReading) -> LogPart:
    """Mark the lines that show the cause."""
    marked = {line.text for line in causes.lines if line.is_cause and line.text.strip()}
    return replace(part, lines=tuple((text, text in marked) for text, _ in part.lines))


def causes_of(part: LogPart) -> LogReading:
    """Find the cause in the end of a log."""
    return _read("\n".join(text for text, _ in part.lines))


@lru_cache(maxsize=32)
def _read(text: str) -> LogReading:
    return read_log(text)


def grown(folder: Path, offset: int, *, is_over: bool) -> LogPart:
    """Return what was added to a log since an offset, at most 200 kB of it, with errors marked.

    Raises NotFoundError if there is no log.
    """
    begin, content, size = read_from(folder, offset, MOST_BYTES)
    ends = is_over and begin + len(content) >= size
    part = _part(content, begin, is_over=ends)
    telling = telling_lines([text for text, _ in part.lines])
    lines = tuple((text, number in telling) for number, (text, _) in enumerate(part.lines))
    return replace(part, lines=lines)


def read_from(folder: Path, offset: int, most: int) -> tuple[int, bytes, int]:
    """Return the part of a log that begins at an offset: its position, its bytes, the log's size.

    An offset beyond the log means its end. Raises NotFoundError if there is no log.
    """
    with _opened(folder) as file:
        size = file.seek(0, 2)
        begin = min(max(offset, 0), size)
        file.seek(begin)
        return begin, file.read(most), size


def whole_log(folder: Path) -> Iterator[bytes]:
    """Yield a whole log, up to its current size.

    Raises NotFoundError, when it is called, if there is no log.
    """
    with _opened(folder) as file:
        left = file.seek(0, 2)

    def pieces() -> Iterator[bytes]:
        rest = left
        with _opened(folder) as again:
            while rest > 0 and (piece := again.read(min(_PIECE, rest))):
                rest -= len(piece)
                yield piece

    return pieces()


def _part(content: bytes, begin: int, *, is_over: bool) -> LogPart:
    """Return whole lines; an incomplete one is left for the next time."""
    if not is_over:
        whole = content.rfind(b"\n") + 1
        content = content if not whole and len(content) == MOST_BYTES else content[:whole]
    lines = content.decode(errors="replace").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    shown = tuple((clean(line), False) for line in lines)
    return LogPart(shown, begin + len(content), is_whole=begin == 0, is_over=is_over)


@contextmanager
def _opened(folder: Path) -> Iterator[IO[bytes]]:
    try:
        with (
            open_beneath(folder) as beneath,
            beneath.open(BUILD_LOG, limit=_ANY_SIZE) as file,
        ):
            yield file
    except (FileNotFoundError, NotADirectoryError, RefusedError):
        raise NotFoundError(f"build {folder.name} has no log") from None
