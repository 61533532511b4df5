"""Votes on repositories, and the aggregates that names have pointed to."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_PROMOTION = "name NOT IN ('current', 'consistent')"
_ON_BUILD = "build_id IS NOT NULL"
_OF_CI = "build_id IS NOT NULL AND job <> 'consistent'"

# a build whose repository `consistent` pointed to gets the vote that such builds get from now on
_CONSISTENT = """
INSERT INTO votes (target, build_id, ref_hash, component, job, success, in_progress, timestamp,
                   created, url, notes, "user")
SELECT moves.target, repositories.build_id, '', moves.component, 'consistent', :yes, :no,
       builds.release_date, moves.moved, '', '', ''
FROM moves JOIN repositories ON repositories.id = moves.new_id
JOIN builds ON builds.id = repositories.build_id
WHERE moves.name = 'consistent' ORDER BY moves.id
"""


def upgrade() -> None:
    op.add_column(
        "moves", sa.Column("aggregate", sa.String(), nullable=False, server_default=sa.text("''"))
    )
    op.create_index(op.f("ix_moves_target_name_id"), "moves", ["target", "name", "id"])
    op.create_index(op.f("ix_moves_new_id_id"), "moves", ["new_id", "id"])
    _index("ix_moves_promotions", "moves", "target", "id", where=_PROMOTION)
    _index("ix_moves_promotions_of", "moves", "target", "component", "id", where=_PROMOTION)
    _index("ix_moves_aggregate", "moves", "target", "aggregate", "id", where="aggregate <> ''")
    op.create_table(
        "votes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=True),
        sa.Column("ref_hash", sa.String(), nullable=False, server_default=sa.text("''")),
        sa.Column("component", sa.String(), nullable=False),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("success", sa.Boolean(), nullable=False),
        sa.Column("in_progress", sa.Boolean(), nullable=False),
        sa.Column("timestamp", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["build_id"], ["builds.id"], name=op.f("fk_votes_build_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_votes")),
    )
    op.create_index(op.f("ix_votes_build_id_id"), "votes", ["build_id", "id"])
    op.create_index(op.f("ix_votes_target_id"), "votes", ["target", "id"])
    _index("ix_votes_ref_hash", "votes", "target", "ref_hash", "id", where="ref_hash <> ''")
    newest = ("success", "timestamp", "id")
    _index("ix_votes_job", "votes", "target", "job", *newest, where=_ON_BUILD)
    of_job = ("target", "component", "job")
    _index("ix_votes_component_job", "votes", *of_job, *newest, where=_ON_BUILD)
    _index("ix_votes_newest", "votes", "target", *newest, where=_OF_CI)
    _index("ix_votes_component", "votes", "target", "component", *newest, where=_OF_CI)
    op.get_bind().execute(sa.text(_CONSISTENT), {"yes": True, "no": False})


def _index(name: str, table: str, *columns: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=condition, postgresql_where=condition)
