"""An index for the votes of a job, the last recorded first."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_index(op.f("ix_votes_target_job_id"), "votes", ["target", "job", "id"])
