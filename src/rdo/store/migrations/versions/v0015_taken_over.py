"""What was taken over from a DLRN instance; an index of RPMs by file name."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "taken_over",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("theirs", sa.Integer(), nullable=False),
        sa.Column("ours", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("target", "kind", "theirs", name=op.f("pk_taken_over")),
    )
    op.create_index(op.f("ix_artifacts_file_name"), "artifacts", ["file_name"])
