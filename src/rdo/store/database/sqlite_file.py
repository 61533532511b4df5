"""Open and close SQLite's files.

The write-ahead log and its index stay beside the file when it is closed, so that a user without
write access to the folder can read the database at any time: sqlite needs both files, and removes
them if the last connection to be closed may write. Only sqlite itself may open the file: closing it
elsewhere would release the locks that sqlite holds in this process.
"""

import contextlib
import sqlite3
import time
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL

from rdo.store.database.errors import BUSY_SECONDS

LOG, INDEX = "-wal", "-shm"
SUFFIXES = (LOG, INDEX)


class Mode(StrEnum):
    """What a connection may do, in SQLite's words. UNCHANGING is for files that nobody writes."""

    READ = "ro"
    WRITE = "rw"
    CREATE = "rwc"
    UNCHANGING = "ro&immutable=1"


def path_of(url: URL) -> Path | None:
    """Return the file of a database, or None if it is not a plain file."""
    name = url.database or ""
    is_file = url.get_backend_name() == "sqlite" and name and not name.startswith((":", "file:"))
    return Path(name) if is_file else None


def beside(path: Path, suffix: str) -> Path:
    """Return the log or the index of a database file."""
    return path.with_name(path.name + suffix)


def is_empty(path: Path) -> bool:
    """Whether a database file contains nothing yet, or does not exist."""
    return not path.exists() or path.stat().st_size == 0


def connect(path: Path, mode: Mode) -> sqlite3.Connection:
    """Open a database file; only `Mode.CREATE` makes a missing one."""
    name = f"file:{quote(str(path.absolute()))}?mode={mode}"
    # the engine begins transactions: the driver's own ones would break BEGIN IMMEDIATE
    return sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)


def set_up(connection: sqlite3.Connection, *, writes: bool) -> None:
    """Configure a connection; a writer switches the file to write-ahead logging."""
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    if not writes:
        connection.execute("PRAGMA query_only = ON")
        return
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")  # an intent must be on the disk before its act
    connection.execute("PRAGMA foreign_keys = ON")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch the file permanently to write-ahead logging.

    sqlite ignores the busy timeout for this step, so two processes that open a new database at the
    same time need a wait of our own.
    """
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            is_busy = (error.sqlite_errorcode & 0xFF) in {
                sqlite3.SQLITE_BUSY,
                sqlite3.SQLITE_LOCKED,
            }
            if not is_busy or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


class LastReader:
    """A connection that cannot write and is closed last, so that log and index stay for readers.

    It is entered before the writers are closed; then the log's content is written to the file,
    unless a reader needs it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._reader: sqlite3.Connection | None = None
        try:
            with contextlib.closing(connect(self._path, Mode.WRITE)) as writer:
                writer.execute("PRAGMA busy_timeout = 0")
                reader = connect(self._path, Mode.READ)
                reader.execute("SELECT count(*) FROM sqlite_master").fetchone()  # opens the log
                self._reader = reader
                writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:  # a damaged or missing file is reported elsewhere
            return

    def __exit__(self, *_: object) -> None:
        if self._reader:
            self._reader.close()
