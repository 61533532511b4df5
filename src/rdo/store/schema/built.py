"""What is built: commits, builds and their RPMs, the state of packages, polls."""

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from rdo.store.schema.base import (
    OPEN_BUILD,
    OPEN_INTENT,
    PUBLISHED,
    UNPUBLISHED,
    UNTRACED,
    Base,
    CleanText,
    index_where,
)


class CommitRow(Base):
    """A state of a package's sources; `position` is its place in the package's own order."""

    __tablename__ = "commits"
    __table_args__ = (
        UniqueConstraint("target", "package", "upstream_hash", "distgit_hash", "extended_hash"),
        Index(None, "target", "package", "position"),
        Index(None, "target", "package", "upstream", "position"),
        # contains all columns of `owner`, or sqlite would use the unique key, searched by target
        # alone
        Index(
            "ix_commits_owner",
            "target",
            "upstream_hash",
            "distgit_hash",
            "extended_hash",
            "package",
        ),
        index_where("ix_commits_listed", "target", "id", where=text("id > 0")),
        index_where("ix_commits_untraced", "target", "package", "position", where=UNTRACED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    package: Mapped[str]
    position: Mapped[int]
    upstream_hash: Mapped[str]
    distgit_hash: Mapped[str]
    extended_hash: Mapped[str]
    upstream_time: Mapped[int]
    distgit_time: Mapped[int]
    extended_time: Mapped[int | None]
    upstream_branch: Mapped[str]
    component: Mapped[str | None]
    upstream: Mapped[str] = mapped_column(server_default=text("''"), default="")
    traced: Mapped[bool] = mapped_column(server_default=false(), default=False)


class TracedSourceRow(Base):
    """A history from which a package's commits are taken, and its head when it was last read.

    `upstream` is as in a commit, and empty for the distgit.
    """

    __tablename__ = "traced_sources"
    __table_args__ = (UniqueConstraint("target", "package", "is_distgit", "upstream"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    package: Mapped[str]
    is_distgit: Mapped[bool]
    upstream: Mapped[str]
    head: Mapped[str]


class TraceRow(Base):
    """The position from which on a source contains a commit or id, or no longer contains it."""

    __tablename__ = "traces"
    __table_args__ = ({"sqlite_with_rowid": False},)

    name: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("traced_sources.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    is_there: Mapped[bool]


class BuildRow(Base):
    """One try of a commit. `published` is its number in the target's publish sequence.

    `to_cancel` is why somebody wants to cancel it, for the round that runs it. `taken_from` is the
    build of another target that made its RPMs, as `TARGET/ID`; `not_taken` is why they were made
    again.
    """

    __tablename__ = "builds"
    __table_args__ = (
        index_where("ix_builds_listed", "target", "id", where=text("id > 0")),
        Index(None, "target", "package", "id"),
        Index(None, "target", "package", "release_date"),
        Index(None, "target", "inputs", "id"),
        Index("ix_builds_finished", "target", "finished", "outcome", "reason", "package"),
        index_where("ix_builds_published", "target", "published", unique=True, where=PUBLISHED),
        index_where("ix_builds_open", "target", "id", where=OPEN_BUILD),
        index_where("ix_builds_unpublished", "target", "id", where=UNPUBLISHED),
        {"sqlite_autoincrement": True},  # the id of a build is never used twice
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    package: Mapped[str]
    commit_id: Mapped[int] = mapped_column(ForeignKey("commits.id"), index=True)
    release_date: Mapped[int]
    attempt: Mapped[int]
    bootstrap: Mapped[bool]
    inputs: Mapped[str]
    state: Mapped[str]
    outcome: Mapped[str | None]
    reason: Mapped[str | None]
    detail: Mapped[str] = mapped_column(CleanText)
    needs: Mapped[str] = mapped_column(CleanText)
    rpms: Mapped[str] = mapped_column(CleanText)
    ticket: Mapped[str]
    created: Mapped[int]
    started: Mapped[int | None]
    finished: Mapped[int | None]
    published: Mapped[int | None]
    superseded: Mapped[bool]
    to_cancel: Mapped[str] = mapped_column(CleanText, server_default=text("''"), default="")
    taken_from: Mapped[str] = mapped_column(server_default=text("''"), default="")
    not_taken: Mapped[str] = mapped_column(CleanText, server_default=text("''"), default="")


class BuildCountRow(Base):
    """How many builds of one release date (a day in UTC, counted from the epoch) ended in one way.

    Triggers on the table of builds keep the count.
    """

    __tablename__ = "build_counts"
    __table_args__ = ({"info": {"is_derived": True}},)

    target: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    outcome: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]


class PackageRow(Base):
    """A package's state in a target: pointers, so that no history has to be searched for them."""

    __tablename__ = "packages"

    target: Mapped[str] = mapped_column(primary_key=True)
    package: Mapped[str] = mapped_column(primary_key=True)
    newest_id: Mapped[int | None] = mapped_column(ForeignKey("builds.id"))
    good_id: Mapped[int | None] = mapped_column(ForeignKey("builds.id"), index=True)
    bootstrap_id: Mapped[int | None] = mapped_column(ForeignKey("builds.id"))
    broken_id: Mapped[int | None] = mapped_column(ForeignKey("builds.id"))
    broken_since: Mapped[int | None]


class HeadRow(Base):
    """The result of the last poll of a package, or why it failed."""

    __tablename__ = "heads"

    target: Mapped[str] = mapped_column(primary_key=True)
    package: Mapped[str] = mapped_column(primary_key=True)
    upstream_hash: Mapped[str | None]
    distgit_hash: Mapped[str | None]
    seen: Mapped[int | None]
    error: Mapped[str] = mapped_column(CleanText)
    error_since: Mapped[int | None]


class ArtifactRow(Base):
    """One RPM of a published build, with its three fragments of repository metadata, compressed.

    `signed_by` is the key that signed it, and `unsigned_sha256` its hash before that; both are
    empty if it is as it was built.
    """

    __tablename__ = "artifacts"

    id: Mapped[int] = mapped_column(primary_key=True)
    build_id: Mapped[int] = mapped_column(ForeignKey("builds.id"), index=True)
    file_name: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    epoch: Mapped[int]
    version: Mapped[str]
    release: Mapped[str]
    arch: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    size: Mapped[int]
    is_source: Mapped[bool]
    provides: Mapped[str] = mapped_column(CleanText)
    primary_xml: Mapped[bytes] = mapped_column(LargeBinary)
    filelists_xml: Mapped[bytes] = mapped_column(LargeBinary)
    other_xml: Mapped[bytes] = mapped_column(LargeBinary)
    signed_by: Mapped[str] = mapped_column(server_default=text("''"), default="")
    unsigned_sha256: Mapped[str] = mapped_column(server_default=text("''"), default="", index=True)


class PollRow(Base):
    """A package whose remotes are to be polled now; a newer request replaces the row."""

    __tablename__ = "polls"
    __table_args__ = (
        UniqueConstraint("target", "package"),
        {"sqlite_autoincrement": True},  # the id of a request is never that of an older one
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    package: Mapped[str]
    asked: Mapped[int]
    asked_by: Mapped[str]


class ReceiptRow(Base):
    """A message of a webhook that was received, by its SHA-256; a second one has no effect."""

    __tablename__ = "receipts"

    hook: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    received: Mapped[int] = mapped_column(index=True)


class IntentRow(Base):
    """A change of files that has been decided; open until the files match it."""

    __tablename__ = "intents"
    __table_args__ = (index_where("ix_intents_open", "target", "id", where=OPEN_INTENT),)

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    kind: Mapped[str]
    payload: Mapped[str] = mapped_column(CleanText)
    created: Mapped[int]
    done: Mapped[int | None]
