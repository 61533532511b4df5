"""An index only for listing the commits of a target, newest first."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    listed = sa.text("id > 0")  # true for all commits
    op.create_index(
        "ix_commits_listed",
        "commits",
        ["target", "id"],
        sqlite_where=listed,
        postgresql_where=listed,
    )
