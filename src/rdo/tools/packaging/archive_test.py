"""Whether a downloaded file is the archive that its name promises, from beginning to end.

A server may send a page about an error, or end early without having said how much it would send.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rdo.tools.walls.sandbox import Sandbox

_SECONDS = 120.0
_END_OF_ZIP = b"PK\x05\x06"
_MAX_ZIP_COMMENT = 65_535 + 22
_FILE = "archive"


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of compressed file: how names end, its first bytes, the program that tests one."""

    endings: tuple[str, ...]
    first: bytes
    program: Sequence[str] = ()


_KINDS = (
    _Kind((".gz", ".tgz", ".crate"), b"\x1f\x8b", ("gzip", "-t")),
    _Kind((".xz", ".txz"), b"\xfd7zXZ\x00", ("xz", "-t")),
    _Kind((".bz2", ".tbz", ".tbz2"), b"BZh", ("bzip2", "-t")),
    _Kind((".zst", ".tzst"), b"\x28\xb5\x2f\xfd", ("zstd", "-t")),
    _Kind((".zip", ".whl", ".jar"), b"PK"),
)


def is_archive(name: str) -> bool:
    """Whether a file's name is that of a compressed file.

    >>> is_archive("x-1.0.tar.gz"), is_archive("x-1.0.conf")
    (True, False)
    """
    return _kind(name) is not None


def _kind(name: str) -> _Kind | None:
    return next((one for one in _KINDS if name.lower().endswith(one.endings)), None)


def fault_of_archive(name: str, content: bytes, sandbox: Sandbox | None = None) -> str:
    """Return what is wrong with a downloaded archive; "" if nothing is, or if it is no archive.

    A machine without the program that tests this kind leaves the end untested.

    >>> fault_of_archive("x.tar.gz", b""), fault_of_archive("x.conf", b"")
    ('it is empty', '')
    """
    kind = _kind(name)
    if kind is None:
        return ""
    if not content:
        return "it is empty"
    if not content.startswith(kind.first):
        page = b"<html" in content[:2000].lower() or b"<!doctype" in content[:2000].lower()
        return "it is a web page" if page else "its first bytes are those of something else"
    if not kind.program:
        is_whole = _END_OF_ZIP in content[-_MAX_ZIP_COMMENT:]
        return "" if is_whole else "its end is missing"
    done = (sandbox or Sandbox()).ask(
        *kind.program, f"/sandbox/{_FILE}", files={_FILE: content}, timeout=_SECONDS
    )
    is_damaged = done.returncode in {1, 2} and _FILE in done.stderr
    return "its end is missing, or it is damaged" if is_damaged else ""
