"""What a published repository refers to, read from its own files."""

import gzip
import hashlib
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

from rdo.errors import RefusedError
from rdo.publish.contents import DEBUG
from rdo.publish.pool import NAME

REPOMD = "repodata/repomd.xml"
"""The file of a repository that names all others; its signature is beside it."""

_HREF = re.compile(rb'<location href="([^"]*)"')
_SPACE = "{http://linux.duke.edu/metadata/repo}"
_SNAPSHOT = re.compile(r"/deps/([0-9a-f]{16})\b")


class DamagedError(RefusedError):
    """A repository that a client could not use, with the reason."""


def parts(directory: Path) -> Iterator[Path]:
    """Return the folders of a repository that have repodata."""
    yield directory
    if (directory / DEBUG).is_dir():
        yield directory / DEBUG


def has_repodata(directory: Path) -> bool:
    """Whether a client finds repodata in a folder; what is in it is not read."""
    return (directory / REPOMD).is_file()


def has_signature(directory: Path) -> bool:
    """Whether a client finds a signature of the repodata in a folder; whose it is, is not read."""
    return (directory / f"{REPOMD}.asc").is_file()


def is_signed(directory: Path, reponame: str) -> bool:
    """Whether a repository has a signature, and all its RPMs have, as its .repo file says."""
    file = directory / f"{reponame}.repo"  # snapshots of dependencies have none
    return has_signature(directory) and (
        not file.is_file() or "gpgcheck=1" in file.read_text().split()
    )


def hrefs(folder: Path) -> frozenset[str]:
    """Return the RPMs that repodata lists, relative to its folder.

    Raises DamagedError if the repodata is not intact.
    """
    try:
        index = ElementTree.fromstring((folder / REPOMD).read_bytes())
        found: frozenset[str] = frozenset()
        for data in index.iter(f"{_SPACE}data"):
            content = _checked(folder, data)
            if data.get("type") == "primary":
                names = _HREF.findall(gzip.decompress(content))
                found = frozenset(unescape(name.decode()) for name in names)
    except (OSError, EOFError, ElementTree.ParseError, AttributeError) as error:
        raise DamagedError(f"its repodata cannot be read: {error}") from error
    return found


def _checked(folder: Path, data: ElementTree.Element) -> bytes:
    """Return the content of a metadata file, checked against repomd.xml."""
    location, checksum = data.find(f"{_SPACE}location"), data.find(f"{_SPACE}checksum")
    assert location is not None
    assert checksum is not None
    content = (folder / location.attrib["href"]).read_bytes()
    if hashlib.sha256(content).hexdigest() != checksum.text:
        raise DamagedError(f"{location.attrib['href']} does not match repomd.xml")
    return content


def offered(directory: Path) -> frozenset[str]:
    """Return the RPMs that all repodata of a repository lists; raises DamagedError."""
    return frozenset(href for folder in parts(directory) for href in hrefs(folder))


def pooled(directory: Path) -> frozenset[str]:
    """Return the entries of the pool that a repository needs, which are hashes."""
    return held(directory)[0]


def held(directory: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Return the hashes of a repository's RPMs in the pool, and the names of those beside it.

    Those beside it are files of its own: all that it holds, if another program published it.
    """
    found = offered(directory)
    inside = [href.split("/") for href in found if href.startswith(f"{NAME}/")]
    beside = (href for href in found if not href.startswith(f"{NAME}/"))
    return (
        frozenset(words[1] for words in inside if len(words) == 3),
        frozenset(href.rpartition("/")[2] for href in beside),
    )


def snapshots(directory: Path) -> frozenset[str]:
    """Return the snapshots of dependencies that a repository's .repo files name."""
    texts = (file.read_text(errors="replace") for file in directory.glob("*.repo"))
    return frozenset(name for text in texts for name in _SNAPSHOT.findall(text))
