"""The statements that make the newest schema in SQLite, read from a database that was migrated.

`python -m tests.unit.store.database.newest_schema` writes them anew after a new migration.
"""

from sqlalchemy import Connection, create_engine, text

from rdo.store.database.upgrade import NEWEST, migrate

_STATEMENTS = text(
    "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' "
    "ORDER BY type = 'table' DESC, type = 'index' DESC, name"
)
_HEAD = "-- The newest schema in SQLite: what the migrations make. A test compares; do not edit.\n"


def statements(connection: Connection) -> list[str]:
    """Return what makes the tables, indexes and triggers of a database."""
    return [_tidy(statement) for statement in connection.scalars(_STATEMENTS)]


def _tidy(statement: str) -> str:
    lines = (line.rstrip().replace("\t", "    ") for line in statement.splitlines())
    return "\n".join(line for line in lines if line)


def migrated() -> list[str]:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        migrate(connection, None)
        return statements(connection)


if __name__ == "__main__":
    NEWEST.write_text(_HEAD + ";\n\n".join([*migrated(), ""]))
