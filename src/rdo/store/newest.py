"""The newest rows of a target, read from the end of an index.

For `target = T ORDER BY id DESC`, PostgreSQL may walk the primary key from its end and skip the
rows of other targets. For a target that is not used any more, it then reads every row newer than
the target's last one. A range of pairs (column, id) has an order that only the index of both
columns provides. SQLite uses that index for the simple query, and would use only its first column
for pairs.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

_LARGEST = 2**63 - 1

SelectT = TypeVar("SelectT", bound="Select[*tuple[object, ...]]")


def newest_first(
    session: Session,
    query: SelectT,
    number: InstrumentedAttribute[int],
    values: Mapping[Any, str | int],
    *,
    before: int | None = None,
) -> SelectT:
    """Return the query for rows with these values of columns, newest first.

    `number` is their primary key; with `before`, only rows with a lower one. An index of the table
    must have these columns, followed by the primary key.
    """
    *others, (last, value) = values.items()
    query = query.where(*(column == wanted for column, wanted in others))
    if session.get_bind().dialect.name == "postgresql":
        place = tuple_(last, number)
        end = _LARGEST if before is None else before
        return query.where(place > (value, 0), place < (value, end)).order_by(
            last.desc(), number.desc()
        )
    if before is not None:
        query = query.where(number < before)
    return query.where(last == value).order_by(number.desc())
