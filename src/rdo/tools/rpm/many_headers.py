"""Read the headers of RPM files, in a child process that can only answer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rdo.errors import CommandError
from rdo.model.nevra import Nevra
from rdo.tools.walls.reading_child import NoWallsError, ReadingChild

_CHILD = Path(__file__).parents[1] / "children" / "reading" / "read_headers.py"
_AT_ONCE = 200  # open files of a child
_MEMORY_BYTES = 2 << 30
_SECONDS = 300


@dataclass(frozen=True, slots=True)
class FileEntry:
    """An RPM's data about one path: RPMs with equal data can be installed beside each other.

    `content` is the digest of a file or the target of a link; `color` is 1 for programs of 32 bits,
    2 for those of 64, 0 for all else.
    """

    mode: int
    user: str
    group: str
    content: str
    color: int


@dataclass(frozen=True, slots=True)
class RpmIdentity:
    """The identity in an RPM's header; `keys` are the ids of the keys that signed it."""

    nevra: Nevra
    is_source: bool
    keys: tuple[str, ...]
    files: Mapping[str, FileEntry]
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class UnreadableRpm:
    """An RPM file whose header cannot be read, with the reason."""

    why: str


@dataclass(frozen=True, slots=True)
class RpmHeaders:
    """Reads the headers of files that strangers made."""

    child: ReadingChild = field(
        default_factory=lambda: ReadingChild(_CHILD, _MEMORY_BYTES, seconds=_SECONDS)
    )

    def read(
        self,
        rpms: Sequence[Path],
        wanted: Mapping[Path, Collection[str]] | None = None,
        *,
        hashes: bool = False,
    ) -> list[RpmIdentity | UnreadableRpm]:
        """Return the identity of each file, in order; of its paths only the `wanted` ones.

        With `hashes` also the checksum of each. A file that crashes the child is unreadable. Raises
        NoWallsError if no child can be shut in.
        """
        found: list[RpmIdentity | UnreadableRpm] = []
        for start in range(0, len(rpms), _AT_ONCE):
            found += self._read(rpms[start : start + _AT_ONCE], wanted or {}, hashes=hashes)
        return found

    def _read(
        self, rpms: Sequence[Path], wanted: Mapping[Path, Collection[str]], *, hashes: bool
    ) -> list[RpmIdentity | UnreadableRpm]:
        rows = [{"path": str(one), "files": sorted(wanted.get(one, ()))} for one in rpms]
        try:
            answer = self.child.ask({"rpms": rows, "hashes": hashes}).get("rpms")
            why = "reading it gave no answer"
        except NoWallsError:
            raise
        except CommandError as error:
            answer, why = None, str(error)
        if isinstance(answer, list) and len(answer) == len(rpms):
            return [_header(row) for row in answer]
        if len(rpms) == 1:
            return [UnreadableRpm(why)]
        half = len(rpms) // 2  # halves are tried to find the file that crashes the child
        parts = rpms[:half], rpms[half:]
        return [row for part in parts for row in self._read(part, wanted, hashes=hashes)]


def _header(row: object) -> RpmIdentity | UnreadableRpm:
    """Convert an answer of the child, which strangers may have forged."""
    try:
        return _checked(row)
    except (KeyError, TypeError, ValueError) as error:
        return UnreadableRpm(f"its header makes no sense: {error}")


def _checked(row: Any) -> RpmIdentity | UnreadableRpm:
    if "refused" in row:
        return UnreadableRpm(str(row["refused"]))
    texts = [_text(row[key]) for key in ("name", "version", "release", "arch")]
    name, version, release, arch = texts
    files = {
        _text(path): FileEntry(int(mode), _text(user), _text(group), _text(content), int(color))
        for path, (mode, user, group, content, color) in row["files"].items()
    }
    return RpmIdentity(
        Nevra(name, int(row["epoch"]), version, release, arch),
        bool(row["is_source"]),
        tuple(map(_text, row["keys"])),
        files,
        _text(row.get("sha256", "")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value.encode(errors="replace").decode()
