"""Single files of a source archive, read in a bounded child."""

import sys
from dataclasses import dataclass
from pathlib import Path

from rdo.run import Runner, run

_CHILD = Path(__file__).with_name("children") / "read_member.py"


@dataclass(frozen=True, slots=True)
class SourceArchive:
    """An sdist or other archive with one top folder, which is never unpacked."""

    path: Path
    runner: Runner = run

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file below the top folder; None if it cannot be read."""
        command = (sys.executable, "-I", _CHILD, self.path, name)
        done = self.runner(*command, ok=range(-64, 256), timeout=120)
        return done.raw if done.returncode == 0 else None
