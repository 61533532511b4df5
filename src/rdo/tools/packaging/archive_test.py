"""Check that a downloaded file is the archive that its name promises, from start to end.

A server may send an error page, or end early without having announced a length.
"""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.tools.walls.sandbox import Sandbox

_SECONDS = 120.0
_END_OF_ZIP = b"PK\x05\x06"
_MAX_ZIP_COMMENT = 65_535 + 22
_FILE = "archive"
_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_PAGES = (".html", ".htm", ".xhtml", ".shtml", ".php")
_TAR = re.compile(r"\.(?:tar|tar\.\w{1,5}|t[gx]z|tbz2?|tzst|crate|gem)$", re.IGNORECASE)
_NO_TAR = "does not look like a tar archive"
_CUT_TAR = "Unexpected EOF in archive"


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of compressed file: its suffixes, its first bytes, and the program that tests it."""

    endings: tuple[str, ...]
    first: bytes
    program: Sequence[str] = ()


_KINDS = (
    _Kind((".gz", ".tgz", ".crate"), b"\x1f\x8b", ("gzip", "-t")),
    _Kind((".xz", ".txz"), b"\xfd7zXZ\x00", ("xz", "-t")),
    _Kind((".bz2", ".tbz", ".tbz2"), b"BZh", ("bzip2", "-t")),
    _Kind((".zst", ".tzst"), b"\x28\xb5\x2f\xfd", ("zstd", "-t")),
    _Kind((".lz",), b"LZIP", ("lzip", "-t")),
    _Kind((".7z",), b"7z\xbc\xaf\x27\x1c"),
    _Kind((".tar", ".gem"), b""),
    _Kind((".zip", ".whl", ".jar"), b"PK"),
)


def is_archive(name: str) -> bool:
    """Whether a file name is that of a compressed file.

    >>> is_archive("x-1.0.tar.gz"), is_archive("x-1.0.conf")
    (True, False)
    """
    return _kind(name) is not None


def _kind(name: str) -> _Kind | None:
    return next((one for one in _KINDS if name.lower().endswith(one.endings)), None)


def fault_of_archive(name: str, content: bytes, sandbox: Sandbox | None = None) -> str:
    """Return the fault of a downloaded file: of an archive, or of another file that is a web page.

    If this machine lacks the program that tests this kind, the end of the archive is not tested.

    >>> fault_of_archive("x.tar.gz", b""), fault_of_archive("x.conf", b"")
    ('it is empty', '')
    """
    if _PAGE.match(content[:2000]) and not name.lower().endswith(_PAGES):
        return "it is a web page"
    kind = _kind(name)
    if kind is None:
        return ""
    if not content:
        return "it is empty"
    if not content.startswith(kind.first):
        page = b"<html" in content[:2000].lower() or b"<!doctype" in content[:2000].lower()
        return "it is a web page" if page else "its first bytes are those of something else"
    if kind.first == b"PK":
        is_whole = _END_OF_ZIP in content[-_MAX_ZIP_COMMENT:]
        return "" if is_whole else "its end is missing"
    return _fault_of_end(name, kind, content, sandbox or Sandbox())


def _fault_of_end(name: str, kind: _Kind, content: bytes, sandbox: Sandbox) -> str:
    """Return what the programs that unpack an archive report."""
    place, files = f"/sandbox/{_FILE}", {_FILE: content}
    if kind.program:
        done = sandbox.ask(*kind.program, place, files=files, timeout=_SECONDS)
        if done.returncode in {1, 2} and _FILE in done.stderr:
            return "its end is missing, or it is damaged"
    if not _TAR.search(name):
        return ""
    with tempfile.TemporaryDirectory(prefix="rdo-archive-") as folder:
        listed = Path(folder, "listed")
        command = ("tar", "--list", f"--index-file={listed}", "--file", place)
        done = sandbox.ask(*command, files=files, writable=[Path(folder)], timeout=_SECONDS)
        is_empty = not done.returncode and not listed.stat().st_size
    if _CUT_TAR in done.stderr:
        return "its end is missing"
    return "it is not a tar archive" if is_empty or _NO_TAR in done.stderr else ""
