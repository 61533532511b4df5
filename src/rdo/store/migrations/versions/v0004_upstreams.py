"""The upstream that a commit was taken from."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column(
        "commits", sa.Column("upstream", sa.String(), nullable=False, server_default=sa.text("''"))
    )
    op.drop_index(op.f("ix_commits_target_package_upstream_branch_position"), "commits")
    op.create_index(
        op.f("ix_commits_target_package_upstream_position"),
        "commits",
        ["target", "package", "upstream", "position"],
        unique=False,
    )
