"""Read from a published repository's own files what it refers to."""

import gzip
import hashlib
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

from rdo.errors import RefusedError
from rdo.model.neighbours import without_neighbours
from rdo.publish.contents import DEBUG
from rdo.publish.pool import NAME

REPOMD = "repodata/repomd.xml"
"""The file of a repository that lists all others; its signature is beside it."""

_HREF = re.compile(rb'<location href="([^"]*)"')
_SPACE = "{http://linux.duke.edu/metadata/repo}"
_SNAPSHOT = re.compile(r"/deps/([0-9a-f]{16})\b")


class DamagedError(RefusedError):
    """A repository that a client could not use, with the reason."""


def parts(directory: Path) -> Iterator[Path]:
    """Return the folders of a repository that contain repodata."""
    yield directory
    if (directory / DEBUG).is_dir():
        yield directory / DEBUG


def has_repodata(directory: Path) -> bool:
    """Whether a folder contains repodata; its content is not read."""
    return (directory / REPOMD).is_file()


def has_signature(directory: Path) -> bool:
    """Whether a folder contains a signature of its repodata; the signing key is not checked."""
    return (directory / f"{REPOMD}.asc").is_file()


def is_signed(directory: Path, reponame: str) -> bool:
    """Whether a repository and all its RPMs have signatures, according to its .repo file."""
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
    """Return the RPMs in all repodata of a repository; raises DamagedError."""
    return frozenset(href for folder in parts(directory) for href in hrefs(folder))


def pooled(directory: Path) -> frozenset[str]:
    """Return the pool entries that a repository needs, which are hashes."""
    return held(directory)[0]


def held(directory: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Return the hashes of a repository's RPMs in the pool, and the names of those in its folder.

    A repository published by another program has all its RPMs in its own folder.
    """
    found = offered(directory)
    inside = [href.split("/") for href in found if href.startswith(f"{NAME}/")]
    beside = (href for href in found if not href.startswith(f"{NAME}/"))
    return (
        frozenset(words[1] for words in inside if len(words) == 3),
        frozenset(href.rpartition("/")[2] for href in beside),
    )


def snapshots(directory: Path) -> frozenset[str]:
    """Return the dependency snapshots that a repository's .repo files name."""
    texts = (file.read_text(errors="replace") for file in directory.glob("*.repo"))
    own = map(without_neighbours, texts)
    return frozenset(name for text in own for name in _SNAPSHOT.findall(text))
