import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import BigInteger, Integer, create_engine, inspect

from rdo.errors import ConfigError
from rdo.store import Store
from rdo.store.database.upgrade import HEAD, MIGRATIONS, migrate, revision_of
from rdo.store.schema import Base
from rdo.store.work.history import BuildFilter
from tests.unit.store.database.newest_schema import migrated, statements
from tests.unit.store.samples import NOW, TARGET, commit


def test_the_migrations_make_the_schema_that_the_code_expects(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/rdo.sqlite")
    with engine.begin() as connection:
        migrate(connection, None)
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    engine.dispose()

    assert differences == []


def test_a_new_database_is_what_the_migrations_make(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rdo.sqlite"
    Store(url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        made = statements(connection)
        revision = revision_of(connection, url)
    engine.dispose()

    def plain(one: str) -> str:
        """Without the quotes, which differ between SQLite's versions."""
        return re.sub(r'[\s"]+', " ", one)

    again = "python -m tests.unit.store.database.newest_schema"
    assert [*map(plain, made)] == [*map(plain, migrated())], f"write it again: {again}"
    assert revision == HEAD


def test_numbers_of_postgresql_are_as_wide_as_those_of_sqlite(postgresql: str) -> None:
    engine = create_engine(postgresql)
    found = inspect(engine)
    narrow = [
        f"{table}.{column['name']}"
        for table in found.get_table_names()
        for column in found.get_columns(table)
        if isinstance(column["type"], Integer) and not isinstance(column["type"], BigInteger)
    ]
    engine.dispose()

    assert narrow == []


def test_times_after_2038_and_numbers_beyond_any_row_are_asked_for(store: Store) -> None:
    late = datetime(2100, 1, 1, tzinfo=UTC)
    with store.write() as at:
        at.builds.plan(TARGET, commit(), now=late)

    with store.read() as at:
        assert [one.created for one in at.builds.queue(TARGET)] == [late]
        assert at.history.get(TARGET, 2**53) is None
        assert len(at.history.listed(TARGET, BuildFilter(), before=2**53, limit=5)) == 1


def test_head_names_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_a_second_opening_keeps_what_is_stored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rdo.sqlite"
    with Store(url) as store, store.write() as at:
        at.builds.plan(TARGET, commit(), now=NOW)

    with Store(url) as store, store.read() as at:
        assert len(at.builds.queue(TARGET)) == 1


def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rdo.sqlite"
    Store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    with pytest.raises(ConfigError, match=r"schema 9999.*upgrade rdo"):
        Store(f"sqlite:///{path}")


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////no/such/folder/rdo.sqlite", "nodb://x"])
def test_a_database_that_cannot_be_opened_is_named(url: str) -> None:
    with pytest.raises(ConfigError, match="database"):
        Store(url)


def test_an_exception_undoes_the_whole_transaction(store: Store) -> None:
    def plan_and_fail() -> None:
        with store.write() as at:
            at.builds.plan(TARGET, commit(), now=NOW)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan_and_fail()

    with store.read() as at:
        assert at.builds.queue(TARGET) == ()


def test_a_reader_is_not_held_up_by_a_writer_and_sees_nothing_half_done(store: Store) -> None:
    with store.write() as writing:
        writing.builds.plan(TARGET, commit(), now=NOW)
        with store.read() as reading:
            assert reading.builds.queue(TARGET) == ()


def test_writers_in_several_threads_wait_for_each_other(store: Store) -> None:
    def plan(number: int) -> None:
        with store.write() as at:
            at.builds.plan(TARGET, commit(upstream=f"a{number}"), now=NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(plan, range(8)))

    with store.read() as at:
        assert len({build.position for build in at.builds.queue(TARGET)}) == 8


def test_two_openings_at_once_make_one_schema(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rdo.sqlite"

    with ThreadPoolExecutor(4) as pool:
        opened = [pool.submit(Store, url) for _ in range(4)]

    for future in opened:
        future.result().close()
