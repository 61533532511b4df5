"""The candidate from which a name has a part: the promoter takes none that is older."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column(
        "held_back",
        sa.Column("part_of", sa.String(), server_default=sa.text("''"), nullable=False),
    )
