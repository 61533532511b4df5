"""Requests by webhooks: polls of packages, and builds of open reviews."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "polls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("package", sa.String(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_polls")),
        sa.UniqueConstraint("target", "package", name=op.f("uq_polls_target_package")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "receipts",
        sa.Column("hook", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hook", "digest", name=op.f("pk_receipts")),
    )
    op.create_index(op.f("ix_receipts_received"), "receipts", ["received"])
    _reviews()


def _reviews() -> None:
    texts = ("branch", "subject", "url", "because", "detail", "report_error")
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("target", "place", "project")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("revision", "author")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("state", "verdict")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("number", "attempt")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("created", "report_tries")),
        *(sa.Column(name, sa.Integer()) for name in ("started", "finished", "reported")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sqlite_autoincrement=True,
    )
    for columns in (
        ("target", "id"),
        ("place", "project", "number"),
        ("place", "author", "created"),
    ):
        op.create_index(op.f(f"ix_reviews_{'_'.join(columns)}"), "reviews", list(columns))
    is_open = sa.text("reported IS NULL")
    op.create_index(
        "ix_reviews_open", "reviews", ["id"], sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_table(
        "review_builds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("package", "role")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("outcome", "reason")),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.id"], name=op.f("fk_review_builds_review_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_builds")),
        sa.UniqueConstraint(
            "review_id", "package", name=op.f("uq_review_builds_review_id_package")
        ),
    )
    op.create_table(
        "review_votes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("job", "verdict", "user")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("url", "notes")),
        sa.Column("recorded", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.id"], name=op.f("fk_review_votes_review_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_votes")),
    )
    op.create_index(op.f("ix_review_votes_review_id_job"), "review_votes", ["review_id", "job"])
