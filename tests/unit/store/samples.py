"""Short ways to the values that the store's tests use."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import create_engine, text

from rdo.model.commit import Commit
from rdo.store.database.upgrade import upgrade

TARGET = "master-deb12"
NOW = datetime(2026, 8, 1, 12, 0, 0, tzinfo=UTC)


def later(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def commit(package: str = "python-pbr", upstream: str = "aa", distgit: str = "dd") -> Commit:
    """A commit whose hashes begin with the given digits."""
    return Commit(
        package=package,
        upstream_hash=upstream.ljust(40, "0"),
        distgit_hash=distgit.ljust(40, "0"),
        upstream_time=NOW - timedelta(days=2),
        distgit_time=NOW - timedelta(days=1),
        upstream_branch="master",
    )


def make_older(url: str, schema: str, *statements: str) -> None:
    """Make a database as an older rdo has left it, with rows that the statements insert."""
    engine = create_engine(url)
    with engine.begin() as connection:
        upgrade(connection, "old", to=schema)
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
