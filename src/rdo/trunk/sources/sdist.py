"""Unpacking a source archive of a stranger: bounded, inside its folder, nothing executed."""

import shutil
import tarfile
import zipfile
from calendar import timegm
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from rdo.errors import RefusedError

MAX_FILES = 100_000
MAX_BYTES = 2 * 2**30


def unpack(archive: Path, folder: Path) -> int:
    """Unpack an sdist into `folder`, without its top folder; return its newest file time.

    Raises RefusedError for what is no archive, leaves its folder, is too large, or has not
    exactly one top folder. A `.git` in it is left out: git would take it for a repository.
    """
    scratch = folder.with_name(f"{folder.name}.unpacked")
    try:
        if archive.name.endswith(".zip"):
            newest = _unpack_zip(archive, scratch)
        else:
            newest = _unpack_tar(archive, scratch)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise RefusedError(f"{archive.name} cannot be unpacked safely: {error}") from error
    tops = list(scratch.iterdir()) if scratch.exists() else []
    if len(tops) != 1 or tops[0].is_symlink() or not tops[0].is_dir():
        raise RefusedError(f"{archive.name} has not one folder at its top")
    tops[0].rename(folder)
    shutil.rmtree(scratch)
    return newest


def _unpack_tar(archive: Path, scratch: Path) -> int:
    with tarfile.open(archive, "r:*") as tar:
        members = [member for member in _counted_tar(tar) if _is_wanted(member.name)]
        tar.extractall(scratch, members=members, filter="data")
    return max((int(member.mtime) for member in members), default=0)


def _counted_tar(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    size = 0
    for count, member in enumerate(tar, 1):
        size += member.size
        _check_bounds(count, size)
        yield member


def _unpack_zip(archive: Path, scratch: Path) -> int:
    with zipfile.ZipFile(archive) as file:
        members = [one for one in file.infolist() if _is_wanted(one.filename)]
        _check_bounds(len(members), sum(one.file_size for one in members))
        for one in members:
            path = PurePosixPath(one.filename)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"{one.filename} leaves the folder")
        file.extractall(scratch, members)
        _restore_modes(members, scratch)
    days = (one.date_time for one in members)
    return max((_seconds(day) for day in days), default=0)


def _restore_modes(members: Iterable[zipfile.ZipInfo], scratch: Path) -> None:
    """Zip files keep the executable bit where Python's zipfile does not look."""
    for one in members:
        if not one.is_dir() and (one.external_attr >> 16) & 0o100:
            (scratch / one.filename).chmod(0o755)


def _seconds(moment: tuple[int, int, int, int, int, int]) -> int:
    return timegm((*moment, 0, 0, 0))


def _check_bounds(files: int, size: int) -> None:
    if files > MAX_FILES or size > MAX_BYTES:
        raise ValueError(f"more than {MAX_FILES} files or {MAX_BYTES // 2**30} GiB")


def _is_wanted(name: str) -> bool:
    return ".git" not in PurePosixPath(name).parts
