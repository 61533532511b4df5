"""Replace a database by a backup; the replaced one is kept aside."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, text

from rdo import atomic
from rdo.errors import RefusedError
from rdo.store.database import sqlite_file
from rdo.store.database.access import Store
from rdo.store.database.backup import copy_backup, copy_rows, dump
from rdo.store.database.engine import parse
from rdo.store.database.sqlite_file import Mode
from rdo.store.schema import Base

_WAIT_SECONDS = 5  # for readers, who are done soon


def restore(url: str, file: Path, data: Path, *, identity: str, now: datetime) -> Path | None:
    """Replace the database at `url` by a backup, and return where the replaced one is kept.

    The backup is upgraded to the newest schema. If this is killed at any line, the old or the new
    database is left. `identity` is given to a backup that has none. The caller keeps all writers
    out. Raises RefusedError if somebody has the database open for long.
    """
    path = sqlite_file.path_of(parse(url))
    name = f"{path.name if path else 'rdo.sqlite'}.replaced-{now:%Y%m%dT%H%M%S}"
    aside = _free(path.with_name(name) if path else data / name)
    with _upgraded(file, path or data / "rdo.sqlite", identity) as new:
        if path:
            return _place(new, path, aside)
        return _load(new, url, aside)


@contextlib.contextmanager
def _upgraded(file: Path, beside: Path, identity: str) -> Iterator[Path]:
    """Yield a copy of a backup with the newest schema, on the file system of the database."""
    new = beside.with_name(f".{beside.name}.restored")
    files = (new, *(sqlite_file.beside(new, end) for end in sqlite_file.SUFFIXES))
    for left in files:  # left by a killed process
        left.unlink(missing_ok=True)
    try:
        copy_backup(file, new)
        Store(f"sqlite:///{new}", is_new=False, identity=identity).close()
        with contextlib.closing(sqlite_file.connect(new, Mode.WRITE)) as alone:
            alone.execute("PRAGMA journal_mode = DELETE")
        atomic.sync(new)
        yield new
    finally:
        for left in files:
            left.unlink(missing_ok=True)


def _free(wanted: Path) -> Path:
    """Return a name that does not exist yet, so that nothing kept aside is ever replaced."""
    names = (wanted, *(wanted.with_name(f"{wanted.name}.{n}") for n in range(1, 1000)))
    return next(name for name in names if not name.exists())


def _place(new: Path, path: Path, aside: Path) -> Path | None:
    """Exchange the files by one rename; a log that belongs to the old one is moved with it."""
    with contextlib.ExitStack() as stack:
        _close_log(path, stack)
        is_kept = path.exists()
        if is_kept:
            os.link(path, aside)
        for end in sqlite_file.SUFFIXES:
            left = sqlite_file.beside(path, end)
            if left.exists():  # beside a damaged or lost database
                left.rename(sqlite_file.beside(aside, end))
        new.replace(path)
        atomic.sync(path.parent)
    return aside if is_kept else None


def _close_log(path: Path, stack: contextlib.ExitStack) -> None:
    """Write all of a log into its file, and keep writers out until the stack is closed."""
    if sqlite_file.is_empty(path):
        return
    old = stack.enter_context(contextlib.closing(sqlite_file.connect(path, Mode.WRITE)))
    try:
        old.execute(f"PRAGMA busy_timeout = {_WAIT_SECONDS * 1000}")
        old.execute("PRAGMA journal_mode = DELETE")
        old.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            message = f"another process has the database {path} open"
            raise RefusedError(message, hint="try again when it has finished") from error
        # it is damaged, and its log stays beside the file that is kept


def _load(new: Path, url: str, aside: Path) -> Path | None:
    """Replace the rows of a PostgreSQL database in one transaction."""
    with (
        Store(f"sqlite:///{new}", is_new=False) as source,
        source.connection(writes=False) as rows,
        Store(url) as store,
        store.connection() as target,
    ):
        target.execute(text(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'"))
        if not store.was_empty:
            dump(target, aside)
            atomic.sync(aside, aside.parent)
        tables = ", ".join(Base.metadata.tables)
        target.execute(text(f"TRUNCATE {tables} CASCADE"))
        copy_rows(rows, target)
        continue_numbers(target)
    return None if store.was_empty else aside


def continue_numbers(target: Connection) -> None:
    """Make the numbers of new rows follow those that were copied."""
    for table in Base.metadata.sorted_tables:
        if table.autoincrement_column is None:
            continue
        column = table.autoincrement_column.name
        target.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column}'), "
                f"(SELECT coalesce(max({column}), 0) + 1 FROM {table.name}), false)"
            )
        )
