"""The tables. Only this package uses them; callers get the values of its other modules.

Times are whole seconds since the epoch. `package` and `target` are repeated in builds so that one
index answers each question of a round, whatever the length of the history. A missing extended
hash or component is the empty string where it is part of a key, because NULLs are never equal.
"""

from typing import ClassVar

from sqlalchemy import (
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TextClause,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

OPEN_BUILD = text("state <> 'done'")
PUBLISHED = text("published IS NOT NULL")
UNPUBLISHED = text("outcome = 'built' AND published IS NULL")
OPEN_INTENT = text("done IS NULL")
UNDESCRIBED = text("described IS NULL")
UNDELIVERED = text("ended IS NULL")
FOLLOWING = frozenset({"current", "consistent"})  # names that builds move
PROMOTION = text("name NOT IN ('current', 'consistent')")
OF_AGGREGATE = text("aggregate <> ''")
ON_BUILD = text("build_id IS NOT NULL")
OF_CI = text("build_id IS NOT NULL AND job <> 'consistent'")


def _partial(name: str, *columns: str, where: TextClause) -> Index:
    """Return an index of the rows that meet a condition."""
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


def _clean(value: str | None) -> str | None:
    """Replace what a database cannot hold: NUL, and bytes that are no text."""
    if value is None:
        return None
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


class CleanString(TypeDecorator[str]):
    """A text that may come from strangers' files."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return _clean(value)


class CleanText(TypeDecorator[str]):
    """A long text that may come from strangers' files."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return _clean(value)


class Base(DeclarativeBase):
    """The base class of all rows."""

    type_annotation_map: ClassVar = {str: CleanString}
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class CommitRow(Base):
    """A state of a package's sources; `position` is its place in the package's own order."""

    __tablename__ = "commits"
    __table_args__ = (
        UniqueConstraint("target", "package", "upstream_hash", "distgit_hash", "extended_hash"),
        Index(None, "target", "package", "position"),
        Index(None, "target", "package", "upstream", "position"),
        # all columns of `owner`, or sqlite prefers the unique key, searched by target alone
        Index(
            "ix_commits_owner",
            "target",
            "upstream_hash",
            "distgit_hash",
            "extended_hash",
            "package",
        ),
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


class BuildRow(Base):
    """One try of a commit. `published` is its number in the target's publish sequence.

    `to_cancel` is why somebody wants to cancel it, for the round that runs it.
    """

    __tablename__ = "builds"
    __table_args__ = (
        Index(None, "target", "package", "id"),
        Index(None, "target", "package", "release_date"),
        Index(None, "target", "inputs", "id"),
        Index("ix_builds_counted", "target", "outcome", "reason", "release_date"),
        Index("ix_builds_finished", "target", "finished", "outcome", "reason", "package"),
        Index("ix_builds_published", "target", "published", unique=True, sqlite_where=PUBLISHED),
        Index("ix_builds_open", "target", "id", sqlite_where=OPEN_BUILD),
        Index("ix_builds_unpublished", "target", "id", sqlite_where=UNPUBLISHED),
        {"sqlite_autoincrement": True},  # the id of a build is never given twice
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
    """One RPM of a published build, with its three fragments of repository metadata, deflated.

    `signed_by` is the key that signed it, and `unsigned_sha256` what it was before; both are empty
    if it is as its build made it.
    """

    __tablename__ = "artifacts"

    id: Mapped[int] = mapped_column(primary_key=True)
    build_id: Mapped[int] = mapped_column(ForeignKey("builds.id"), index=True)
    file_name: Mapped[str]
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
    """The repository that a name leads to now."""

    __tablename__ = "names"

    target: Mapped[str] = mapped_column(primary_key=True)
    component: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repositories.id"))
    move_id: Mapped[int] = mapped_column(ForeignKey("moves.id"))


class MoveRow(Base):
    """One move of a name: from where, to where, when, by whom, why.

    `aggregate` is the hash of the name's aggregate after the move; empty without components, and
    for all but the last of the moves that were one step.
    """

    __tablename__ = "moves"
    __table_args__ = (
        Index(None, "target", "component", "name", "id"),
        Index(None, "target", "name", "id"),
        _partial("ix_moves_promotions", "target", "id", where=PROMOTION),
        _partial("ix_moves_promotions_of", "target", "component", "id", where=PROMOTION),
        _partial("ix_moves_aggregate", "target", "aggregate", "id", where=OF_AGGREGATE),
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
    build's. `timestamp` is when the job says that it voted, `created` when we were told.
    """

    __tablename__ = "votes"
    __table_args__ = (
        Index(None, "build_id", "id"),
        Index(None, "target", "job", "id"),
        Index(None, "target", "id"),
        _partial("ix_votes_ref_hash", "target", "ref_hash", "id", where=text("ref_hash <> ''")),
        # one for each way to ask for the newest: of a job or of any, in a component or in all
        _partial("ix_votes_job", "target", "job", "success", "timestamp", "id", where=ON_BUILD),
        _partial(
            "ix_votes_component_job",
            *("target", "component", "job", "success", "timestamp", "id"),
            where=ON_BUILD,
        ),
        _partial("ix_votes_newest", "target", "success", "timestamp", "id", where=OF_CI),
        _partial(
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
    """How one check of a set of repositories went; `subject` names their ids, sorted.

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


class IntentRow(Base):
    """A change of files that has been decided; open until the files match it."""

    __tablename__ = "intents"
    __table_args__ = (Index("ix_intents_open", "target", "id", sqlite_where=OPEN_INTENT),)

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    kind: Mapped[str]
    payload: Mapped[str] = mapped_column(CleanText)
    created: Mapped[int]
    done: Mapped[int | None]


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


class HeldBackRow(Base):
    """A package that a promotion name has at an older build than what it was promoted from.

    Without a `build_id` the name has no build of it; without a `newer_id` the other has none.
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


class EventRow(Base):
    """Something that people are told, once: `key` identifies it.

    `payload` is its description as JSON, empty until it has been gathered. Builds are stored as
    numbers only, because an event outlives the builds that it refers to.
    """

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("target", "key"),
        Index(None, "target", "package", "break_id", "kind"),
        Index("ix_events_undescribed", "target", "id", sqlite_where=UNDESCRIBED),
        Index(None, "target", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    package: Mapped[str]
    kind: Mapped[str]
    key: Mapped[str]
    build_id: Mapped[int | None]
    break_id: Mapped[int | None]
    created: Mapped[int]
    described: Mapped[int | None]
    payload: Mapped[str] = mapped_column(CleanText)


class DeliveryRow(Base):
    """One event for one recipient by one way; open until it was sent or given up."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("event_id", "way", "recipient"),
        Index("ix_deliveries_open", "due", "id", sqlite_where=UNDELIVERED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    way: Mapped[str]
    recipient: Mapped[str]
    digest: Mapped[bool]
    due: Mapped[int]
    tries: Mapped[int]
    error: Mapped[str] = mapped_column(CleanText)
    ended: Mapped[int | None]
    sent: Mapped[bool]


class IdentityRow(Base):
    """The identity of this database: chosen once, kept by backups, known to the data folder."""

    __tablename__ = "identity"

    id: Mapped[str] = mapped_column(primary_key=True)


class UserRow(Base):
    """Somebody who may use the API; `password` is a hash, empty if only tokens are accepted."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(primary_key=True)
    password: Mapped[str]
    created: Mapped[int]


class RightRow(Base):
    """The role of a user on a target; `*` stands for every target."""

    __tablename__ = "rights"

    user: Mapped[str] = mapped_column(ForeignKey("users.name"), primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]


class TokenRow(Base):
    """A token of a user: its SHA-256, and what it is limited to; empty columns do not limit it."""

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
    """Something that a user did by the API, or that was done to users."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[int]
    actor: Mapped[str]
    act: Mapped[str]
    target: Mapped[str]
    detail: Mapped[str] = mapped_column(CleanText)
    address: Mapped[str]
    request: Mapped[str]
