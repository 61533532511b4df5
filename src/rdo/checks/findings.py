"""The findings and answers of the checks of a repository."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rdo.errors import NoSpaceError


class CheckName(StrEnum):
    """The name of a check; a target may have more checks, its outside jobs."""

    INSTALLABLE = "installable"
    VANISHED = "vanished"
    BACKWARDS = "backwards"
    DUPLICATES = "duplicates"
    INTACT = "intact"
    FILES = "files"
    SIGNED = "signed"
    UPGRADE = "upgrade"
    INSTALL = "install"


QUESTIONS: Mapping[str, str] = {
    CheckName.INSTALLABLE: "every package can be installed",
    CheckName.VANISHED: "nothing is gone that another package requires",
    CheckName.DUPLICATES: "no RPM is there twice",
    CheckName.BACKWARDS: "no RPM is older than the one that hosts have",
    CheckName.INTACT: "every RPM is what its name and the metadata say",
    CheckName.FILES: "no two packages have the same path with another content",
    CheckName.SIGNED: "every RPM is signed with a key of the target",
    CheckName.UPGRADE: "dnf upgrades a host to it",
    CheckName.INSTALL: "what is installed can be imported, verified and started",
}

CHEAP = (
    CheckName.INSTALLABLE,
    CheckName.VANISHED,
    CheckName.BACKWARDS,
    CheckName.DUPLICATES,
    CheckName.INTACT,
    CheckName.FILES,
    CheckName.SIGNED,
)
"""The checks that run by default: they take seconds and need no root."""

EXPENSIVE = (CheckName.UPGRADE, CheckName.INSTALL)
"""The checks that need a root, and minutes for a whole distribution."""


def question(check: str) -> str:
    """Return the question that a check answers; the answer is yes if it passed.

    >>> question("tempest")
    'the job tempest succeeds'
    """
    return QUESTIONS.get(check, f"the job {check} succeeds")


def no_space(check: str) -> NoSpaceError:
    """Return the error for a check that ended because our disk is full, without an answer."""
    return NoSpaceError(
        f"no space left for the check {check}",
        hint="free some space and check again; nothing was recorded",
    )


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is wrong with a repository.

    `package` must be fixed, and `maintainers` look after it; `what` describes the fault, `chain`
    its cause, step by step; `remedy` is a command, if one would help.
    """

    check: str
    package: str
    what: str
    chain: tuple[str, ...] = ()
    maintainers: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """The answer of one check; without findings it passed. `skipped` is why it did not run.

    `said` is a sentence about what was done, `log` the file with the details. `checked` is the time
    of a stored answer; None if the check ran now.
    """

    check: str
    findings: tuple[Defect, ...] = ()
    seconds: float = 0.0
    skipped: str = ""
    said: str = ""
    log: str = ""
    checked: datetime | None = None
    by: str = ""

    @property
    def passed(self) -> bool:
        """Whether the check ran and found nothing."""
        return not self.findings and not self.skipped
