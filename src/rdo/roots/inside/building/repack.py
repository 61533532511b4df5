"""Repack a source archive under another top folder, with the same bytes every time.

Runs inside the root as the build user, because the archive is not trusted.
"""

import gzip
import tarfile
from pathlib import Path, PurePosixPath


def repack(archive: Path, output: Path, top: str, when: int) -> None:
    """Write the members sorted, owned by root, none newer than `when` (seconds since the epoch)."""
    with (
        tarfile.open(archive) as source,
        output.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in sorted(source.getmembers(), key=lambda one: one.name):
            inside = PurePosixPath(member.name).parts[1:]
            member.name = str(PurePosixPath(top, *inside))
            if member.islnk():
                member.linkname = str(PurePosixPath(top, *PurePosixPath(member.linkname).parts[1:]))
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            member.mtime = min(int(member.mtime), when)
            member.pax_headers = {}
            target.addfile(member, source.extractfile(member) if member.isreg() else None)


def main(argv: list[str]) -> int:
    archive, output, top, when = argv
    repack(Path(archive), Path(output), top, int(when))
    return 0
