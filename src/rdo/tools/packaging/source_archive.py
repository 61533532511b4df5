"""Read single files of a source archive, in a child that can only answer."""

import base64
from dataclasses import dataclass, field
from pathlib import Path

from rdo.errors import CancelledError, CommandError
from rdo.tools.walls.reading_child import NoWallsError, ReadingChild

_CHILD = Path(__file__).parents[1] / "children" / "reading" / "read_member.py"


@dataclass(frozen=True, slots=True)
class SourceArchive:
    """An sdist or other archive with one top folder, which is never unpacked."""

    path: Path
    child: ReadingChild = field(default_factory=lambda: ReadingChild(_CHILD, 512 << 20))

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file in the top folder; None if it cannot be read.

        Raises CommandError on a machine that does not allow shutting the child in.
        """
        try:
            found = self.child.ask({"archive": str(self.path), "name": name}).get("found")
        except (CancelledError, NoWallsError):
            raise
        except CommandError:  # it used up its memory or time, or the archive crashed it
            return None
        return base64.b64decode(found) if isinstance(found, str) else None
