"""What people do: accounts, holds, acks, reviews."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from rdo.store.schema.base import OPEN_ACK, OPEN_REVIEW, Base, CleanText, index_where


class HoldRow(Base):
    """A package that stays at an older build until somebody releases it."""

    __tablename__ = "holds"

    target: Mapped[str] = mapped_column(primary_key=True)
    package: Mapped[str] = mapped_column(primary_key=True)
    build_id: Mapped[int | None] = mapped_column(ForeignKey("builds.id"))
    since: Mapped[int]
    held_by: Mapped[str]
    why: Mapped[str] = mapped_column(CleanText)


class PauseRow(Base):
    """A target that builds nothing until somebody resumes it."""

    __tablename__ = "pauses"

    target: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[int]
    paused_by: Mapped[str]
    why: Mapped[str] = mapped_column(CleanText)


class AckRow(Base):
    """A person's note that they are working on a package; open until the package is good again."""

    __tablename__ = "acks"
    __table_args__ = (
        Index(None, "target", "package", "id"),
        index_where("ix_acks_open", "target", "package", where=OPEN_ACK),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    package: Mapped[str]
    since: Mapped[int]
    acked_by: Mapped[str]
    why: Mapped[str] = mapped_column(CleanText)
    link: Mapped[str] = mapped_column(CleanText)
    ended: Mapped[int | None]
    ending: Mapped[str] = mapped_column(CleanText)


class ReviewRow(Base):
    """A change that is built for one target because of an open review.

    `place` is the server's name in rdo.toml, `number` the change's number there. Until it is looked
    up, its revision and description are empty. `reported` is when the verdict was sent, or given
    up.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        Index(None, "target", "id"),
        Index(None, "place", "project", "number"),
        Index(None, "place", "author", "created"),
        index_where("ix_reviews_open", "id", where=OPEN_REVIEW),
        {"sqlite_autoincrement": True},  # a link to a review never leads to another one
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    place: Mapped[str]
    project: Mapped[str]
    number: Mapped[int]
    revision: Mapped[str]
    branch: Mapped[str] = mapped_column(CleanText)
    author: Mapped[str]
    subject: Mapped[str] = mapped_column(CleanText)
    url: Mapped[str] = mapped_column(CleanText)
    because: Mapped[str] = mapped_column(CleanText)
    state: Mapped[str]
    verdict: Mapped[str]
    detail: Mapped[str] = mapped_column(CleanText)
    attempt: Mapped[int]
    created: Mapped[int]
    started: Mapped[int | None]
    finished: Mapped[int | None]
    reported: Mapped[int | None]
    report_tries: Mapped[int]
    report_error: Mapped[str] = mapped_column(CleanText)


class ReviewBuildRow(Base):
    """A package that was built for a review: a changed one, or a dependent of one."""

    __tablename__ = "review_builds"
    __table_args__ = (UniqueConstraint("review_id", "package"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id"))
    package: Mapped[str]
    role: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str] = mapped_column(CleanText)
    seconds: Mapped[int]


class ReviewVoteRow(Base):
    """The verdict of an outside job on a review; a job's last verdict counts."""

    __tablename__ = "review_votes"
    __table_args__ = (Index(None, "review_id", "job"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id"))
    job: Mapped[str]
    verdict: Mapped[str]
    url: Mapped[str] = mapped_column(CleanText)
    notes: Mapped[str] = mapped_column(CleanText)
    user: Mapped[str]
    recorded: Mapped[int]


class IdentityRow(Base):
    """The identity of this database: chosen once, kept in backups, recorded in the data folder."""

    __tablename__ = "identity"

    id: Mapped[str] = mapped_column(primary_key=True)


class UserRow(Base):
    """A user of the API; `password` is a hash, empty if only tokens are accepted."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(primary_key=True)
    password: Mapped[str]
    created: Mapped[int]


class RightRow(Base):
    """The role of a user on a target; `*` means every target."""

    __tablename__ = "rights"

    user: Mapped[str] = mapped_column(ForeignKey("users.name"), primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]


class TokenRow(Base):
    """A token of a user: its SHA-256, and its limits; empty columns do not limit it."""

    __tablename__ = "tokens"
    __table_args__ = (
        UniqueConstraint("digest"),
        {"sqlite_autoincrement": True},  # an id in the audit log never means another token
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user: Mapped[str] = mapped_column(ForeignKey("users.name"), index=True)
    digest: Mapped[str]
    purpose: Mapped[str]
    target: Mapped[str]
    role: Mapped[str]
    created: Mapped[int]
    expires: Mapped[int | None]
    revoked: Mapped[int | None]


class AuditRow(Base):
    """Something that a user did through the API, or that was done to users."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[int]
    actor: Mapped[str]
    act: Mapped[str]
    target: Mapped[str]
    detail: Mapped[str] = mapped_column(CleanText)
    address: Mapped[str]
    request: Mapped[str]
