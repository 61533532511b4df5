"""What users get: repositories, names and their moves, votes and checks."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from rdo.store.schema.base import (
    ELSEWHERE,
    IN_PROGRESS,
    NOT_GOOD,
    OF_AGGREGATE,
    OF_CI,
    ON_BUILD,
    PROMOTION,
    Base,
    CleanText,
    index_where,
)


class RepositoryRow(Base):
    """A published yum repository; `digest` names the set of builds that it contains.

    `removed` is when retention removed it from the tree: its row stays for the history of names.
    """

    __tablename__ = "repositories"
    __table_args__ = (
        Index(None, "target", "component", "digest", "id"),
        Index(None, "target", "path", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    component: Mapped[str]
    path: Mapped[str]
    build_id: Mapped[int | None] = mapped_column(ForeignKey("builds.id"), index=True)
    digest: Mapped[str]
    created: Mapped[int]
    removed: Mapped[int | None]


class NameRow(Base):
    """The repository that a name points to now."""

    __tablename__ = "names"

    target: Mapped[str] = mapped_column(primary_key=True)
    component: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repositories.id"))
    move_id: Mapped[int] = mapped_column(ForeignKey("moves.id"))


class MoveRow(Base):
    """One move of a name: from where, to where, when, by whom, why.

    `aggregate` is the hash of the name's aggregate after the move; it is empty without components,
    and of several moves in one step only the last one has it.
    """

    __tablename__ = "moves"
    __table_args__ = (
        Index(None, "target", "component", "name", "id"),
        Index(None, "target", "name", "id"),
        index_where("ix_moves_promotions", "target", "id", where=PROMOTION),
        index_where("ix_moves_promotions_of", "target", "component", "id", where=PROMOTION),
        index_where("ix_moves_aggregate", "target", "aggregate", "id", where=OF_AGGREGATE),
        Index(None, "new_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    component: Mapped[str]
    name: Mapped[str]
    old_id: Mapped[int | None] = mapped_column(ForeignKey("repositories.id"))
    new_id: Mapped[int] = mapped_column(ForeignKey("repositories.id"))
    moved: Mapped[int]
    moved_by: Mapped[str]
    why: Mapped[str] = mapped_column(CleanText)
    aggregate: Mapped[str] = mapped_column(server_default=text("''"), default="")


class VoteRow(Base):
    """The verdict of a job on a repository: on that of a build, or on what a hash names.

    `ref_hash` is the hash of an aggregate, or the digest of a composed repository; empty for a
    build's repository. `timestamp` is when the job says it voted, `created` when we received it.
    """

    __tablename__ = "votes"
    __table_args__ = (
        Index(None, "build_id", "id"),
        Index(None, "target", "job", "id"),
        Index(None, "target", "id"),
        Index(None, "target", "user", "id"),
        Index(None, "target", "timestamp", "id"),
        Index(None, "target", "component", "id"),
        index_where("ix_votes_elsewhere", "target", "id", where=ELSEWHERE),
        index_where("ix_votes_in_progress", "target", "id", where=IN_PROGRESS),
        index_where("ix_votes_not_good", "target", "id", where=NOT_GOOD),
        index_where("ix_votes_ref_hash", "target", "ref_hash", "id", where=text("ref_hash <> ''")),
        # one index for each way to ask for the newest: of a job or of any, in a component or in all
        index_where("ix_votes_job", "target", "job", "success", "timestamp", "id", where=ON_BUILD),
        index_where(
            "ix_votes_component_job",
            *("target", "component", "job", "success", "timestamp", "id"),
            where=ON_BUILD,
        ),
        index_where("ix_votes_newest", "target", "success", "timestamp", "id", where=OF_CI),
        index_where(
            "ix_votes_component",
            *("target", "component", "success", "timestamp", "id"),
            where=OF_CI,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    build_id: Mapped[int | None] = mapped_column(ForeignKey("builds.id"))
    ref_hash: Mapped[str] = mapped_column(server_default=text("''"), default="")
    component: Mapped[str]
    job: Mapped[str]
    success: Mapped[bool]
    in_progress: Mapped[bool]
    timestamp: Mapped[int]
    created: Mapped[int]
    url: Mapped[str] = mapped_column(CleanText)
    notes: Mapped[str] = mapped_column(CleanText)
    user: Mapped[str]


class CheckResultRow(Base):
    """The result of one check of a set of repositories; `subject` has their ids, sorted.

    A newer result of the same check, subject and context replaces it.
    """

    __tablename__ = "check_results"
    __table_args__ = (UniqueConstraint("target", "subject", "check_name", "context"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    subject: Mapped[str]
    check_name: Mapped[str]
    context: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(CleanText)
    findings: Mapped[str] = mapped_column(CleanText)
    owners: Mapped[str] = mapped_column(CleanText)
    against: Mapped[str] = mapped_column(CleanText)
    checked: Mapped[int]
    checked_by: Mapped[str]
    milliseconds: Mapped[int]
    log: Mapped[str]


class CheckedRepositoryRow(Base):
    """A repository that a result of a check is about."""

    __tablename__ = "checked_repositories"

    result_id: Mapped[int] = mapped_column(ForeignKey("check_results.id"), primary_key=True)
    repository_id: Mapped[int] = mapped_column(
        ForeignKey("repositories.id"), primary_key=True, index=True
    )


class HeldBackRow(Base):
    """A package that a promotion name has at an older build than its candidate has.

    Without a `build_id` the name has no build of it; without a `newer_id` the candidate has none.
    `part_of` is the hash of the candidate: of its aggregate, or of its repository's set of builds.
    """

    __tablename__ = "held_back"
    __table_args__ = (Index(None, "target", "name", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    name: Mapped[str]
    package: Mapped[str]
    build_id: Mapped[int | None] = mapped_column(ForeignKey("builds.id"))
    newer_id: Mapped[int | None] = mapped_column(ForeignKey("builds.id"))
    since: Mapped[int]
    until: Mapped[int]
    held_by: Mapped[str]
    why: Mapped[str] = mapped_column(CleanText)
    ended: Mapped[int | None]
    ending: Mapped[str] = mapped_column(CleanText)
    part_of: Mapped[str] = mapped_column(server_default=text("''"), default="")


class TakenOverRow(Base):
    """A row of another program's database, and the row of ours that was made from it.

    Every commit is recorded; of tables whose rows never change, only the last row.
    """

    __tablename__ = "taken_over"

    target: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    theirs: Mapped[int] = mapped_column(primary_key=True)
    ours: Mapped[int]
