"""The Release number of a trunk build: DLRN's numbering."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ReleaseNumber:
    """The Release of a build's RPMs (DLRN's numbering).

    `date` is chosen once, when the build is planned, and kept by every spurious retry. `prefix` is
    DLRN's release_numbering: `0`, `0.1`, or a minor number.
    """

    date: datetime
    short_hash: str
    prefix: str

    def __str__(self) -> str:
        """Return `0.<YYYYmmddHHMMSS>.<short hash>`, without the dist tag."""
        return f"{self.prefix}.{self.date:%Y%m%d%H%M%S}.{self.short_hash}"


def prefix_of(numbering: str, minor: int) -> str:
    """Return the prefix of a Release in a target with this `numbering` and `release-minor`.

    >>> [prefix_of(x, 7) for x in ("0.date.hash", "0.1.date.hash", "minor.date.hash")]
    ['0', '0.1', '7']
    """
    prefix = numbering.removesuffix(".date.hash")
    return str(minor) if prefix == "minor" else prefix
