"""The common parts of all tables: base class, types, and the conditions of indexes.

Times are whole seconds since the epoch. `package` and `target` are repeated in builds so that one
index answers each query of a round, whatever the length of the history. A missing extended hash or
component is the empty string where it is part of a key, because NULLs are never equal.
"""

from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TextClause,
    TypeDecorator,
    text,
)
from sqlalchemy.orm import DeclarativeBase

OPEN_BUILD = text("state <> 'done'")
PUBLISHED = text("published IS NOT NULL")
UNPUBLISHED = text("outcome = 'built' AND published IS NULL")
UNTRACED = text("NOT traced")
OPEN_REVIEW = text("reported IS NULL")
OPEN_INTENT = text("done IS NULL")
OPEN_ACK = text("ended IS NULL")
UNDESCRIBED = text("described IS NULL")
UNDELIVERED = text("ended IS NULL")
FOLLOWING = frozenset({"current", "consistent"})  # names that builds move
PROMOTION = text("name NOT IN ('current', 'consistent')")
OF_AGGREGATE = text("aggregate <> ''")
ON_BUILD = text("build_id IS NOT NULL")
ELSEWHERE = text("build_id IS NULL")
IN_PROGRESS, NOT_IN_PROGRESS = text("in_progress"), text("NOT in_progress")
GOOD, NOT_GOOD = text("success"), text("NOT success")
OF_CI = text("build_id IS NOT NULL AND job <> 'consistent'")


def index_where(name: str, *columns: str, where: TextClause, unique: bool = False) -> Index:
    """Return an index of only the rows that meet a condition."""
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _clean(value: str | None) -> str | None:
    """Replace what a database cannot store: NUL, and bytes that are not text."""
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


NUMBER = BigInteger().with_variant(Integer(), "sqlite")  # where every number has 64 bits


class Base(DeclarativeBase):
    """The base class of all rows."""

    type_annotation_map: ClassVar = {str: CleanString, int: NUMBER}
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
