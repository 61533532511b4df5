"""Upgrade a database to the newest schema."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from rdo.errors import ConfigError
from rdo.store.database.errors import RESTORE_HINT, OlderSchemaError, UnusableStoreError

HEAD = "0022"  # the newest of migrations/versions; a test compares
MIGRATIONS = Path(__file__).parents[1] / "migrations"
NEWEST = MIGRATIONS / "newest_sqlite.sql"
"""What makes the newest schema in SQLite at once; a blank line ends each statement."""
_OF_EVERY_SCHEMA = ("builds", "commits")


def revision_of(connection: Connection, name: str) -> str | None:
    """Return the schema of a database, or None if it is still empty.

    `name` is the database's, for messages. Raises UnusableStoreError if its tables are not ours.
    """
    tables = set(inspect(connection).get_table_names())
    found: str | None = None
    if "alembic_version" in tables:
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    is_shared = connection.dialect.name == "postgresql"  # it may also contain tables of others
    if found is None and (not tables or is_shared):
        return None
    if found is None or not tables.issuperset(_OF_EVERY_SCHEMA):
        raise UnusableStoreError(f"{name} is not a database of rdo", hint=RESTORE_HINT)
    return found


def check_readable(revision: str | None, name: str) -> None:
    """Raise an error if a database with this schema cannot be read as it is.

    Raises OlderSchemaError for a schema of an older rdo, UnusableStoreError for any other schema.
    """
    if revision == HEAD:
        return
    if revision is None:
        raise UnusableStoreError(f"database {name} is empty", hint=RESTORE_HINT)
    if revision > HEAD:
        raise _newer(revision)
    raise OlderSchemaError(
        f"database {name} has schema {revision}, which must be upgraded to {HEAD}",
        hint="run rdo trunk run once as the owner of the data folder",
    )


def upgrade(connection: Connection, name: str, to: str = "head") -> None:
    """Bring a database to the newest schema, inside the caller's transaction.

    With `to`, to an older schema. Raises ConfigError if a newer rdo has made its schema. SQLite
    gets the newest schema at once if it is still empty; else the missing migrations are applied.
    """
    current = revision_of(connection, name)
    if current is None and to == "head" and connection.dialect.name == "sqlite":
        _make_newest(connection)
    elif current != HEAD:
        migrate(connection, current, to)


def _make_newest(connection: Connection) -> None:
    for statement in NEWEST.read_text().rstrip().split("\n\n"):
        connection.exec_driver_sql(statement)
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def migrate(connection: Connection, current: str | None, to: str = "head") -> None:
    """Apply the migrations after the schema `current`, inside the caller's transaction.

    None is an empty database. With `to`, only those up to an older schema. Raises ConfigError if
    `current` is the schema of a newer rdo. Alembic is imported only here, because that takes longer
    than everything else in opening a store.
    """
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(MIGRATIONS))
    if current and current not in {script.revision for script in scripts.walk_revisions()}:
        raise _newer(current)
    steps = tuple(scripts.iterate_revisions(to, current or "base"))
    context = MigrationContext.configure(connection)
    with Operations.context(context):
        for step in reversed(steps):
            step.module.upgrade()
            context.stamp(scripts, step.revision)


def _newer(revision: str) -> ConfigError:
    return ConfigError(
        f"the database has schema {revision}, which this rdo does not know: "
        "a newer rdo made it; upgrade rdo"
    )
