"""The errors that users see when the database fails, instead of the driver's exceptions."""

import contextlib
import sqlite3
import zlib
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from rdo.errors import ConfigError, NoSpaceError, OutsideError, RefusedError, UserError

BUSY_SECONDS = 60  # how long a writer waits for another one before it gives up
RESTORE_HINT = "rdo db restore FILE puts a backup in its place; see docs/how-to/backup.md"

_NO_SPACE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_IOERR_WRITE}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL}
_GONE_TABLE = ("42P01", "42703")  # PostgreSQL: undefined table, undefined column
_WRONG_LOGIN = ("does not exist", "authentication", "pg_hba.conf", "permission denied", "password")


class UnusableStoreError(ConfigError):
    """The database has vanished, is damaged, or belongs to something else."""

    is_of_the_machine = True


class OlderSchemaError(RefusedError):
    """The database needs an upgrade before it can be read, which a reader may not do."""


class LostConnectionError(OutsideError):
    """The database server cannot be reached, or has closed the connection."""

    is_of_the_machine = True


def is_lost(error: DBAPIError) -> bool:
    """Whether the error means that the server is gone, so that another connection may help."""
    if isinstance(error.orig, sqlite3.Error):
        return False
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    state = getattr(error.orig, "sqlstate", None) or ""
    is_connecting = not state and isinstance(error, OperationalError)
    return (is_connecting and not _is_wrong_login(error)) or state[:2] in {"08", "57"}


@contextlib.contextmanager
def explaining(name: str) -> Iterator[None]:
    """Replace errors of the driver that a user can act on; `name` is the database's.

    Raises UnusableStoreError for a damaged or foreign database, RefusedError for one that this user
    may not open, and OutsideError for a full disk, a held lock or a lost server.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        if found := _explained(error, name):
            found.is_of_the_machine = True
            raise found from error
        raise
    except PoolTimeoutError as error:
        message = f"database {name} is busy: all connections to it wait for a lock"
        busy = OutsideError(message, hint="try again later")
        busy.is_of_the_machine = True
        raise busy from error
    except zlib.error as error:
        raise _damaged(name, str(error)) from error


def _explained(error: DBAPIError | sqlite3.Error, name: str) -> UserError | None:
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error, name)
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig, name)
    return _of_postgresql(error, name)


def _of_sqlite(error: sqlite3.Error, name: str) -> UserError | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    text = str(error)
    primary = None if code is None else code & 0xFF
    if primary in _DAMAGED or "Could not decode to UTF-8" in text:
        return _damaged(name, text)
    if text.startswith(("no such table", "no such column")):
        return _damaged(name, f"it has {text}")
    if code in _NO_SPACE:
        return _no_space()
    if primary == sqlite3.SQLITE_IOERR:
        return OutsideError(f"cannot read or write database {name}: {text}", hint="check the disk")
    if primary in _BUSY:
        message = f"another process has held the database's lock for {BUSY_SECONDS} s"
        return OutsideError(message, hint="try again when it has finished")
    if code == sqlite3.SQLITE_READONLY_DIRECTORY:
        return _needs_log(name)
    if primary in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
        hint = "run the command as the owner of the data folder"
        return RefusedError(f"this user cannot write database {name}", hint=hint)
    if primary == sqlite3.SQLITE_CANTOPEN:
        return UnusableStoreError(
            f"cannot open database {name}: {text}",
            hint="check that it exists, and that this user may read it and the files beside it",
        )
    return None


def _of_postgresql(error: DBAPIError, name: str) -> UserError | None:
    state, text = getattr(error.orig, "sqlstate", None) or "", _one_line(error)
    if state in _GONE_TABLE:
        return _damaged(name, text)
    if state == "42501":  # insufficient privilege
        return RefusedError(f"this user cannot use database {name}: {text}")
    if state == "53100":  # disk full
        return _no_space()
    if is_lost(error):
        hint = "start the server, or wait for it; the next round continues the unfinished work"
        return LostConnectionError(f"cannot reach database {name}: {text}", hint=hint)
    if isinstance(error, OperationalError):
        if not state:  # the server refused the login
            return ConfigError(f"cannot open database {name}: {text}")
        return OutsideError(f"database {name}: {text}")
    if state[:2] in {"XX", "58"}:  # internal: damaged pages, lost files
        return _damaged(name, text)
    return None


def _needs_log(name: str) -> RefusedError:
    """Return the error of a reader without write access to a folder in which the log is missing."""
    hint = "run rdo trunk run once as the owner of the data folder, which leaves both there"
    return RefusedError(
        f"this user cannot read database {name}: {name}-wal and {name}-shm are not beside it",
        hint=hint,
    )


def _damaged(name: str, text: str) -> UnusableStoreError:
    return UnusableStoreError(f"database {name} is damaged: {text}", hint=RESTORE_HINT)


def _no_space() -> OutsideError:
    hint = "free some space; the next round continues the unfinished work"
    return NoSpaceError("no space left for the database", hint=hint)


def _is_wrong_login(error: DBAPIError) -> bool:
    text = str(error.orig)
    return "FATAL" in text and any(word in text for word in _WRONG_LOGIN)


def _one_line(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())
