"""Single files of a source archive, read in a child that can do nothing but answer."""

import base64
from dataclasses import dataclass, field
from pathlib import Path

from rdo.errors import CancelledError, CommandError
from rdo.tools.walls.reading_child import NoWallsError, ReadingChild

_CHILD = Path(__file__).parents[1] / "children" / "read_member.py"


@dataclass(frozen=True, slots=True)
class SourceArchive:
    """An sdist or other archive with one top folder, which is never unpacked."""

    path: Path
    child: ReadingChild = field(default_factory=lambda: ReadingChild(_CHILD, 512 << 20))

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file below the top folder; None if it cannot be read.

        Raises CommandError on a machine that does not let the child be shut in.
        """
        try:
            found = self.child.ask({"archive": str(self.path), "name": name}).get("found")
        except (CancelledError, NoWallsError):
            raise
        except CommandError:  # it used up its memory or its time, or the archive broke it
            return None
        return base64.b64decode(found) if isinstance(found, str) else None
