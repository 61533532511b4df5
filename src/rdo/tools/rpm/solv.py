"""Call libsolv in a child process that can only answer."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rdo.tools.walls.reading_child import ReadingChild

_CHILDREN = Path(__file__).parents[1] / "children" / "solving"
_CHILD, _CHECKER = _CHILDREN / "solve.py", _CHILDREN / "check_installable.py"
_HOLDER = _CHILDREN / "hold_back.py"
_MEMORY_BYTES = 8 << 30  # the file lists of a distribution are large
_FILE_BYTES = 2 << 30
_SECONDS = 600


def checker() -> "Solv":
    """Return the program that finds packages that cannot be installed."""
    return Solv(ReadingChild(_CHECKER, _MEMORY_BYTES, _FILE_BYTES, _SECONDS))


def holder() -> "Solv":
    """Return the program that finds the fewest packages to hold back."""
    return Solv(ReadingChild(_HOLDER, _MEMORY_BYTES, _FILE_BYTES, _SECONDS))


def pair_solver() -> "Solv":
    """Return the program that finds out which two packages can be installed at once."""
    program = _CHILDREN / "install_together.py"
    return Solv(ReadingChild(program, _MEMORY_BYTES, _FILE_BYTES, _SECONDS))


def neighbour() -> "Solv":
    """Return the program that finds how a change of repositories affects the others."""
    program = _CHILDREN / "look_across.py"
    return Solv(ReadingChild(program, _MEMORY_BYTES, _FILE_BYTES, _SECONDS))


@dataclass(frozen=True, slots=True)
class Solv:
    """Puts one question to a fresh libsolv; `rdo.solver` defines the JSON of both sides."""

    child: ReadingChild = field(
        default_factory=lambda: ReadingChild(_CHILD, _MEMORY_BYTES, _FILE_BYTES, _SECONDS)
    )

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return libsolv's answer; CommandError if there is none."""
        return self.child.ask(question)
