"""An index by the end of builds, for statistics over a span of time."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    columns = ["target", "finished", "outcome", "reason", "package"]
    op.create_index("ix_builds_finished", "builds", columns)
