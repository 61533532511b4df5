"""What becomes of a build that could not be tried because something of ours failed."""

import errno

from rdo.errors import CancelledError, OutsideError, RefusedError, UserError
from rdo.model.build import Failed, FailureReason


def failure_of(error: UserError | OSError) -> Failed:
    """Return the outcome of a build that could not be tried because of `error`.

    The programs of a build end with an outcome of their own. So `error` comes from git, pip, the
    solver or the machine: the build is retried, and the package is not to blame. A RefusedError
    is the exception: the rule would refuse the build again.
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
