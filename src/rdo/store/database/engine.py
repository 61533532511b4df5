"""Engines: SQLAlchemy's connections to SQLite or PostgreSQL, configured for our rules."""

import os
import sqlite3
import sys
import weakref
from functools import partial

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from rdo.errors import ConfigError
from rdo.store.database import sqlite_file
from rdo.store.database.errors import BUSY_SECONDS
from rdo.store.database.sqlite_file import Mode

_WRITERS = 0x72646F  # the advisory lock of all writers; any number of our own will do
_CONNECT_SECONDS = 10  # a server that does not answer at all counts as lost


def parse(url: str) -> URL:
    """Return a database's URL; raises ConfigError unless it is one of SQLite or PostgreSQL."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(f"cannot use database {url!r}: {error}") from error
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise ConfigError(
            f"database {name_of(parsed)} is of an unknown kind", hint="sqlite or postgresql://…"
        )
    return parsed


def name_of(url: URL) -> str:
    """Return a database's name in messages: its file, or its URL without the password."""
    path = sqlite_file.path_of(url)
    return str(path) if path else url.render_as_string(hide_password=True)


def database_name(url: str) -> str:
    """Return the name in messages of the database at a URL."""
    return name_of(parse(url))


def make_engine(url: URL, mode: Mode) -> Engine:
    """Return an engine that has not connected yet; `mode` is for SQLite.

    Raises ConfigError if the driver is missing.
    """
    try:
        if url.get_backend_name() == "postgresql":
            return _postgresql(url)
        return _sqlite(url, mode)
    except ImportError as error:
        hint = f"{sys.executable} -m pip install 'psycopg[binary]'"
        raise ConfigError(
            f"database {name_of(url)} requires a driver: {error}", hint=hint
        ) from error
    except ArgumentError as error:
        raise ConfigError(f"cannot use database {name_of(url)}: {error}") from error


def _sqlite(url: URL, mode: Mode) -> Engine:
    path = sqlite_file.path_of(url)
    if path is None:
        raise ConfigError(f"database {name_of(url)} is not a file", hint="sqlite:////path/of/file")

    def connect() -> sqlite3.Connection:
        connection = sqlite_file.connect(path, mode)
        try:
            sqlite_file.set_up(connection, writes=mode in {Mode.WRITE, Mode.CREATE})
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql(url: URL) -> Engine:
    timeout = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_SECONDS}
    # the engine begins transactions, as in SQLite: the driver would wait for the first statement,
    # and notice too late that the server has closed a connection
    engine = create_engine(url, connect_args={"autocommit": True, **timeout})
    event.listen(engine, "begin", _begin_postgresql)
    os.register_at_fork(after_in_child=partial(_leave_to_parent, weakref.ref(engine)))
    return engine


def _leave_to_parent(engine: "weakref.ref[Engine]") -> None:
    """Forget the connections of the parent process, which a child must not use or close."""
    if found := engine():
        found.dispose(close=False)


def _begin_postgresql(connection: Connection) -> None:
    """Give readers the data of one moment, and make writers wait for each other, like SQLite."""
    if connection.get_execution_options().get("rdo_writes"):
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")
    else:
        connection.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _begin_sqlite(connection: Connection) -> None:
    """Take the writer's lock at once, because a transaction that began as a reader cannot wait."""
    writes = connection.get_execution_options().get("rdo_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
