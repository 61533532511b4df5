"""The outcome of a build that could not be tried because rdo or the machine failed."""

import contextlib
import errno
import traceback
from pathlib import Path

from rdo.errors import (
    CancelledError,
    OutsideError,
    RefusedError,
    UserError,
    in_short,
    is_of_the_machine,
)
from rdo.logs.reader import one_line
from rdo.model.build import BUILD_LOG, Failed, FailureReason
from rdo.model.text.url import without_secret

_LONGEST = 200_000


def failure_of(error: UserError | OSError) -> Failed:
    """Return the outcome of a build that could not be tried because of `error`.

    The programs of a build end with an outcome of their own. So `error` comes from git, pip, the
    solver or the machine: the build is retried, and the package is not blamed. A RefusedError is
    the exception, because the same rule would refuse the build again. The detail is one line of the
    error.
    """
    said = one_line(str(error))
    match error:
        case CancelledError():
            return Failed(FailureReason.INTERRUPTED, "the round was stopped")
        case OutsideError():
            return Failed(FailureReason.NETWORK, said)
        case RefusedError():
            return Failed(FailureReason.UNKNOWN, said)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return Failed(FailureReason.NO_SPACE, said)
    return Failed(FailureReason.BUILDER, said)


def outcome_of(error: Exception, folder: Path) -> Failed:
    """Return the outcome of a build that ended with `error`, raised somewhere in our own code.

    An unexpected error leaves its traceback at the end of the log in the build's `folder`; an error
    of several lines leaves all its lines there.
    """
    if not isinstance(error, UserError):
        _keep(error, "".join(traceback.format_exception(error)), folder)
    elif "\n" in str(error):
        _keep(error, f"{error}\n", folder)
    if isinstance(error, UserError | OSError):
        return failure_of(error)
    return Failed(FailureReason.UNKNOWN, f"rdo cannot handle it: {in_short(error)}")


def _keep(error: Exception, text: str, folder: Path) -> None:
    if is_of_the_machine(error):  # a full disk cannot take a log
        return
    text = without_secret(text)
    with contextlib.suppress(OSError):  # the outcome matters more than its log
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / BUILD_LOG).open("a", errors="backslashreplace") as log:
            log.write(f"\n{text[-_LONGEST:]}")
