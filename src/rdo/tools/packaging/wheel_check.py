"""Check wheels of strangers, in a child that can only answer."""

from dataclasses import dataclass, field
from pathlib import Path

from rdo.errors import CancelledError, CommandError
from rdo.tools.walls.reading_child import NoWallsError, ReadingChild

_CHILD = Path(__file__).parents[1] / "children" / "reading" / "check_wheel.py"


@dataclass(frozen=True, slots=True)
class WheelCheck:
    """Checks that a file is a valid wheel of a project and version; see `rdo.archives`."""

    child: ReadingChild = field(default_factory=lambda: ReadingChild(_CHILD, seconds=900))

    def fault(self, wheel: Path, project: str, version: str) -> str:
        """Return what is wrong with a wheel, in one sentence; "" if nothing is."""
        try:
            found = self.child.ask({"path": str(wheel), "project": project, "version": version})
        except (CancelledError, NoWallsError):
            raise
        except CommandError:  # it used up its memory or time
            return "it cannot be read within the bounds for a wheel"
        return str(found.get("fault", "no answer"))
