"""The only exit of a root: everything that leaves the root passes through here.

A root never hands out a path. Files written inside are read through descriptors that cannot lead
elsewhere (`rdo.beneath`), and become new files of ours.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NewType

from rdo.beneath import DEFAULT_LIMITS, Limits, open_beneath

Inside = NewType("Inside", str)
"""A path as programs inside see it, such as `/builddir/RPMS`; it has no meaning on the host."""

PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^%=,@:-]*")
"""File names that may be taken out: no leading dot or dash, no space, nothing for a shell."""

RPM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^-]*\.rpm")
"""Names that rpmbuild gives to RPM files."""


class Door:
    """Takes files out that were written inside a root; files of its layers are not visible here."""

    def __init__(self, upper: Path) -> None:
        self._upper = upper

    def read(self, name: Inside, *, limit: int) -> bytes:
        """Return the content of a regular file.

        Raises FileNotFoundError if there is none, RefusedError if it is not a regular file of at
        most `limit` bytes.
        """
        with open_beneath(self._upper) as inside:
            return inside.read(name, limit=limit)

    def take(
        self,
        folder: Inside,
        place: Path,
        names: re.Pattern[str] = PLAIN_NAME,
        limits: Limits = DEFAULT_LIMITS,
        *,
        are_sources: bool = False,
    ) -> list[Path]:
        """Copy the regular files in `folder` whose names match into the host's folder `place`.

        Sources stay executable. Raises RefusedError if there are more, larger or deeper ones than
        the limits allow.
        """
        with open_beneath(self._upper) as inside:
            return inside.take(folder, names, place, limits, are_sources=are_sources)

    def names(self, folder: Inside, names: re.Pattern[str] = PLAIN_NAME) -> list[str]:
        """Return the matching names of regular files in a folder, in order."""
        top = Limits(depth=0)
        with open_beneath(self._upper) as inside:
            return [path.rpartition("/")[2] for path in inside.files(folder, names, top)]

    def take_files(
        self, names: Sequence[Inside], place: Path, limits: Limits = DEFAULT_LIMITS
    ) -> list[Path]:
        """Copy single files, each by its path inside.

        Raises FileNotFoundError if one does not exist, RefusedError as `take` does.
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
