"""Open the database, and run transactions on it."""

import contextlib
import logging
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from rdo.store.database import sqlite_file
from rdo.store.database.engine import make_engine, name_of, parse
from rdo.store.database.errors import (
    RESTORE_HINT,
    LostConnectionError,
    UnusableStoreError,
    explaining,
    is_lost,
)
from rdo.store.database.sqlite_file import Mode
from rdo.store.database.upgrade import check_readable, revision_of, upgrade
from rdo.store.gauges import Gauges
from rdo.store.given.check_results import CheckResults
from rdo.store.given.held_back import HeldBacks
from rdo.store.given.names import Names
from rdo.store.given.repositories import Repositories
from rdo.store.given.votes import Votes
from rdo.store.intents import Intents
from rdo.store.messages.deliveries import Deliveries
from rdo.store.messages.events import Events
from rdo.store.people.acks import Acks
from rdo.store.people.holds import Holds
from rdo.store.people.reviews import Reviews
from rdo.store.people.users import Users
from rdo.store.schema import IdentityRow
from rdo.store.takeover.rows import Takeovers
from rdo.store.work.artifacts import Artifacts
from rdo.store.work.builds import Builds
from rdo.store.work.commits import Commits
from rdo.store.work.heads import Heads
from rdo.store.work.history import BuildHistory
from rdo.store.work.packages import Packages
from rdo.store.work.polls import Polls
from rdo.store.work.reports import Reports
from rdo.store.work.statistics import Statistics
from rdo.store.work.traces import Traces

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

_LOST_SECONDS = 30.0  # how long we wait for a lost server
_OPENING_SECONDS = 2.0  # the same while opening, when nothing has begun yet
_LONGEST_PAUSE = 1.0
_TRIES = 3  # of one transaction, each after such a wait

_STATUS = """
SELECT CASE WHEN :number < txid_snapshot_xmax(txid_current_snapshot())
THEN txid_status(:number) END"""
"""A server that was killed may not know the number of a transaction whose commit it never wrote."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """All tables, within one transaction."""

    acks: Acks
    artifacts: Artifacts
    builds: Builds
    check_results: CheckResults
    commits: Commits
    deliveries: Deliveries
    events: Events
    gauges: Gauges
    heads: Heads
    held_back: HeldBacks
    history: BuildHistory
    holds: Holds
    intents: Intents
    names: Names
    packages: Packages
    polls: Polls
    reports: Reports
    repositories: Repositories
    reviews: Reviews
    users: Users
    votes: Votes
    statistics: Statistics
    takeovers: Takeovers
    traces: Traces


class Store:
    """The database of a factory, in SQLite or PostgreSQL.

    `with store.write() as at: at.builds.start(7, now=now)`.

    Opening upgrades the schema. One store may be used from several threads; each `read` or `write`
    is a transaction of its own and should be short, because a second writer waits for the first. An
    exception inside rolls everything back. If the server is lost, we wait for it: a transaction
    begins on a new connection, and after a commit without an answer the server is asked what became
    of it.

    With `is_new=False` an empty or missing database raises UnusableStoreError. `identity` is given
    to a database that has none. With `reads_only` nothing is changed, and only read access is
    needed; then an older schema raises OlderSchemaError.
    """

    def __init__(
        self, url: str, *, is_new: bool = True, identity: str = "", reads_only: bool = False
    ) -> None:
        parsed = parse(url)
        self.name = name_of(parsed)
        self.reads_only = reads_only
        self._file = sqlite_file.path_of(parsed)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._patience = _OPENING_SECONDS
        self.was_empty = False
        is_new = is_new and not reads_only
        if self._file and not is_new and sqlite_file.is_empty(self._file):
            state = "is empty" if self._file.exists() else "does not exist"
            raise UnusableStoreError(f"database {self.name} {state}", hint=RESTORE_HINT)
        mode = Mode.READ if reads_only else Mode.CREATE if is_new else Mode.WRITE
        self._engine = make_engine(parsed, mode)
        self._inode: tuple[int, int] | None = None
        try:
            self.identity = self._open(identity, is_new=is_new)
        except BaseException:
            self._engine.dispose()
            raise
        self._inode = self._inode_now()
        self._patience = _LOST_SECONDS

    def _open(self, identity: str, *, is_new: bool) -> str:
        """Upgrade the schema, or check that it is current, and return the identity."""
        with self._transaction(writes=not self.reads_only) as session:
            revision = revision_of(session.connection(), self.name)
            if (not is_new and revision is None) or self.reads_only:
                check_readable(revision, self.name)
            if self.reads_only:
                return session.scalar(select(IdentityRow.id)) or ""
            self.was_empty = revision is None
            upgrade(session.connection(), self.name)
            known = session.scalar(select(IdentityRow.id))
            if known is None:
                known = identity or uuid.uuid4().hex
                session.add(IdentityRow(id=known))
            return known

    @classmethod
    @contextlib.contextmanager
    def temporary(cls) -> Iterator[Self]:
        """Open a store in a temporary folder, for tests."""
        with (
            tempfile.TemporaryDirectory(prefix="rdo-store-") as folder,
            cls(f"sqlite:///{Path(folder)}/rdo.sqlite") as store,
        ):
            yield store

    @classmethod
    def of_nothing(cls) -> Self:
        """Open an empty store for readers of a factory that has none yet."""
        folder = tempfile.TemporaryDirectory(prefix="rdo-store-")
        store = cls(f"sqlite:///{folder.name}/rdo.sqlite")
        store._folder = folder
        return store

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a view of the data at one moment, which no writer changes."""
        with self._transaction(writes=False) as session:
            yield _transaction(session)

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction; others see all its changes together, at the end of the block.

        Raises TypeError for a store that was opened for reading only.
        """
        if self.reads_only:
            raise TypeError("the database was opened for reading only")
        with self._transaction(writes=True) as session:
            yield _transaction(session)

    def ask(self, question: Callable[[Transaction], Answer]) -> Answer:
        """Return the result of `question`, a read, which is repeated if the server is lost."""
        return self._repeated(self.read, question)

    def change(self, act: Callable[[Transaction], Answer]) -> Answer:
        """Run `act` in a transaction; it is repeated if the server is lost before the commit."""
        return self._repeated(self.write, act)

    def faults(self) -> list[str]:
        """Return faults that the database itself finds in its data; empty if there are none."""
        with self._transaction(writes=False) as session:
            return integrity_faults(session.connection())

    @contextlib.contextmanager
    def connection(self, *, writes: bool = True) -> Iterator[Connection]:
        """Open a transaction for other modules of this package, without the tables' classes."""
        with self._transaction(writes=writes) as session:
            yield session.connection()

    def close(self) -> None:
        """Close the connections to the database."""
        with contextlib.ExitStack() as stack:
            if self._file and not self.reads_only:
                stack.enter_context(sqlite_file.LastReader(self._file))
            self._engine.dispose()
        if self._folder:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _repeated(
        self,
        transaction: Callable[[], contextlib.AbstractContextManager[Transaction]],
        work: Callable[[Transaction], Answer],
    ) -> Answer:
        for _ in range(_TRIES - 1):
            try:
                with transaction() as at:
                    return work(at)
            except LostConnectionError as error:
                log.warning("%s; trying again", error)
        with transaction() as at:
            return work(at)

    @contextlib.contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Session]:
        with (
            explaining(self.name),
            self._begun(writes=writes) as connection,
            Session(connection, autoflush=True) as session,
        ):
            yield session
            session.flush()
            if writes:
                self._commit(connection)
            else:
                connection.commit()  # psycopg forgets its prepared statements at a rollback

    @contextlib.contextmanager
    def _begun(self, *, writes: bool) -> Iterator[Connection]:
        """Yield a connection in a new transaction; what was not committed is rolled back."""
        give_up, pause = time.monotonic() + self._patience, 0.05
        while True:
            try:
                connection = self._connect(writes=writes)
                break
            except DBAPIError as error:
                if not is_lost(error) or time.monotonic() + pause > give_up:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        with connection:
            yield connection

    def _connect(self, *, writes: bool) -> Connection:
        self._check_inode()
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(self._engine.connect())
            connection = connection.execution_options(rdo_writes=writes)
            connection.begin()
            stack.pop_all()  # the caller closes it
            return connection

    def _commit(self, connection: Connection) -> None:
        """Commit; if the server is lost meanwhile, find out whether it was done."""
        number = None
        if connection.dialect.name == "postgresql":
            number = connection.scalar(text("SELECT txid_current_if_assigned()"))
        try:
            connection.commit()
        except DBAPIError as error:
            if number is None or not is_lost(error) or not self._is_committed(number):
                raise

    def _is_committed(self, number: int) -> bool:
        """Whether the server has committed a transaction, once it can be reached and knows."""
        while True:
            with self._begun(writes=False) as connection:
                state = connection.scalar(text(_STATUS), {"number": number})
            if state != "in progress":
                return bool(state == "committed")
            time.sleep(0.1)

    def _check_inode(self) -> None:
        """Refuse a file that was replaced or removed: what is written to it would be lost."""
        if self._inode and self._inode != self._inode_now():
            message = f"database {self.name} was removed or replaced while it was in use"
            raise UnusableStoreError(message, hint=RESTORE_HINT)

    def _inode_now(self) -> tuple[int, int] | None:
        if not self._file:
            return None
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return (0, 0)
        return found.st_dev, found.st_ino


def integrity_faults(connection: Connection) -> list[str]:
    """Return faults that a database finds in its own data."""
    if connection.dialect.name != "sqlite":
        return []
    rows = connection.exec_driver_sql("PRAGMA integrity_check").scalars()
    found = [str(row) for row in rows if row != "ok"]
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    lost = (f"a row of {row[0]} refers to a missing row of {row[2]}" for row in broken)
    return [*found, *lost]


def _transaction(session: Session) -> Transaction:
    return Transaction(
        acks=Acks(session),
        artifacts=Artifacts(session),
        builds=Builds(session),
        check_results=CheckResults(session),
        commits=Commits(session),
        deliveries=Deliveries(session),
        events=Events(session),
        gauges=Gauges(session),
        heads=Heads(session),
        held_back=HeldBacks(session),
        history=BuildHistory(session),
        holds=Holds(session),
        intents=Intents(session),
        names=Names(session),
        packages=Packages(session),
        polls=Polls(session),
        reports=Reports(session),
        repositories=Repositories(session),
        reviews=Reviews(session),
        users=Users(session),
        votes=Votes(session),
        statistics=Statistics(session),
        takeovers=Takeovers(session),
        traces=Traces(session),
    )
