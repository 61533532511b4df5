"""Numbers of 64 bits in PostgreSQL, as in SQLite: for times after 2038, and numbers in requests."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_TRIGGERS = sa.text(
    "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger"
    " WHERE tgrelid = to_regclass(:name) AND NOT tgisinternal"
)


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    found = sa.inspect(connection)
    for table in found.get_table_names():
        narrow = [
            str(column["name"])
            for column in found.get_columns(table)
            if isinstance(column["type"], sa.Integer)
            and not isinstance(column["type"], sa.BigInteger)
        ]
        if narrow:
            _widen(connection, table, narrow)


def _widen(connection: sa.Connection, table: str, columns: list[str]) -> None:
    """Change columns in one statement, because each rewrites the table; triggers would block it."""
    triggers = connection.execute(_TRIGGERS, {"name": table}).all()
    for name, _ in triggers:
        op.execute(sa.text(f'DROP TRIGGER "{name}" ON "{table}"'))
    wide = ", ".join(f'ALTER COLUMN "{name}" TYPE BIGINT' for name in columns)
    op.execute(sa.text(f'ALTER TABLE "{table}" {wide}'))
    for _, definition in triggers:
        connection.exec_driver_sql(definition)
