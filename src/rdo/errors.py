"""Every error a user can meet. One base class, one exit code per family."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user can act on; the CLI prints it without a traceback."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(UserError):
    exit_code = 2


class CommandError(UserError):
    """An external program was missing, failed, or ran out of time."""

    exit_code = 3


class NotFoundError(UserError):
    exit_code = 4


class RefusedError(UserError):
    """A rule of the factory forbids it."""

    exit_code = 5


class OutsideError(UserError):
    """Something outside our hands stood in the way: unreachable, spurious."""

    exit_code = 6


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that an unknown one was probably meant to be; empty if none is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return near[0] if near else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name.

    >>> did_you_mean("worker", ["workers", "release"])
    '; did you mean "workers"?'
    >>> did_you_mean("zzz", ["workers"])
    ''
    """
    near = nearest(name, known)
    return f'; did you mean "{near}"?' if near else ""
