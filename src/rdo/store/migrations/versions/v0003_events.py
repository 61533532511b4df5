"""Events that people are notified of, and the queue of messages."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("package", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=True),
        sa.Column("break_id", sa.Integer(), nullable=True),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("described", sa.Integer(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("target", "key", name=op.f("uq_events_target_key")),
    )
    op.create_index(
        op.f("ix_events_target_package_break_id_kind"),
        "events",
        ["target", "package", "break_id", "kind"],
        unique=False,
    )
    op.create_index(op.f("ix_events_target_id"), "events", ["target", "id"], unique=False)
    op.create_index(
        "ix_events_undescribed",
        "events",
        ["target", "id"],
        unique=False,
        sqlite_where=sa.text("described IS NULL"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column("due", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("ended", sa.Integer(), nullable=True),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_deliveries_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "event_id", "way", "recipient", name=op.f("uq_deliveries_event_id_way_recipient")
        ),
    )
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["due", "id"],
        unique=False,
        sqlite_where=sa.text("ended IS NULL"),
    )
