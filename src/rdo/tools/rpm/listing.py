"""Read the metadata of somebody's repository: its files, with their checksums."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rdo.errors import CommandError, RefusedError
from rdo.tools.walls.reading_child import NoWallsError, ReadingChild

_CHILD = Path(__file__).parents[1] / "children" / "reading" / "read_listing.py"
_MEMORY_BYTES, _FILE_BYTES, _SECONDS = 4 << 30, 2 << 30, 300
_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_PLACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+~^-]*(/[A-Za-z0-9_][A-Za-z0-9._+~^-]*)*")


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A listed file: its path in the repository, and its expected content.

    `kind` is `primary` and the like for metadata, `rpm` for packages.
    """

    kind: str
    location: str
    algorithm: str
    checksum: str
    size: int


def read_listing(file: Path, suffix: str) -> tuple[ListedFile, ...]:
    """Return what repomd.xml or primary metadata lists; `suffix` says how it is compressed.

    A child behind walls reads it. Raises RefusedError for unusable metadata: invalid XML, a path
    outside the repository, or a weak checksum.
    """
    child = ReadingChild(_CHILD, _MEMORY_BYTES, _FILE_BYTES, _SECONDS)
    try:
        answer = child.ask({"file": str(file.resolve()), "suffix": suffix})
        return tuple(_listed(row) for row in answer["rows"])
    except NoWallsError:
        raise
    except CommandError as error:
        raise RefusedError("its metadata cannot be read") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RefusedError(f"its metadata is wrong: {error}") from error


def _listed(row: dict[str, str]) -> ListedFile:
    place, algorithm, checksum = (str(row[key]) for key in ("location", "algorithm", "checksum"))
    if not _PLACE.fullmatch(place) or ".." in PurePosixPath(place).parts:
        raise ValueError(f"{place[:200]!a} is not a place in a repository")
    if not re.fullmatch(rf"[0-9a-f]{{{_DIGITS.get(algorithm, 1_000)}}}", checksum):
        raise ValueError(f"{place} has no checksum of the kind sha256, sha384 or sha512")
    return ListedFile(str(row["kind"]), place, algorithm, checksum, int(row.get("size") or 0))
