"""Counts of builds by day, and indexes for the filters of votes."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_ADD = """
INSERT INTO build_counts (target, day, outcome, reason, number)
SELECT NEW.target, NEW.release_date / 86400, NEW.outcome, coalesce(NEW.reason, ''), 1
WHERE NEW.outcome IN ('built', 'failed')
ON CONFLICT (target, day, outcome, reason) DO UPDATE SET number = build_counts.number + 1"""
_TAKE = """
UPDATE build_counts SET number = number - 1
WHERE target = OLD.target AND day = OLD.release_date / 86400
AND outcome = OLD.outcome AND reason = coalesce(OLD.reason, '')"""
_ACTS = {
    "insert": ("INSERT", _ADD),
    "update": ("UPDATE OF target, release_date, outcome, reason", f"{_TAKE};{_ADD}"),
    "delete": ("DELETE", _TAKE),
}


def upgrade() -> None:
    op.create_table(
        "build_counts",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("target", "day", "outcome", "reason", name=op.f("pk_build_counts")),
    )
    op.execute(
        "INSERT INTO build_counts (target, day, outcome, reason, number) "
        "SELECT target, release_date / 86400, outcome, coalesce(reason, ''), count(*) "
        "FROM builds WHERE outcome IN ('built', 'failed') "
        "GROUP BY target, release_date / 86400, outcome, coalesce(reason, '')"
    )
    # the database itself counts, so that every writer of builds is covered; a later migration that
    # rebuilds the table of builds must rebuild these triggers too
    for name, (when, act) in _ACTS.items():
        if op.get_bind().dialect.name == "sqlite":
            op.execute(
                f"CREATE TRIGGER builds_counted_{name} AFTER {when} ON builds BEGIN {act}; END"
            )
            continue
        op.execute(
            f"CREATE FUNCTION builds_counted_{name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$BEGIN {act}; RETURN NULL; END$$"
        )
        op.execute(
            f"CREATE TRIGGER builds_counted_{name} AFTER {when} ON builds "
            f"FOR EACH ROW EXECUTE FUNCTION builds_counted_{name}()"
        )
    op.drop_index("ix_builds_counted", "builds")
    # the condition is true for all builds, and keeps the index from queries about the few open ones
    listed = sa.text("id > 0")
    op.create_index(
        "ix_builds_listed",
        "builds",
        ["target", "id"],
        sqlite_where=listed,
        postgresql_where=listed,
    )
    for name in ("user", "timestamp", "component"):
        op.create_index(op.f(f"ix_votes_target_{name}_id"), "votes", ["target", name, "id"])
    for name, columns, where in (
        ("ix_votes_elsewhere", ["target", "id"], "build_id IS NULL"),
        ("ix_votes_in_progress", ["target", "id"], "in_progress"),
        ("ix_votes_not_good", ["target", "id"], "NOT success"),
    ):
        condition = sa.text(where)
        op.create_index(name, "votes", columns, sqlite_where=condition, postgresql_where=condition)
