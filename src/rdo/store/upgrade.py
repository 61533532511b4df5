"""Upgrading a database to the newest schema."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from rdo.errors import ConfigError

HEAD = "0004"  # the newest of migrations/versions; a test compares
MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection) -> None:
    """Apply the migrations that this database lacks, inside the caller's transaction.

    Raises ConfigError if a newer rdo has made the schema. Alembic is imported only if there is
    something to do, because that takes longer than all the rest of opening a store.
    """
    current = _current(connection)
    if current == HEAD:
        return
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(MIGRATIONS))
    if current and current not in {script.revision for script in scripts.walk_revisions()}:
        raise ConfigError(
            f"the database has schema {current}, which this rdo does not know: "
            "a newer rdo made it; upgrade rdo"
        )
    steps = tuple(scripts.iterate_revisions("head", current or "base"))
    context = MigrationContext.configure(connection)
    with Operations.context(context):
        for step in reversed(steps):
            step.module.upgrade()
            context.stamp(scripts, step.revision)


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found
