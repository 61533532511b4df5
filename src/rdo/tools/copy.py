"""cp, for whole trees with owners, modes and links."""

from dataclasses import dataclass
from pathlib import Path

from rdo.run import Runner, run


@dataclass(frozen=True, slots=True)
class Copy:
    runner: Runner = run

    def tree(self, source: Path, target: Path) -> None:
        """A copy of the folder `source` as the new folder `target`; shares blocks where it can."""
        self.runner("cp", "--archive", "--reflink=auto", "--", source, target, timeout=1800)
