"""The one door of a root: everything that leaves it passes here.

A root hands out no path. What was written inside is read on descriptors that lead nowhere else
(`rdo.beneath`), and what is taken out becomes new files of ours.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NewType

from rdo.beneath import DEFAULT_LIMITS, Limits, open_beneath

Inside = NewType("Inside", str)
"""A path as programs inside see it, such as `/builddir/RPMS`; it means nothing on the host."""

PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^%=,@:-]*")
"""File names that are taken out: no leading dot or dash, no space, nothing for a shell."""

RPM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^-]*\.rpm")
"""Names that rpmbuild gives to RPM files."""


class Door:
    """Takes files out of what a root's inside has written; files of its layers are not there."""

    def __init__(self, upper: Path) -> None:
        self._upper = upper

    def read(self, name: Inside, *, limit: int) -> bytes:
        """Return the content of a regular file.

        Raises FileNotFoundError if there is none, RefusedError if it is anything else than a
        regular file of at most `limit` bytes.
        """
        with open_beneath(self._upper) as inside:
            return inside.read(name, limit=limit)

    def take(
        self,
        folder: Inside,
        place: Path,
        names: re.Pattern[str] = PLAIN_NAME,
        limits: Limits = DEFAULT_LIMITS,
    ) -> list[Path]:
        """Copy the regular files below `folder` whose names match into the host's folder `place`.

        Raises RefusedError if there are more, larger or deeper ones than the limits allow.
        """
        with open_beneath(self._upper) as inside:
            return inside.take(folder, names, place, limits)

    def names(self, folder: Inside, names: re.Pattern[str] = PLAIN_NAME) -> list[str]:
        """Return the names of the regular files in a folder that match, in order."""
        top = Limits(depth=0)
        with open_beneath(self._upper) as inside:
            return [path.rpartition("/")[2] for path in inside.files(folder, names, top)]

    def take_files(
        self, names: Sequence[Inside], place: Path, limits: Limits = DEFAULT_LIMITS
    ) -> list[Path]:
        """Copy single files, each by its path inside.

        Raises FileNotFoundError if one is not there, RefusedError as `take` does.
        """
        taken = []
        with open_beneath(self._upper) as inside:
            for name in names:
                folder, _, file = name.rpartition("/")
                top = Limits(limits.files, limits.file_bytes, limits.total_bytes, depth=0)
                found = inside.take(folder, re.compile(re.escape(file)), place, top)
                if not found:
                    raise FileNotFoundError(name)
                taken += found
        return taken
