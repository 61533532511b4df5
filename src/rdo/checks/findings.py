"""What a check of a repository found, and how the checks of one repository went together."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class CheckName(StrEnum):
    """A question about a repository."""

    INSTALLABLE = "installable"
    VANISHED = "vanished"
    DUPLICATES = "duplicates"
    BACKWARDS = "backwards"


QUESTIONS: Mapping[CheckName, str] = {
    CheckName.INSTALLABLE: "every package can be installed",
    CheckName.VANISHED: "nothing is gone that another package requires",
    CheckName.DUPLICATES: "no RPM is there twice",
    CheckName.BACKWARDS: "no RPM is older than the one that hosts have",
}


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is wrong with a repository.

    `package` has to be mended and `maintainers` look after it; `what` says what is wrong, `chain`
    why, one step after the other; `remedy` is a command, if one would help.
    """

    check: CheckName
    package: str
    what: str
    chain: tuple[str, ...] = ()
    maintainers: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """How one check went: with no findings it passed. `skipped` says why nobody asked."""

    check: CheckName
    findings: tuple[Defect, ...] = ()
    seconds: float = 0.0
    skipped: str = ""

    @property
    def passed(self) -> bool:
        """Whether it was asked and nothing was found."""
        return not self.findings and not self.skipped
