"""Partial indexes get their condition on PostgreSQL too; there they contained every row."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_CONDITIONS = {
    ("ix_builds_published", "builds", "target", "published"): "published IS NOT NULL",
    ("ix_builds_open", "builds", "target", "id"): "state <> 'done'",
    ("ix_builds_unpublished", "builds", "target", "id"): "outcome = 'built' AND published IS NULL",
    ("ix_intents_open", "intents", "target", "id"): "done IS NULL",
    ("ix_events_undescribed", "events", "target", "id"): "described IS NULL",
    ("ix_deliveries_open", "deliveries", "due", "id"): "ended IS NULL",
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for (name, table, *columns), condition in _CONDITIONS.items():
        op.drop_index(name, table)
        op.create_index(
            name,
            table,
            columns,
            unique=name == "ix_builds_published",
            postgresql_where=sa.text(condition),
        )
