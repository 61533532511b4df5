"""Every error a user can meet. One base class, one exit code per family."""


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
