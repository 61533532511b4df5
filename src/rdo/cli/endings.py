"""How commands end: exit codes, and the message of an error that ends a command."""

import errno
import logging
import traceback
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from rdo.cli import output
from rdo.errors import OutsideError
from rdo.model.text.url import without_secret

log = logging.getLogger(__name__)

EX_USAGE = 2
EX_MISSING = 3
EX_SOFTWARE = 70
INTERRUPTED = 130
_OF_THE_USER = {
    *(errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP),
}
"""Errors about a path that the user has named, or may not access."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error that ends the program, with its remedy and its exit code."""

    message: str
    exit_code: int
    hint: str = ""


def of_the_system(error: OSError) -> int | Complaint:
    """Return the error for a path that the user has named, or for the disk."""
    if isinstance(error, BrokenPipeError):
        output.leave_a_reader_that_is_gone()
        return 0
    if error.errno in _OF_THE_USER and error.filename:
        log.debug("traceback", exc_info=error)
        return Complaint(f"{error.filename}: {error.strerror}", EX_USAGE)
    full = full_disk(error)
    return Complaint(str(full), full.exit_code, full.hint) if full else bug()


def without_its_libraries(error: ImportError) -> Complaint | None:
    """Return the error if packstack is installed without the package rdo; else None.

    The package rdo has the metadata of the Python distribution, which requires all libraries.
    """
    try:
        distribution("rdo-factory")
    except PackageNotFoundError:
        remedy = "dnf install rdo; packstack and rdo deploy work without it"
        return Complaint(f"the package rdo is not installed: {error}", EX_MISSING, remedy)
    return None


def full_disk(error: OSError) -> OutsideError | None:
    """Return the message about a full disk; None for any other error of the system."""
    if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return None
    place = f": {error.filename}" if error.filename else ""
    remedy = "free some space and run the command again"
    return OutsideError(f"no space left on the disk{place}", hint=remedy)


def bug() -> Complaint:
    """Print the traceback of the current exception."""
    output.say(without_secret(traceback.format_exc()), err=True, nl=False)
    said = "this is a bug in rdo; please report it with the lines above"
    return Complaint(said, EX_SOFTWARE)
