"""Find paths that several packages have, in repositories' lists of files, by a limited child."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rdo.errors import CommandError
from rdo.model.nevra import Nevra
from rdo.tools.walls.reading_child import ReadingChild

_CHILD = Path(__file__).parents[1] / "children" / "solving" / "shared_files.py"
_MEMORY_BYTES, _FILE_BYTES, _SECONDS = 4 << 30, 2 << 30, 300


@dataclass(frozen=True, slots=True)
class OwnerOfPath:
    """A package that has a path; `repository` is the number of its repository in the question.

    `rpm` is its file name, without a folder; strangers may have chosen it.
    """

    repository: int
    sha256: str
    nevra: Nevra
    rpm: Path


def shared_files(
    repositories: Sequence[Path], checked: Sequence[int]
) -> Mapping[str, tuple[OwnerOfPath, ...]]:
    """Return the packages that have each path that more than one has.

    At least one of them is of the repositories whose numbers are `checked`. Raises CommandError for
    repodata that cannot be read.
    """
    rows = [{"folder": str(one), "visible": "", "name": str(one)} for one in repositories]
    child = ReadingChild(_CHILD, _MEMORY_BYTES, _FILE_BYTES, _SECONDS)
    answer = child.ask({"repositories": rows, "checked": list(checked)})
    try:
        packages = answer["packages"]
        return {
            str(path): tuple(
                _owner(number, sha256, packages, repositories) for number, sha256 in rows
            )
            for path, rows in answer["paths"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise CommandError("the process that reads file lists gave an impossible answer") from error


def _owner(
    number: int, sha256: str, packages: Mapping[str, Any], repositories: Sequence[Path]
) -> OwnerOfPath:
    row = packages[sha256]
    name, version, release, arch, location = (
        str(row[key]) for key in ("name", "ver", "rel", "arch", "location")
    )
    place = PurePosixPath(location)
    if "\0" in location or place.is_absolute() or ".." in place.parts:
        raise ValueError("the location of a package is outside its repository")
    nevra = Nevra(name, int(row["epoch"] or 0), version, release, arch)
    return OwnerOfPath(number, str(sha256), nevra, repositories[number] / place)
