"""Engines: the connections of SQLAlchemy to SQLite or PostgreSQL, set up as our rules need them."""

import sqlite3
import sys

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from rdo.errors import ConfigError
from rdo.store.database import sqlite_file
from rdo.store.database.errors import BUSY_SECONDS
from rdo.store.database.sqlite_file import Mode

_WRITERS = 0x72646F  # the advisory lock of all writers; any number of our own will do
_CONNECT_SECONDS = 10  # a server that does not answer at all is away


def parse(url: str) -> URL:
    """Return a database's URL; a ConfigError unless it is one of SQLite or PostgreSQL."""
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
    """Return what a database is called in messages: its file, or its URL without the password."""
    path = sqlite_file.path_of(url)
    return str(path) if path else url.render_as_string(hide_password=True)


def database_name(url: str) -> str:
    """Return what messages call the database at a URL."""
    return name_of(parse(url))


def make_engine(url: URL, mode: Mode) -> Engine:
    """Return an engine, which has not connected yet; `mode` is for SQLite.

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
    # a connection that the server has closed meanwhile is replaced before it is used
    engine = create_engine(url, pool_pre_ping=True, connect_args=timeout)
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _begin_postgresql(connection: Connection) -> None:
    """Make a writer wait for the one before it, so that the same rules hold as in SQLite."""
    if connection.get_execution_options().get("rdo_writes"):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def _begin_sqlite(connection: Connection) -> None:
    """Take the writer's lock at once, because a transaction that began as a reader cannot wait."""
    writes = connection.get_execution_options().get("rdo_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
