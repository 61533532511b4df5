"""The key that signed an RPM, and the RPM's sha256 before that."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for name in ("signed_by", "unsigned_sha256"):
        column = sa.Column(name, sa.String(), nullable=False, server_default=sa.text("''"))
        op.add_column("artifacts", column)
    op.create_index(op.f("ix_artifacts_unsigned_sha256"), "artifacts", ["unsigned_sha256"])
