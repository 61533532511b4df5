"""The database of a test's factory: SQLite, or one on a PostgreSQL server."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import psycopg

VARIABLE = "RDO_TEST_POSTGRESQL"
"""The folder with the socket of a server, that tests with a factory use."""


def database_of(root: Path) -> str:
    """Return the URL of a factory's database; create the database if it is on a server."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return f"sqlite:///{root}/rdo.sqlite"
    name = _name(root)
    with _server(folder) as server:
        found = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not found:
            server.execute(f"CREATE DATABASE {name}")  # hex digits
    return f"postgresql+psycopg://rdo@/{name}?host={folder}"


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


def _name(root: Path) -> str:
    return f"t{hashlib.sha256(str(root).encode()).hexdigest()[:20]}"


def _server(folder: str) -> "psycopg.Connection[tuple[int]]":
    import psycopg

    return psycopg.connect(host=folder, user="rdo", dbname="postgres", autocommit=True)
