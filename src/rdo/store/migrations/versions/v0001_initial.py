"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "commits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("package", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("upstream_hash", sa.String(), nullable=False),
        sa.Column("distgit_hash", sa.String(), nullable=False),
        sa.Column("extended_hash", sa.String(), nullable=False),
        sa.Column("upstream_time", sa.Integer(), nullable=False),
        sa.Column("distgit_time", sa.Integer(), nullable=False),
        sa.Column("extended_time", sa.Integer(), nullable=True),
        sa.Column("upstream_branch", sa.String(), nullable=False),
        sa.Column("component", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commits")),
        sa.UniqueConstraint(
            "target",
            "package",
            "upstream_hash",
            "distgit_hash",
            "extended_hash",
            name=op.f("uq_commits_target_package_upstream_hash_distgit_hash_extended_hash"),
        ),
    )
    op.create_index(
        "ix_commits_owner",
        "commits",
        ["target", "upstream_hash", "distgit_hash", "extended_hash", "package"],
        unique=False,
    )
    op.create_index(
        op.f("ix_commits_target_package_position"),
        "commits",
        ["target", "package", "position"],
        unique=False,
    )
    op.create_index(
        op.f("ix_commits_target_package_upstream_branch_position"),
        "commits",
        ["target", "package", "upstream_branch", "position"],
        unique=False,
    )
    op.create_table(
        "heads",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("package", sa.String(), nullable=False),
        sa.Column("upstream_hash", sa.String(), nullable=True),
        sa.Column("distgit_hash", sa.String(), nullable=True),
        sa.Column("seen", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("error_since", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("target", "package", name=op.f("pk_heads")),
    )
    op.create_table(
        "intents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intents")),
    )
    op.create_index(
        "ix_intents_open",
        "intents",
        ["target", "id"],
        unique=False,
        sqlite_where=sa.text("done IS NULL"),
    )
    op.create_table(
        "builds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("package", sa.String(), nullable=False),
        sa.Column("commit_id", sa.Integer(), nullable=False),
        sa.Column("release_date", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("bootstrap", sa.Boolean(), nullable=False),
        sa.Column("inputs", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("needs", sa.Text(), nullable=False),
        sa.Column("rpms", sa.Text(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("started", sa.Integer(), nullable=True),
        sa.Column("finished", sa.Integer(), nullable=True),
        sa.Column("published", sa.Integer(), nullable=True),
        sa.Column("superseded", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["commit_id"], ["commits.id"], name=op.f("fk_builds_commit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_builds")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_builds_commit_id"), "builds", ["commit_id"], unique=False)
    op.create_index(
        "ix_builds_open",
        "builds",
        ["target", "id"],
        unique=False,
        sqlite_where=sa.text("state <> 'done'"),
    )
    op.create_index(
        "ix_builds_published",
        "builds",
        ["target", "published"],
        unique=True,
        sqlite_where=sa.text("published IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_builds_target_inputs_id"), "builds", ["target", "inputs", "id"], unique=False
    )
    op.create_index(
        op.f("ix_builds_target_package_id"), "builds", ["target", "package", "id"], unique=False
    )
    op.create_index(
        op.f("ix_builds_target_package_release_date"),
        "builds",
        ["target", "package", "release_date"],
        unique=False,
    )
    op.create_index(
        "ix_builds_unpublished",
        "builds",
        ["target", "id"],
        unique=False,
        sqlite_where=sa.text("outcome = 'built' AND published IS NULL"),
    )
    op.create_table(
        "artifacts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("release", sa.String(), nullable=False),
        sa.Column("arch", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("is_source", sa.Boolean(), nullable=False),
        sa.Column("provides", sa.Text(), nullable=False),
        sa.Column("primary_xml", sa.LargeBinary(), nullable=False),
        sa.Column("filelists_xml", sa.LargeBinary(), nullable=False),
        sa.Column("other_xml", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["build_id"], ["builds.id"], name=op.f("fk_artifacts_build_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifacts")),
    )
    op.create_index(op.f("ix_artifacts_build_id"), "artifacts", ["build_id"], unique=False)
    op.create_index(op.f("ix_artifacts_sha256"), "artifacts", ["sha256"], unique=False)
    op.create_table(
        "packages",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("package", sa.String(), nullable=False),
        sa.Column("newest_id", sa.Integer(), nullable=True),
        sa.Column("good_id", sa.Integer(), nullable=True),
        sa.Column("bootstrap_id", sa.Integer(), nullable=True),
        sa.Column("broken_id", sa.Integer(), nullable=True),
        sa.Column("broken_since", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["bootstrap_id"], ["builds.id"], name=op.f("fk_packages_bootstrap_id")
        ),
        sa.ForeignKeyConstraint(["broken_id"], ["builds.id"], name=op.f("fk_packages_broken_id")),
        sa.ForeignKeyConstraint(["good_id"], ["builds.id"], name=op.f("fk_packages_good_id")),
        sa.ForeignKeyConstraint(["newest_id"], ["builds.id"], name=op.f("fk_packages_newest_id")),
        sa.PrimaryKeyConstraint("target", "package", name=op.f("pk_packages")),
    )
    op.create_index(op.f("ix_packages_good_id"), "packages", ["good_id"], unique=False)
    op.create_table(
        "repositories",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("component", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["build_id"], ["builds.id"], name=op.f("fk_repositories_build_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repositories")),
    )
    op.create_index(op.f("ix_repositories_build_id"), "repositories", ["build_id"], unique=False)
    op.create_index(
        op.f("ix_repositories_target_component_digest_id"),
        "repositories",
        ["target", "component", "digest", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_repositories_target_path_id"),
        "repositories",
        ["target", "path", "id"],
        unique=False,
    )
    op.create_table(
        "moves",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("component", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("old_id", sa.Integer(), nullable=True),
        sa.Column("new_id", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("moved_by", sa.String(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["new_id"], ["repositories.id"], name=op.f("fk_moves_new_id")),
        sa.ForeignKeyConstraint(["old_id"], ["repositories.id"], name=op.f("fk_moves_old_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moves")),
    )
    op.create_index(
        op.f("ix_moves_target_component_name_id"),
        "moves",
        ["target", "component", "name", "id"],
        unique=False,
    )
    op.create_table(
        "names",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("component", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("move_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["move_id"], ["moves.id"], name=op.f("fk_names_move_id")),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repositories.id"], name=op.f("fk_names_repository_id")
        ),
        sa.PrimaryKeyConstraint("target", "component", "name", name=op.f("pk_names")),
    )
