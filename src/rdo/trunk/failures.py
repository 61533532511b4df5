"""What it means for a build that something of ours went wrong around it."""

import errno

from rdo.errors import CancelledError, OutsideError, RefusedError, UserError
from rdo.model.build import Failed, FailureReason


def failure_of(error: UserError | OSError) -> Failed:
    """The outcome of a build that could not be tried because of `error`.

    The programs of a build end with an outcome of their own. So what is raised is git, pip, the
    solver or the machine: worth another try, and no fault of the package; but for what a rule
    refuses, which it will refuse again.
    """
    match error:
        case CancelledError():
            return Failed(FailureReason.INTERRUPTED, "the round was stopped")
        case OutsideError():
            return Failed(FailureReason.NETWORK, str(error))
        case RefusedError():
            return Failed(FailureReason.UNKNOWN, str(error))
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return Failed(FailureReason.NO_SPACE, str(error))
    return Failed(FailureReason.BUILDER, str(error))
