"""Run cp, for whole trees with owners, modes and links."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from rdo.run import Runner, run


@dataclass(frozen=True, slots=True)
class Copy:
    """The cp of this machine."""

    runner: Runner = run

    def tree(self, source: Path, target: Path, *, without: Collection[str] = ()) -> None:
        """Copy the folder `source` to the new folder `target`; blocks are shared where possible.

        `without` names entries of `source` that are not copied.
        """
        target.mkdir()
        chosen = sorted(path for path in source.iterdir() if path.name not in without)
        self.runner("cp", "--archive", "--reflink=auto", "--", *chosen, target, timeout=1800)
        shutil.copystat(source, target)
