"""Traces, by which builds are found from their sources; rounds read older commits once."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column(
        "commits", sa.Column("traced", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    untraced = sa.text("NOT traced")
    op.create_index(
        "ix_commits_untraced",
        "commits",
        ["target", "package", "position"],
        sqlite_where=untraced,
        postgresql_where=untraced,
    )
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "traced_sources",
        sa.Column("id", number, nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("package", sa.String(), nullable=False),
        sa.Column("is_distgit", sa.Boolean(), nullable=False),
        sa.Column("upstream", sa.String(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traced_sources")),
        sa.UniqueConstraint(
            *("target", "package", "is_distgit", "upstream"),
            name=op.f("uq_traced_sources_target_package_is_distgit_upstream"),
        ),
    )
    op.create_table(
        "traces",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source_id", number, nullable=False),
        sa.Column("position", number, autoincrement=False, nullable=False),
        sa.Column("is_there", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["traced_sources.id"], name=op.f("fk_traces_source_id_traced_sources")
        ),
        sa.PrimaryKeyConstraint("name", "source_id", "position", name=op.f("pk_traces")),
        sqlite_with_rowid=False,
    )
