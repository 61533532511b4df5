"""Find the paths that several packages of repositories have (a program of its own, behind walls).

Only paths of packages in one of the `checked` repositories are returned. `rdo.tools.rpm.solv`
defines question and answer, both JSON.
"""

import contextlib
import gzip
import lzma
import os
import sys
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import IO, Any
from xml.parsers import expat

from rdo.tools.children.shut_in import answer, asked
from rdo.tools.children.solving.solve import (
    Opened,
    locations,
    open_all,
    shut_in_with,
    unpack_otherwise,
)

_CHUNK = 1 << 20
_MOST_PATHS = 5_000_000
_MOST_TOLD = 20_000
_OPENERS: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open, ".xml": lambda file: file}


class PathOwners:
    """The packages that have each path: the first one, and all of them if there are more."""

    def __init__(self) -> None:
        self.packages: list[tuple[int, str]] = []
        self.first: dict[str, int] = {}
        self.shared: dict[str, list[int]] = {}

    def read(self, number: int, text: IO[bytes]) -> None:
        """Add the packages of one repository from its list of files."""
        parser, words = expat.ParserCreate(), list[str]()
        parser.buffer_text = True

        def begin(name: str, attributes: dict[str, str]) -> None:
            words.clear()
            if name == "package":
                self.packages.append((number, attributes.get("pkgid", "")))

        def end(name: str) -> None:
            if name == "file" and self.packages:
                self.add("".join(words))

        parser.StartElementHandler, parser.EndElementHandler = begin, end
        parser.CharacterDataHandler = words.append
        parser.EntityDeclHandler = refuse
        parser.ParseFile(text)

    def add(self, path: str) -> None:
        """Record that the current package has a path; ValueError if there are too many."""
        package = len(self.packages) - 1
        first = self.first.setdefault(path, package)
        if first != package:
            self.shared.setdefault(path, [first]).append(package)
        if len(self.first) > _MOST_PATHS:
            raise ValueError(f"the packages have more than {_MOST_PATHS} paths")


class PackageNames:
    """The names and locations of some packages, by their checksums."""

    def __init__(self, wanted: Collection[str]) -> None:
        self.found: dict[str, dict[str, str]] = {}
        self._wanted = wanted

    def read(self, text: IO[bytes]) -> None:
        """Add the wanted packages of one repository from its primary metadata."""
        parser, words, row = expat.ParserCreate(), list[str](), dict[str, str]()
        parser.buffer_text = True

        def begin(name: str, attributes: dict[str, str]) -> None:
            words.clear()
            if name == "package":
                row.clear()
            elif name == "version":
                row.update({key: attributes.get(key, "") for key in ("epoch", "ver", "rel")})
            elif name == "location":
                row["location"] = attributes.get("href", "")

        def end(name: str) -> None:
            if name in {"name", "arch", "checksum"} and name not in row:
                row[name] = "".join(words)
            elif name == "package" and row.get("checksum") in self._wanted:
                self.found[row["checksum"]] = dict(row)

        parser.StartElementHandler, parser.EndElementHandler = begin, end
        parser.CharacterDataHandler = words.append
        parser.EntityDeclHandler = refuse
        parser.ParseFile(text)


def refuse(*_: object) -> None:
    """Raise ValueError for a declaration that metadata does not need."""
    raise ValueError("the metadata declares entities")


def texts(repositories: list[Opened], kind: str) -> Iterator[tuple[int, IO[bytes]]]:
    """Yield one kind of metadata of each repository."""
    for number, one in enumerate(repositories):
        for file in one.files.values():  # they may have been read before
            os.lseek(file, 0, os.SEEK_SET)
        name = locations(one).get(kind)
        if not name:
            continue
        with unpacked(one.files[name], PurePosixPath(name).suffix) as text:
            yield number, text


def is_plain(suffix: str) -> bool:
    """Whether Python can read a metadata file with this suffix."""
    return suffix in _OPENERS


@contextlib.contextmanager
def unpacked(file: int, suffix: str) -> Iterator[IO[bytes]]:
    """Open a metadata file as text; the caller keeps the descriptor open."""
    if is_plain(suffix):
        with os.fdopen(os.dup(file), "rb") as packed, _OPENERS[suffix](packed) as text:
            yield text
        return
    plain = os.memfd_create("metadata")
    unpack_otherwise(file, plain)
    os.lseek(plain, 0, os.SEEK_SET)
    with os.fdopen(plain, "rb") as text:
        yield text


def main() -> int:
    """Answer the question on stdin: which paths several packages own."""
    question, walls = asked()
    repositories = open_all(question["repositories"])
    shut_in_with(walls, repositories)
    listing = PathOwners()
    for number, text in texts(repositories, "filelists"):
        listing.read(number, text)
    checked = set(question["checked"])
    told = {
        path: [listing.packages[one] for one in packages]
        for path, packages in listing.shared.items()
        if any(listing.packages[one][0] in checked for one in packages)
    }
    shown = dict(list(told.items())[:_MOST_TOLD])
    names = PackageNames({sha256 for packages in shown.values() for _, sha256 in packages})
    for _, text in texts(repositories, "primary"):
        names.read(text)
    answer({"paths": shown, "packages": names.found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
