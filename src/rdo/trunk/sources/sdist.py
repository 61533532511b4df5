"""Unpack a stranger's source archive: within limits, inside its folder, executing nothing."""

import posixpath
import shutil
import tarfile
import zipfile
from calendar import timegm
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from rdo.archives.bounds import check_name
from rdo.archives.tar_headers import check_tar
from rdo.archives.zip_entries import read_entries
from rdo.errors import RefusedError


def unpack(archive: Path, folder: Path) -> int:
    """Unpack an sdist into `folder`, without its top folder; return its newest file time.

    Raises RefusedError for a file that is not an archive, that would leave its folder, is too
    large, or does not have exactly one top folder. A `.git` in it is left out, because git would
    take it for a repository.
    """
    scratch = folder.with_name(f"{folder.name}.unpacked")
    try:
        if archive.name.endswith(".zip"):
            newest = _unpack_zip(archive, scratch)
        else:
            newest = _unpack_tar(archive, scratch)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError, KeyError) as error:
        raise RefusedError(f"{archive.name} cannot be unpacked safely: {error}") from error
    tops = list(scratch.iterdir()) if scratch.exists() else []
    if len(tops) != 1 or tops[0].is_symlink() or not tops[0].is_dir():
        raise RefusedError(f"{archive.name} does not have exactly one folder at its top")
    tops[0].rename(folder)
    shutil.rmtree(scratch)
    return newest


def _unpack_tar(archive: Path, scratch: Path) -> int:
    check_tar(archive)
    with tarfile.open(archive, "r:*") as tar:
        members = [member for member in tar if _is_wanted(member.name)]
        for member in members:
            check_name(member.name)
            _write_member(tar, member, scratch)
        for member in members:  # last, so that no file is written through a link
            if member.issym():
                _link(member, scratch)
    return max((int(member.mtime) for member in members), default=0)


def _write_member(tar: tarfile.TarFile, member: tarfile.TarInfo, scratch: Path) -> None:
    """Write a file or folder of an archive whose headers were checked; a hard link is a copy.

    Not `extractall`: Debian's Python 3.11.2 has no filter for it.
    """
    place = scratch / member.name
    if member.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    if member.issym():
        return
    content = tar.extractfile(member) if member.isfile() or member.islnk() else None
    if content is None:
        raise ValueError(f"{member.name} is not a file, a folder or a link to one")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)  # a later member replaces an earlier one
    with place.open("xb") as file:
        shutil.copyfileobj(content, file)
    place.chmod(0o755 if member.mode & 0o100 else 0o644)


def _link(member: tarfile.TarInfo, scratch: Path) -> None:
    place = scratch / member.name
    target = posixpath.normpath(f"{posixpath.dirname(member.name)}/{member.linkname}")
    top = PurePosixPath(member.name).parts[0]
    if member.linkname.startswith("/") or PurePosixPath(target).parts[0] != top:
        raise ValueError(f"{member.name} links to {member.linkname}, out of the folder")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(member.linkname)


def _unpack_zip(archive: Path, scratch: Path) -> int:
    with archive.open("rb") as raw:
        read_entries(raw)
    with zipfile.ZipFile(archive) as file:
        members = [one for one in file.infolist() if _is_wanted(one.filename)]
        file.extractall(scratch, members)
        _restore_modes(members, scratch)
    days = (one.date_time for one in members)
    return max((_seconds(day) for day in days), default=0)


def _restore_modes(members: Iterable[zipfile.ZipInfo], scratch: Path) -> None:
    """Restore executable bits, which Python's zipfile ignores."""
    for one in members:
        if not one.is_dir() and (one.external_attr >> 16) & 0o100:
            (scratch / one.filename).chmod(0o755)


def _seconds(moment: tuple[int, int, int, int, int, int]) -> int:
    return timegm((*moment, 0, 0, 0))


def _is_wanted(name: str) -> bool:
    return ".git" not in PurePosixPath(name).parts
