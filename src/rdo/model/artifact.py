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
    """One RPM file. `file_name` was checked, so it is safe in a path and a URL.

    `provides` are the names, without versions, that a requirement may use; of the files, only
    programs are included. `signed_by` is the fingerprint of the key that signed it, and
    `unsigned_sha256` the hash before that, as built; both are empty without a signature.
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
        """The sha256 of the file as it was built, before it was signed."""
        return self.unsigned_sha256 or self.sha256

    @property
    def is_debug(self) -> bool:
        """Whether only a debugger needs it.

        Such RPMs are published as a repository of their own.
        """
        is_named_so = self.nevra.name.endswith(("-debuginfo", "-debugsource"))
        return is_named_so and not self.is_source


class SpecialKind(StrEnum):
    """The kind of a special file in an RPM; all kinds except devices can be allowed."""

    DEVICE = "device"
    SETUID = "setuid"
    SETGID = "setgid"
    CAPABILITIES = "capabilities"


@dataclass(frozen=True, slots=True)
class SpecialFile:
    """A device node in an RPM, or a file that gives additional rights to its user."""

    kind: SpecialKind
    path: str


@dataclass(frozen=True, slots=True)
class RpmFile:
    """One RPM file, as read after its build.

    `source_rpm` is the file name of the source RPM that it names; empty for a source RPM.
    `requires` and `obsoletes` are dependencies in rpm's form.
    """

    artifact: Artifact
    fragment: Fragment
    source_rpm: str
    requires: tuple[str, ...] = ()
    obsoletes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    special: tuple[SpecialFile, ...] = ()
