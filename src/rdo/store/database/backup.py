"""Backups of a database: one file of SQLite, whatever the database is."""

import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from rdo import atomic
from rdo.errors import RefusedError
from rdo.store.database import sqlite_file
from rdo.store.database.access import Store, integrity_faults
from rdo.store.database.engine import make_engine, name_of, parse
from rdo.store.database.errors import UnusableStoreError, explaining
from rdo.store.database.sqlite_file import Mode
from rdo.store.database.upgrade import HEAD, check_readable, revision_of
from rdo.store.schema import Base, BuildRow, IdentityRow, RepositoryRow

_AT_ONCE = 500  # rows
_ABANDONED_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A backup that was read: its schema, its identity, and how much it contains.

    `identity` is empty if the schema is older than identities.
    """

    file: Path
    schema: str
    identity: str
    builds: int
    repositories: int


def write_backup(url: str, file: Path) -> BackupFile:
    """Copy the database at `url` as it is at this moment, even while a round writes to it.

    `file` is complete or does not exist; an older backup is replaced. Raises RefusedError if `file`
    is anything else.
    """
    parsed = parse(url)
    path = sqlite_file.path_of(parsed)
    if path and file.exists() and path.exists() and file.samefile(path):
        raise RefusedError(f"{file} is the database itself", hint="name another file")
    if file.exists():
        _refuse_unless_backup(file)
    with _new_file(file) as new:
        if path:
            with explaining(name_of(parsed)):
                _copy_sqlite(path, new)
        else:
            with Store(url, reads_only=True) as store, store.connection(writes=False) as connection:
                dump(connection, new)
        found = inspect_backup(new)
    return BackupFile(file, found.schema, found.identity, found.builds, found.repositories)


def inspect_backup(file: Path) -> BackupFile:
    """Read a backup and check it.

    Raises UnusableStoreError if it is damaged or not a database of rdo, and ConfigError if a newer
    rdo made it.
    """
    if sqlite_file.is_empty(file):
        state = "is empty" if file.exists() else "does not exist"
        raise UnusableStoreError(f"backup {file} {state}")
    with _complaining(file), _opened(file) as connection:
        revision = revision_of(connection, str(file))
        if revision is None or revision > HEAD:
            check_readable(revision, str(file))
        if faults := integrity_faults(connection):
            raise UnusableStoreError(f"it is damaged: {faults[0]}")
        has_identity = connection.dialect.has_table(connection, IdentityRow.__tablename__)
        identity = connection.scalar(select(IdentityRow.id)) if has_identity else ""
        counts = [
            connection.scalar(select(func.count()).select_from(table)) or 0
            for table in (BuildRow, RepositoryRow)
        ]
    return BackupFile(file, revision or "", identity or "", *counts)


def copy_backup(file: Path, new: Path) -> None:
    """Copy a backup to a file of our own, without a log beside it."""
    with explaining(str(file)), _opened(file) as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        _copy(raw, new)


def dump(source: Connection, new: Path) -> None:
    """Copy all tables of the newest schema into a new file of SQLite."""
    with Store(f"sqlite:///{new}", identity="-") as store, store.connection() as target:
        for table in reversed(Base.metadata.sorted_tables):
            target.execute(table.delete())
        copy_rows(source, target)
    with contextlib.closing(sqlite_file.connect(new, Mode.WRITE)) as alone:
        alone.execute("PRAGMA journal_mode = DELETE")


def copy_rows(source: Connection, target: Connection) -> None:
    """Copy the rows of all tables from one database to another, which has none.

    Data that the database derives from other tables is not copied, because the database makes it.
    """
    for table in Base.metadata.sorted_tables:
        if table.info.get("is_derived"):
            continue
        rows = source.execute(select(table).execution_options(yield_per=_AT_ONCE))
        for part in rows.mappings().partitions():
            target.execute(table.insert(), [dict(row) for row in part])


@contextlib.contextmanager
def _complaining(file: Path) -> Iterator[None]:
    try:
        yield
    except UnusableStoreError as error:
        hint = "name a file that rdo db backup has written"
        raise UnusableStoreError(f"{file} is not a whole backup: {error}", hint=hint) from error


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Connection]:
    """Open a backup for reading; nothing is written beside it."""
    log = sqlite_file.beside(file, sqlite_file.LOG)
    mode = Mode.READ if log.exists() and log.stat().st_size else Mode.UNCHANGING
    engine = make_engine(parse(f"sqlite:///{file}"), mode)
    try:
        with explaining(str(file)), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _refuse_unless_backup(file: Path) -> None:
    try:
        inspect_backup(file)
    except UnusableStoreError as error:
        raise RefusedError(str(error), hint="name another file") from error


@contextlib.contextmanager
def _new_file(file: Path) -> Iterator[Path]:
    """Yield a file beside `file` to fill; it replaces `file` at the end of the block.

    Leftovers of a killed process are removed a day later.
    """
    for left in file.parent.glob(".*.rdo-backup"):
        if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
            left.unlink(missing_ok=True)
    with tempfile.NamedTemporaryFile(
        prefix=f".{file.name}.", suffix=".rdo-backup", dir=file.parent, delete=False
    ) as made:
        new = Path(made.name)
    try:
        yield new
        atomic.sync(new)
        new.replace(file)
        atomic.sync(file.parent)
    finally:
        for left in (new, *(sqlite_file.beside(new, end) for end in sqlite_file.SUFFIXES)):
            left.unlink(missing_ok=True)


def _copy_sqlite(path: Path, new: Path) -> None:
    if sqlite_file.is_empty(path):
        raise UnusableStoreError(f"database {path} does not exist or is empty")
    with contextlib.closing(sqlite_file.connect(path, Mode.READ)) as source:
        source.execute("PRAGMA busy_timeout = 60000")
        _copy(source, new)


def _copy(source: sqlite3.Connection, new: Path) -> None:
    """Copy a whole database in one step, so that no writer has to wait or makes it start again."""
    with contextlib.closing(sqlite_file.connect(new, Mode.CREATE)) as target:
        source.backup(target, pages=-1)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, with no log beside it
