"""Read the database of a DLRN instance, of any schema that DLRN has had.

Columns and tables that an older schema lacks are read as if DLRN's own migrations had filled them.
Each query is a short transaction of its own, so that a running DLRN can still write.
"""

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sqlalchemy import (
    URL,
    Engine,
    Row,
    RowMapping,
    Select,
    TableClause,
    column,
    create_engine,
    func,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rdo.errors import ConfigError, OutsideError
from rdo.store.database import sqlite_file
from rdo.store.database.engine import name_of
from rdo.store.database.sqlite_file import Mode

_DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
_KINDS = frozenset({"sqlite", "postgresql", *_DRIVERS})
_NEEDED = ("id", "project_name", "commit_hash", "distro_hash", "status")
_CONNECT_SECONDS = 10
_AT_ONCE = 500  # rows
_PURGED = 2  # in the flags of a commit
_HINT = "the URL is database_connection of projects.ini"
_LAST_SECOND = 253_402_300_799  # of the year 9999
_NO_TEXT = frozenset({"", "None"})


@dataclass(frozen=True, slots=True)
class DlrnBuild:
    """One build, as DLRN records it. `artifacts` are paths in its tree, times are epochs."""

    id: int
    kind: str
    package: str
    upstream_hash: str
    distgit_hash: str
    extended_hash: str | None
    component: str | None
    branch: str
    upstream_time: int
    distgit_time: int
    extended_time: int
    built: int
    status: str
    artifacts: tuple[str, ...]
    notes: str
    is_purged: bool


@dataclass(frozen=True, slots=True)
class DlrnVote:
    """The vote of a job: on a commit, or on the aggregate `ref_hash`."""

    id: int
    commit_id: int | None
    ref_hash: str
    job: str
    url: str
    success: bool
    in_progress: bool
    timestamp: int
    notes: str
    user: str
    component: str | None


@dataclass(frozen=True, slots=True)
class DlrnPromotion:
    """One promotion of a commit."""

    id: int
    commit_id: int
    name: str
    timestamp: int
    user: str
    aggregate: str


@dataclass(frozen=True, slots=True)
class Newest:
    """The highest number of each table at one moment; 0 for an empty or missing one."""

    commits: int
    votes: int
    aggregate_votes: int
    promotions: int


class DlrnDatabase:
    """An open database of DLRN.

    Raises ConfigError for any other database, OutsideError if it is away.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self.name = name_of(parsed)
        self._engine = _engine(parsed)
        try:
            with self._explaining():
                self._tables = _tables(self._engine)
            self._check()
        except BaseException:
            self.close()
            raise

    def _check(self) -> None:
        """Raise ConfigError if the database is not DLRN's."""
        missing = [name for name in _NEEDED if name not in self._columns("commits")]
        if missing:
            raise ConfigError(
                f"{self.name} is not a database of DLRN: its table commits has no {missing[0]}",
                hint=_HINT,
            )

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def newest(self) -> Newest:
        """Return the highest numbers in the tables now.

        Tables that refer to commits are read first, so that every commit they name has a number up
        to the returned one.
        """
        votes, aggregates, promotions = (
            self._highest(name) for name in ("civotes", "civotes_agg", "promotions")
        )
        return Newest(self._highest("commits"), votes, aggregates, promotions)

    def users(self) -> list[tuple[str, str]]:
        """Return the users with the hashes of their passwords."""
        if not {"username", "password"} <= set(self._columns("users")):
            return []
        rows = self._rows(select(self._source("users")))
        return sorted((str(row.username or ""), str(row.password or "")) for row in rows)

    def commits(self, after: int, until: int) -> Iterator[list[DlrnBuild]]:
        """Yield the commits with numbers in a range, in order, in batches."""
        for rows in self._batches("commits", after, until):
            yield [_commit(row) for row in rows]

    def votes(self, after: int, until: int, *, on_aggregates: bool) -> Iterator[list[DlrnVote]]:
        """Yield votes with numbers in a range, in order, in batches."""
        name = "civotes_agg" if on_aggregates else "civotes"
        for rows in self._batches(name, after, until):
            yield [_vote(row) for row in rows]

    def promotions(self, after: int, until: int) -> Iterator[list[DlrnPromotion]]:
        """Yield promotions with numbers in a range, in order, in batches."""
        for rows in self._batches("promotions", after, until):
            yield [_promotion(row) for row in rows]

    def _columns(self, name: str) -> tuple[str, ...]:
        return self._tables.get(name, ())

    def _batches(self, name: str, after: int, until: int) -> Iterator[list[RowMapping]]:
        if "id" not in self._columns(name):
            return
        source = self._source(name)
        number = source.c.id
        while after < until:
            query = select(source).where(number > after, number <= until)
            rows = self._rows(query.order_by(number).limit(_AT_ONCE))
            if not rows:
                return
            yield [row._mapping for row in rows]
            after = rows[-1].id

    def _source(self, name: str) -> TableClause:
        return table(name, *(column(one) for one in self._columns(name)))

    def _rows(self, query: Select[Any]) -> list[Row[Any]]:
        with self._explaining(), self._engine.connect() as connection:
            return list(connection.execute(query))

    def _highest(self, name: str) -> int:
        if "id" not in self._columns(name):
            return 0
        [row] = self._rows(select(func.max(self._source(name).c.id).label("highest")))
        return int(row.highest or 0)

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        """Replace the driver's errors."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            message = f"DLRN's database {self.name} cannot be read: {said}"
            if isinstance(error, DBAPIError) and self._engine.dialect.name != "sqlite":
                raise OutsideError(
                    message, hint="check the URL, and that the server is up"
                ) from error
            raise ConfigError(
                message, hint="the URL is database_connection of projects.ini"
            ) from error


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(
            f"{url!r} is not the URL of a database", hint="sqlite:////srv/dlrn/commits.sqlite"
        ) from error
    backend = parsed.get_backend_name()
    if backend not in _KINDS:
        raise ConfigError(
            f"database {name_of(parsed)} is of an unknown kind",
            hint="sqlite:////path, mysql+pymysql://… or postgresql://…",
        )
    if backend in _DRIVERS and "+" not in parsed.drivername:
        parsed = parsed.set(drivername=_DRIVERS[backend])
    return parsed


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        path = sqlite_file.path_of(url)
        if path is None or not path.is_file():
            raise ConfigError(
                f"there is no database {name_of(url)}", hint="sqlite:////path/of/commits.sqlite"
            )
        return create_engine(
            "sqlite://", creator=lambda: sqlite_file.connect(path, Mode.READ), poolclass=NullPool
        )
    try:
        timeout = {"connect_timeout": _CONNECT_SECONDS}
        return create_engine(url, poolclass=NullPool, connect_args=timeout)
    except ImportError as error:
        hint = f"{sys.executable} -m pip install PyMySQL"
        raise ConfigError(
            f"database {name_of(url)} requires a driver: {error}", hint=hint
        ) from error


def _tables(engine: Engine) -> dict[str, tuple[str, ...]]:
    """Return the columns of each table."""
    found = inspect(engine)
    return {
        name: tuple(str(one["name"]) for one in found.get_columns(name))
        for name in found.get_table_names()
    }


def _commit(row: RowMapping) -> DlrnBuild:
    artifacts = _text(row.get("artifacts", row.get("rpms")))
    return DlrnBuild(
        id=_number(row["id"]),
        kind=_text(row.get("type")) or "rpm",
        package=_text(row["project_name"]),
        upstream_hash=_text(row["commit_hash"]),
        distgit_hash=_text(row["distro_hash"]),
        extended_hash=_text(row.get("extended_hash")) or None,
        component=_text(row.get("component")) or None,
        branch=_text(row.get("commit_branch")) or "master",
        upstream_time=_epoch(row.get("dt_commit")),
        distgit_time=_epoch(row.get("dt_distro")),
        extended_time=_epoch(row.get("dt_extended")),
        built=_epoch(row.get("dt_build")),
        status=_text(row["status"]),
        artifacts=tuple(one for one in artifacts.split(",") if one),
        notes=_text(row.get("notes")),
        is_purged=bool(_number(row.get("flags")) & _PURGED),
    )


def _vote(row: RowMapping) -> DlrnVote:
    return DlrnVote(
        id=_number(row["id"]),
        commit_id=_number(row["commit_id"]) if "commit_id" in row else None,
        ref_hash=_text(row.get("ref_hash")),
        job=_text(row.get("ci_name")),
        url=_text(row.get("ci_url")),
        success=bool(_number(row.get("ci_vote"))),
        in_progress=bool(_number(row.get("ci_in_progress"))),
        timestamp=_epoch(row.get("timestamp")),
        notes=_text(row.get("notes")),
        user=_text(row.get("user")),
        component=_text(row.get("component")) or None,
    )


def _promotion(row: RowMapping) -> DlrnPromotion:
    return DlrnPromotion(
        id=_number(row["id"]),
        commit_id=_number(row["commit_id"]),
        name=_text(row.get("promotion_name")),
        timestamp=_epoch(row.get("timestamp")),
        user=_text(row.get("user")),
        aggregate=_text(row.get("aggregate_hash")),
    )


def _text(value: object) -> str:
    """Return a text; DLRN writes `None` for some missing ones.

    >>> _text(None), _text("None"), _text(b"x"), _text("a")
    ('', '', 'x', 'a')
    """
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
    return "" if text in _NO_TEXT else text


def _epoch(value: object) -> int:
    """Return seconds since the epoch, 0 for a value that is not a time.

    >>> _epoch(5), _epoch(10**13)
    (5, 0)
    """
    number = _number(value)
    return number if number <= _LAST_SECOND else 0


def _number(value: object) -> int:
    """Return a number; SQLite may have stored anything in the column.

    >>> _number("1700172809.0"), _number(None), _number("x"), _number(True)
    (1700172809, 0, 0, 1)
    """
    try:
        number = int(float(str(int(value) if isinstance(value, bool) else value or 0)))
    except (ValueError, OverflowError):
        return 0
    return number if 0 <= number < 2**53 else 0
