"""Print one file of a source archive (a program of its own).

Strangers made the archive, so it is opened first and read behind walls. The file is given by its
path in the top folder. The answer is its content in base64, or why there is none.
"""

import base64
import bz2  # noqa: F401 - tarfile loads it when it is too late
import gzip  # noqa: F401
import lzma  # noqa: F401
import os
import sys
import tarfile
import zipfile
from typing import IO

from rdo.tools.children.shut_in import answer, asked, shut_in

MAX_TEXT = 4 << 20
MAX_MEMBERS = 200_000
OLD_NAMES = "cp437"  # the encoding of names in zip archives that are not in UTF-8


def read(archive: IO[bytes], wanted: str) -> bytes | None:
    """Return the bytes of a file in the archive's top folder; None if it does not exist."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            for info in file.infolist()[:MAX_MEMBERS]:
                if info.filename.partition("/")[2] == wanted:
                    with file.open(info) as stream:
                        return stream.read(MAX_TEXT)
        return None
    archive.seek(0)
    with tarfile.open(fileobj=archive, mode="r:*") as tar:
        for count, member in enumerate(tar):
            if count >= MAX_MEMBERS:
                return None
            if member.isfile() and member.name.removeprefix("./").partition("/")[2] == wanted:
                found = tar.extractfile(member)
                return found.read(MAX_TEXT) if found else None
    return None


def main() -> int:
    """Answer the question on stdin: the content of one member of an archive, or null."""
    question, walls = asked()
    try:
        archive = os.open(question["archive"], os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        answer({"found": None})
        return 0
    "".encode(OLD_NAMES)  # loads it
    shut_in(walls, [archive])
    try:
        with os.fdopen(archive, "rb") as file:
            data = read(file, question["name"])
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, MemoryError, ValueError):
        data = None
    answer({"found": None if data is None else base64.b64encode(data).decode()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
