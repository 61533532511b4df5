"""The results of checks of repositories."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "check_results",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("check_name", sa.String(), nullable=False),
        sa.Column("context", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("owners", sa.Text(), nullable=False),
        sa.Column("against", sa.Text(), nullable=False),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.Column("checked_by", sa.String(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("log", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_results")),
        sa.UniqueConstraint(
            "target",
            "subject",
            "check_name",
            "context",
            name=op.f("uq_check_results_target_subject_check_name_context"),
        ),
    )
    op.create_table(
        "checked_repositories",
        sa.Column("result_id", sa.Integer(), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["result_id"],
            ["check_results.id"],
            name=op.f("fk_checked_repositories_result_id_check_results"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["repositories.id"],
            name=op.f("fk_checked_repositories_repository_id_repositories"),
        ),
        sa.PrimaryKeyConstraint("result_id", "repository_id", name=op.f("pk_checked_repositories")),
    )
    op.create_index(
        op.f("ix_checked_repositories_repository_id"), "checked_repositories", ["repository_id"]
    )
