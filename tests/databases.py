"""The database of a test's factory: SQLite, or one on a PostgreSQL server."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rdo.store import Store

if TYPE_CHECKING:
    import psycopg

VARIABLE = "RDO_TEST_POSTGRESQL"
"""The folder with the socket of a server, that tests with a factory use."""
_NEWEST = "newest"


def database_of(root: Path) -> str:
    """Return the URL of a factory's database; create the database if it is on a server."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return f"sqlite:///{root}/rdo.sqlite"
    name = _name(root)
    with _server(folder) as server:
        if not _exists(server, _NEWEST):
            _make_newest(folder, server)
        if not _exists(server, name):
            server.execute(f"CREATE DATABASE {name} TEMPLATE {_NEWEST}")  # hex digits
    return _url(folder, name)


def copy_factory(root: Path, copy: Path) -> None:
    """Copy the folder and the database of a factory; nobody may have the database open."""
    shutil.copytree(root, copy, symlinks=True)
    if folder := os.environ.get(VARIABLE):
        with _server(folder) as server:
            server.execute(f"CREATE DATABASE {_name(copy)} TEMPLATE {_name(root)}")


def needs_a_file() -> None:
    """Skip a test that needs the file of a SQLite database."""
    if os.environ.get(VARIABLE):
        pytest.skip("PostgreSQL has no file of its own")


def _make_newest(folder: str, server: "psycopg.Connection[tuple[int]]") -> None:
    """Make a database with the newest schema that others are copies of: it takes a second."""
    being_made = f"{_NEWEST}_being_made"
    server.execute(f"DROP DATABASE IF EXISTS {being_made}")
    server.execute(f"CREATE DATABASE {being_made}")
    Store(_url(folder, being_made)).close()
    with _server(folder, being_made) as made:
        made.execute("DELETE FROM identity")  # each copy gets its own
    server.execute(f"ALTER DATABASE {being_made} RENAME TO {_NEWEST}")


def _exists(server: "psycopg.Connection[tuple[int]]", name: str) -> bool:
    found = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
    return found.fetchone() is not None


def _url(folder: str, name: str) -> str:
    return f"postgresql+psycopg://rdo@/{name}?host={folder}"


def _name(root: Path) -> str:
    return f"t{hashlib.sha256(str(root).encode()).hexdigest()[:20]}"


def _server(folder: str, database: str = "postgres") -> "psycopg.Connection[tuple[int]]":
    import psycopg

    return psycopg.connect(host=folder, user="rdo", dbname=database, autocommit=True)
