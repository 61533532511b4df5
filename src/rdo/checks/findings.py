"""What a check of a repository found, and how the checks of one repository went together."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Check(StrEnum):
    """A question about a repository."""

    INSTALLABLE = "installable"
    VANISHED = "vanished"
    DUPLICATES = "duplicates"
    BACKWARDS = "backwards"


QUESTIONS: Mapping[Check, str] = {
    Check.INSTALLABLE: "every package can be installed",
    Check.VANISHED: "nothing is gone that another package requires",
    Check.DUPLICATES: "no RPM is there twice",
    Check.BACKWARDS: "no RPM is older than the one that hosts have",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a repository.

    `package` has to be mended and `maintainers` look after it; `what` says what is wrong, `chain`
    why, one step after the other; `remedy` is a command, if one would help.
    """

    check: Check
    package: str
    what: str
    chain: tuple[str, ...] = ()
    maintainers: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one check went: with no findings it passed. `skipped` says why nobody asked."""

    check: Check
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    skipped: str = ""

    @property
    def passed(self) -> bool:
        """Whether it was asked and nothing was found."""
        return not self.findings and not self.skipped
