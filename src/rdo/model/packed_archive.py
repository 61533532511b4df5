"""A source archive that a build has made from an upstream commit."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PackedArchive:
    """An archive as it is in a source RPM.

    `file` is the name that the source's own tools gave it, `top` the folder that it unpacks to,
    `required` the RPM dependencies for making it, besides the base.
    """

    file: str
    name: str
    version: str
    top: str
    sha256: str
    build: int = 0
    target: str = ""
    platform: str = ""
    required: tuple[str, ...] = ()

    @property
    def maker(self) -> str:
        """The build that made it, as text for people.

        >>> PackedArchive("x.tar.gz", "x", "1", "x-1", "", 7, "master-deb12").maker
        'build 7 of master-deb12'
        """
        return f"build {self.build} of {self.target}"


@dataclass(frozen=True, slots=True)
class KeptArchive:
    """A source archive, and our file that contains it."""

    path: Path
    archive: PackedArchive


@dataclass(frozen=True, slots=True)
class SharedArchives:
    """The folder in which the targets of a release share archives, and the target of a job."""

    folder: Path
    target: str
