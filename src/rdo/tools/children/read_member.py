"""Print one file of a source archive (a program of its own).

Strangers made the archive, so it is read within bounds of memory and processor time, and the file
must be directly in the top folder or below it by the path given. Exit code 1: there is no such
file; 2: the archive cannot be read.
"""

import resource
import sys
import tarfile
import zipfile
from pathlib import Path

MEMORY = 512 << 20
SECONDS = 60
MAX_TEXT = 4 << 20
MAX_MEMBERS = 200_000


def read(archive: Path, wanted: str) -> bytes | None:
    """Return the bytes of a file below the archive's top folder; None if there is none."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            for info in file.infolist()[:MAX_MEMBERS]:
                if info.filename.partition("/")[2] == wanted:
                    with file.open(info) as stream:
                        return stream.read(MAX_TEXT)
        return None
    with tarfile.open(archive, "r:*") as tar:
        for count, member in enumerate(tar):
            if count >= MAX_MEMBERS:
                return None
            if member.isfile() and member.name.removeprefix("./").partition("/")[2] == wanted:
                found = tar.extractfile(member)
                return found.read(MAX_TEXT) if found else None
    return None


def main(argv: list[str]) -> int:
    """Read one file; print it as it is."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        data = read(Path(argv[0]), argv[1])
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, MemoryError, ValueError):
        return 2
    if data is None:
        return 1
    sys.stdout.buffer.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
