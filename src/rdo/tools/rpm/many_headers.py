"""The headers of RPM files, read in a child process that can do nothing but answer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rdo.errors import CommandError
from rdo.model.nevra import Nevra
from rdo.tools.walls.reading_child import NoWallsError, ReadingChild

_CHILD = Path(__file__).parents[1] / "children" / "read_headers.py"
_AT_ONCE = 200  # open files of a child
_MEMORY_BYTES = 2 << 30
_SECONDS = 300


@dataclass(frozen=True, slots=True)
class FileEntry:
    """What an RPM says of one path: two that are equal can be installed beside each other.

    `content` is the digest of a file or where a link leads; `color` is 1 for programs of 32 bits,
    2 for those of 64, 0 for all else.
    """

    mode: int
    user: str
    group: str
    content: str
    color: int


@dataclass(frozen=True, slots=True)
class RpmIdentity:
    """What an RPM file says that it is; `keys` are the ids of the keys that signed it."""

    nevra: Nevra
    is_source: bool
    keys: tuple[str, ...]
    files: Mapping[str, FileEntry]
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class UnreadableRpm:
    """An RPM file without a header that can be read, and why."""

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
        """Return what each file is, in order; of its paths only those that are `wanted`.

        With `hashes` also the checksum of each. One that breaks the child is unreadable. Raises
        NoWallsError where no child can be shut in.
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
        half = len(rpms) // 2  # the one that breaks the child is found by halves
        parts = rpms[:half], rpms[half:]
        return [row for part in parts for row in self._read(part, wanted, hashes=hashes)]


def _header(row: object) -> RpmIdentity | UnreadableRpm:
    """Return an answer of the child, which strangers may have made, as a value."""
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
