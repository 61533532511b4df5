"""The build of another target that made the RPMs of a build, or why they were made again."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column(
        "builds",
        sa.Column("taken_from", sa.String(), server_default=sa.text("''"), nullable=False),
    )
    op.add_column(
        "builds", sa.Column("not_taken", sa.Text(), server_default=sa.text("''"), nullable=False)
    )
