"""All errors that a user can see: one base class, one exit code per family."""

import difflib
import errno
from collections.abc import Iterable

from rdo.model.text.url import without_secret


class UserError(Exception):
    """An error that the user can act on; the CLI prints it without a traceback.

    It may appear in a log, on a page or in the database, so user and password are removed from its
    URLs. `is_of_the_machine`: whatever failed with it is not to blame, and would fail again.
    """

    exit_code = 1
    is_of_the_machine = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(without_secret(message))
        self.hint = without_secret(hint)


class ConfigError(UserError):
    """The configuration, the metadata or the command line is wrong."""

    exit_code = 2


class CommandError(UserError):
    """An external program was missing, failed, or exceeded its time limit."""

    exit_code = 3


class TimeLimitError(CommandError):
    """An external program exceeded its time limit."""


class NotFoundError(UserError):
    """Something that the user named does not exist."""

    exit_code = 4


class RefusedError(UserError):
    """A rule of the factory forbids it."""

    exit_code = 5


class OutsideError(UserError):
    """An external problem: a server is unreachable, or a failure will be retried."""

    exit_code = 6


class NoSpaceError(OutsideError):
    """A disk of ours is full."""

    is_of_the_machine = True


class CancelledError(OutsideError):
    """A program was ended because the thread that waits for it was cancelled."""

    is_of_the_machine = True


_OF_THE_MACHINE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO),
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM),
}


def is_of_the_machine(error: Exception) -> bool:
    """Whether an error is the machine's own, so that no package may be blamed for it.

    Examples are a full disk, a lost database and a cancellation; they end a round.
    """
    if isinstance(error, OSError):
        return error.errno in _OF_THE_MACHINE
    return isinstance(error, UserError) and error.is_of_the_machine


def in_short(error: Exception) -> str:
    """Return one line about an unexpected exception.

    >>> in_short(ValueError("first" + chr(10) + "second")), in_short(RecursionError())
    ('ValueError: first', 'RecursionError')
    """
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {said[:200]}" if said else type(error).__name__


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that was probably meant by an unknown one.

    Empty if none is close.
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return near[0] if near else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message about an unknown name.

    >>> did_you_mean("worker", ["workers", "release"])
    '; did you mean "workers"?'
    >>> did_you_mean("zzz", ["workers"])
    ''
    """
    near = nearest(name, known)
    return f'; did you mean "{near}"?' if near else ""


def typo_of(name: str, known: Iterable[str]) -> str:
    """Return the known name of which an unknown one is a misspelling; empty if there is none.

    Stricter than `nearest`, for places where a user's own names are allowed.

    >>> typo_of("upstraem", ["upstream"]), typo_of("tgas", ["tags"]), typo_of("source_branch", [""])
    ('upstream', 'tags', '')
    >>> typo_of("own-distgit", ["distgit"])
    ''
    """
    slips = {one: _slips(name, one) for one in known if abs(len(one) - len(name)) < 3}
    near = min(slips, key=lambda one: slips[one], default="")
    return near if near and slips[near] <= (2 if len(name) > 4 else 1) else ""


def _slips(a: str, b: str) -> int:
    """Return how many letters were added, lost, changed or swapped between two words."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
