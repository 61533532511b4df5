"""Opening the database, and transactions on it."""

import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from rdo.errors import ConfigError, OutsideError
from rdo.store.artifacts import Artifacts
from rdo.store.builds import Builds
from rdo.store.commits import Commits
from rdo.store.deliveries import Deliveries
from rdo.store.events import Events
from rdo.store.heads import Heads
from rdo.store.holds import Holds
from rdo.store.intents import Intents
from rdo.store.names import Names
from rdo.store.packages import Packages
from rdo.store.reports import Reports
from rdo.store.repositories import Repositories
from rdo.store.upgrade import upgrade

BUSY_SECONDS = 60  # how long a writer waits for another one before it gives up
_WRITERS = 0x72646F  # the advisory lock of all writers; any number of our own will do


@dataclass(frozen=True, slots=True)
class Transaction:
    """All tables, within one transaction."""

    artifacts: Artifacts
    builds: Builds
    commits: Commits
    deliveries: Deliveries
    events: Events
    heads: Heads
    holds: Holds
    intents: Intents
    names: Names
    packages: Packages
    reports: Reports
    repositories: Repositories


class Store:
    """The factory's memory, in SQLite or PostgreSQL.

    `with store.write() as at: at.builds.start(7, now=now)`.

    Opening brings the schema up to date. One store may be used from several threads; each `read` or
    `write` is a transaction of its own and should be short, because a second writer waits for the
    first. An exception inside rolls everything back.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        with self._transaction(writes=True) as session:
            upgrade(session.connection())

    @classmethod
    @contextlib.contextmanager
    def temporary(cls) -> Iterator[Self]:
        """Open a store in a temporary folder, for tests."""
        with (
            tempfile.TemporaryDirectory(prefix="rdo-store-") as folder,
            cls(f"sqlite:///{Path(folder)}/rdo.sqlite") as store,
        ):
            yield store

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a view of one moment, which no writer changes."""
        with self._transaction(writes=False) as session:
            yield _transaction(session)

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction; others see all its changes together, at the end of the block."""
        with self._transaction(writes=True) as session:
            yield _transaction(session)

    def faults(self) -> list[str]:
        """Return what the database itself finds wrong with its file; empty if all is well."""
        with self._transaction(writes=False) as session:
            if session.get_bind().dialect.name != "sqlite":
                return []
            rows = session.execute(text("PRAGMA integrity_check")).scalars()
            found = [str(row) for row in rows if row != "ok"]
            broken = session.execute(text("PRAGMA foreign_key_check")).all()
        lost = (f"a row of {row[0]} refers to a missing row of {row[2]}" for row in broken)
        return [*found, *lost]

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Session]:
        options: dict[str, Any] = {"rdo_writes": writes}
        if self._engine.dialect.name == "postgresql" and not writes:
            options["isolation_level"] = "REPEATABLE READ"  # one moment, as SQLite's readers have
        with (
            _explaining(),
            self._engine.connect().execution_options(**options) as connection,
            Session(connection, autoflush=True) as session,
            session.begin(),
        ):
            yield session


@contextlib.contextmanager
def _explaining() -> Iterator[None]:
    """Explain errors of a full disk or of a lock that is never released; nothing was changed."""
    try:
        yield
    except OperationalError as error:
        code = getattr(error.orig, "sqlite_errorcode", None)
        if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_IOERR_WRITE}:
            hint = "free some space; the next round continues the unfinished work"
            raise OutsideError("no space left for the database", hint=hint) from error
        if code == sqlite3.SQLITE_BUSY:
            message = f"another process has held the database's lock for {BUSY_SECONDS} s"
            raise OutsideError(message, hint="try again when it has finished") from error
        raise


def _transaction(session: Session) -> Transaction:
    return Transaction(
        artifacts=Artifacts(session),
        builds=Builds(session),
        commits=Commits(session),
        deliveries=Deliveries(session),
        events=Events(session),
        heads=Heads(session),
        holds=Holds(session),
        intents=Intents(session),
        names=Names(session),
        packages=Packages(session),
        reports=Reports(session),
        repositories=Repositories(session),
    )


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(f"cannot use database {url!r}: {error}") from error
    name = parsed.render_as_string(hide_password=True)
    set_up = _SET_UP.get(parsed.get_backend_name())
    if set_up is None:
        raise ConfigError(
            f"database {name!r} is of an unknown kind", hint="sqlite or postgresql://…"
        )
    try:
        engine = create_engine(parsed)
        set_up(engine)
        engine.connect().close()
    except ImportError as error:
        hint = "pip install 'rdo[postgresql]'"
        raise ConfigError(f"database {name!r} requires a driver: {error}", hint=hint) from error
    except (ArgumentError, OperationalError) as error:
        cause = getattr(error, "orig", error)
        raise ConfigError(f"cannot open database {name!r}: {cause}") from error
    return engine


def _set_up_sqlite(engine: Engine) -> None:
    event.listen(engine, "connect", _connect_sqlite)
    event.listen(engine, "begin", _begin_sqlite)


def _set_up_postgresql(engine: Engine) -> None:
    event.listen(engine, "begin", _begin_postgresql)


_SET_UP = {"sqlite": _set_up_sqlite, "postgresql": _set_up_postgresql}


def _begin_postgresql(connection: Connection) -> None:
    """Make a writer wait for the one before it, so that the same rules hold as in SQLite."""
    if connection.get_execution_options().get("rdo_writes"):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def _connect_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # If the driver began transactions itself, `BEGIN IMMEDIATE` would fail.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")  # an intent must be on the disk before its act
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _use_wal(cursor: DBAPICursor) -> None:
    """Switch the file to write-ahead logging, which it then keeps.

    sqlite does not honour the busy timeout for this one step, so that two processes that open a new
    database at once need a wait of our own.
    """
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    """Take the writer's lock at once, because a transaction that began as a reader cannot wait."""
    writes = connection.get_execution_options().get("rdo_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
