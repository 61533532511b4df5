"""Read the columns of rows without making objects that the session watches for changes.

Making such an object for each of a hundred rows takes longer than everything else in a query.
"""

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from sqlalchemy.orm import Bundle

from rdo.store.schema import Base

RowT = TypeVar("RowT", bound=Base)


def columns_of(row: type[RowT]) -> type[RowT]:
    """Return the columns of a table for a query that reads many of its rows.

    A row of the result is a named tuple, or None where an outer join has found nothing; it has the
    attributes of the class, which is why it is typed like this.
    """
    return cast("type[RowT]", _Columns(row))


class _Columns(Bundle[Any]):
    inherit_cache = True

    def __init__(self, row: type[Base]) -> None:
        names = list(row.__table__.columns.keys())
        super().__init__(row.__tablename__, *(getattr(row, name) for name in names))
        self._named = namedtuple("Columns", names)._make  # type: ignore[attr-defined]

    def create_row_processor(
        self,
        query: Any,  # noqa: ARG002
        procs: Sequence[Callable[[Any], Any]],
        labels: Sequence[str],  # noqa: ARG002
    ) -> Callable[[Any], Any]:
        named = self._named
        is_there, *_ = procs  # the first column of each table belongs to its key, and is never NULL

        def read(row: Any) -> Any:
            return None if is_there(row) is None else named([value(row) for value in procs])

        return read
