"""Holds and pauses; requests to cancel builds; the time when a repository was removed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("package", sa.String(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=True),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("held_by", sa.String(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["build_id"], ["builds.id"], name=op.f("fk_holds_build_id")),
        sa.PrimaryKeyConstraint("target", "package", name=op.f("pk_holds")),
    )
    op.create_table(
        "pauses",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("paused_by", sa.String(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("target", name=op.f("pk_pauses")),
    )
    op.add_column(
        "builds", sa.Column("to_cancel", sa.Text(), nullable=False, server_default=sa.text("''"))
    )
    op.add_column("repositories", sa.Column("removed", sa.Integer(), nullable=True))
