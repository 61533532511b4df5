"""One RPM of a build, and its fragment of repository metadata."""

from dataclasses import dataclass

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
    programs are included.
    """

    file_name: str
    nevra: Nevra
    sha256: str
    size: int
    is_source: bool
    provides: tuple[str, ...] = ()

    @property
    def is_debug(self) -> bool:
        """Whether only a debugger needs it.

        Such RPMs are published as a repository of their own.
        """
        is_named_so = self.nevra.name.endswith(("-debuginfo", "-debugsource"))
        return is_named_so and not self.is_source
