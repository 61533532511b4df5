"""One RPM that a build gave, and its piece of repository metadata."""

from dataclasses import dataclass

from rdo.model.nevra import Nevra


@dataclass(frozen=True, slots=True)
class Fragment:
    """What the three metadata files of a repository say about one RPM, as XML.

    The href in `primary` is the bare file name; a repository puts its own in place of it.
    """

    primary: str
    filelists: str
    other: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """One RPM file. `file_name` has passed the check that it may be a path and a URL.

    `provides` are the names, without versions, that a requirement may ask for; of the files
    only programs are among them.
    """

    file_name: str
    nevra: Nevra
    sha256: str
    size: int
    is_source: bool
    provides: tuple[str, ...] = ()

    @property
    def is_debug(self) -> bool:
        """Whether it is only for a debugger; such RPMs have a repository of their own."""
        is_named_so = self.nevra.name.endswith(("-debuginfo", "-debugsource"))
        return is_named_so and not self.is_source
