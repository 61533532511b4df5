"""One RPM of a build, and its fragment of repository metadata."""

from dataclasses import dataclass
from enum import StrEnum

from rdo.model.nevra import Nevra


@dataclass(frozen=True, slots=True)
class Fragment:
    """The entries of one RPM in the three metadata files of a repository, as XML.

    The href in `primary` is the bare file name; a repository replaces it by its own path.
    """

    primary: str
    filelists: str
    other: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """One RPM file. `file_name` is safe in a path and a URL, because it has been checked.

    `provides` are the names, without versions, that a requirement may ask for; of the files, only
    programs are included. `signed_by` is the fingerprint of the key that signed it, and
    `unsigned_sha256` what it was before, as its build made it; both are empty if nobody did.
    """

    file_name: str
    nevra: Nevra
    sha256: str
    size: int
    is_source: bool
    provides: tuple[str, ...] = ()
    signed_by: str = ""
    unsigned_sha256: str = ""

    @property
    def built_sha256(self) -> str:
        """The sha256 of the bytes that the build made."""
        return self.unsigned_sha256 or self.sha256

    @property
    def is_debug(self) -> bool:
        """Whether only a debugger needs it.

        Such RPMs are published as a repository of their own.
        """
        is_named_so = self.nevra.name.endswith(("-debuginfo", "-debugsource"))
        return is_named_so and not self.is_source


class SpecialKind(StrEnum):
    """What a file of an RPM is besides its content; each but a device can be allowed."""

    DEVICE = "device"
    SETUID = "setuid"
    SETGID = "setgid"
    CAPABILITIES = "capabilities"


@dataclass(frozen=True, slots=True)
class SpecialFile:
    """A device node in an RPM, or a file that gives rights to whoever runs it."""

    kind: SpecialKind
    path: str


@dataclass(frozen=True, slots=True)
class RpmFile:
    """One RPM file as it was read after its build.

    `source_rpm` is the file name of the source RPM that it names as its own; empty for a source
    RPM. `requires` and `obsoletes` are dependencies as rpm writes them.
    """

    artifact: Artifact
    fragment: Fragment
    source_rpm: str
    requires: tuple[str, ...] = ()
    obsoletes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    special: tuple[SpecialFile, ...] = ()
