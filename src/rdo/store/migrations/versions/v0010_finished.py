"""An index by when builds ended, for the numbers over a span of time."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    columns = ["target", "finished", "outcome", "reason", "package"]
    op.create_index("ix_builds_finished", "builds", columns)
