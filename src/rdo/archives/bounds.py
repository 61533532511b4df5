"""Limits on the size of an archive and on the names of its members."""

import re
from pathlib import PurePosixPath

MAX_FILES = 100_000
MAX_BYTES = 2 * 2**30
MAX_DEPTH = 64
MAX_NAME = 1024
"""Maximum length in bytes of a member's name, with its folders."""

_ODD = re.compile(r"[\x00-\x1f\x7f\\]")


def check_bounds(files: int, size: int) -> None:
    """Raise ValueError if an archive contains too many files or too many bytes."""
    if files > MAX_FILES or size > MAX_BYTES:
        raise ValueError(f"more than {MAX_FILES} files or {MAX_BYTES // 2**30} GiB")


def check_name(name: str) -> None:
    """Raise ValueError for a name that points outside the folder, or is too long or too deep."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name[:200]!a} leaves the folder")
    if len(path.parts) > MAX_DEPTH:
        raise ValueError(f"{name[:60]}… is more than {MAX_DEPTH} folders deep")


def check_plain_name(name: str) -> None:
    """Raise ValueError for a name that can be written in several ways, or cannot be in an RPM.

    A folder's name may end with a slash.
    """
    check_name(name)
    plain = name.removesuffix("/")
    if len(name.encode(errors="replace")) > MAX_NAME:
        raise ValueError(f"{name[:60]}… has more than {MAX_NAME} bytes")
    if _ODD.search(name) or plain != str(PurePosixPath(plain)) or plain in {"", "."}:
        raise ValueError(f"{name[:200]!a} is not a plain file name")
