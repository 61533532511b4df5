"""A database that is gone, damaged or foreign is one error, and is never made anew."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from rdo.errors import OutsideError, RefusedError
from rdo.store import Store
from rdo.store.database.errors import OlderSchemaError, UnusableStoreError
from tests.unit.store.samples import NOW, TARGET, commit


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database that is larger than a page or two."""
    path = tmp_path / "rdo.sqlite"
    with Store(url(path)) as store, store.write() as at:
        for number in range(50):
            at.builds.plan(TARGET, commit(upstream=f"a{number}"), now=NOW)
    return path


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def test_a_missing_file_is_not_made_where_there_was_one(file: Path) -> None:
    file.unlink()

    with pytest.raises(UnusableStoreError, match=r"rdo\.sqlite does not exist"):
        Store(url(file), is_new=False)

    assert not file.exists()


def test_an_empty_file_is_not_filled_where_there_was_a_database(file: Path) -> None:
    file.write_bytes(b"")

    with pytest.raises(UnusableStoreError, match=r"rdo\.sqlite is empty"):
        Store(url(file), is_new=False)

    assert file.stat().st_size == 0


@pytest.mark.parametrize("size", [60, 5000, 20000, -4096])
def test_a_file_that_was_cut_is_damaged(file: Path, size: int) -> None:
    with file.open("r+b") as opened:
        opened.truncate(size % file.stat().st_size)

    with pytest.raises(UnusableStoreError, match=r"rdo\.sqlite is damaged") as caught:
        Store(url(file))

    assert "rdo db restore" in caught.value.hint


def test_a_file_of_something_else_is_refused(file: Path) -> None:
    file.write_text("a text\n" * 1000)

    with pytest.raises(UnusableStoreError, match="not a database"):
        Store(url(file))


@pytest.mark.parametrize("table", ["strangers", "alembic_version"])
def test_a_database_of_another_program_is_refused(tmp_path: Path, table: str) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE {table} (version_num TEXT)")
        connection.execute(f"INSERT INTO {table} VALUES ('0004')")
    connection.close()

    with pytest.raises(UnusableStoreError, match="not a database of rdo"):
        Store(url(path))


def test_damage_in_the_middle_is_reported_when_it_is_read(file: Path) -> None:
    size = file.stat().st_size
    with file.open("r+b") as opened:
        for page in range(2, size // 4096):
            opened.seek(page * 4096)
            opened.write(b"\xff" * 4096)

    def look() -> None:
        with Store(url(file)) as store, store.read() as at:
            at.builds.queue(TARGET)

    with pytest.raises(UnusableStoreError, match="damaged"):
        look()


def test_a_table_that_is_gone_is_damage(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE heads")
    connection.close()

    with (
        pytest.raises(UnusableStoreError, match="no such table: heads"),
        Store(url(file)) as store,
        store.read() as at,
    ):
        at.heads.all(TARGET)


def test_a_file_that_vanishes_in_use_is_not_written_to(file: Path) -> None:
    with Store(url(file)) as store:
        file.rename(file.with_name("elsewhere"))

        with pytest.raises(UnusableStoreError, match="removed or replaced"), store.write() as at:
            at.builds.plan(TARGET, commit(), now=NOW)

    assert not file.exists()


def test_a_held_lock_is_an_outside_problem(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rdo.store.database.sqlite_file.BUSY_SECONDS", 0)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(OutsideError, match="lock"):
        Store(url(file))

    other.close()


def test_a_reader_changes_nothing(file: Path) -> None:
    before = file.read_bytes()

    with Store(url(file), reads_only=True) as store:
        with store.read() as at:
            assert len(at.builds.queue(TARGET)) == 50
        with pytest.raises(RefusedError), store.connection(writes=False) as connection:
            connection.exec_driver_sql("DELETE FROM builds")

    assert file.read_bytes() == before


def test_a_reader_does_not_upgrade(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE identity")
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    connection.close()

    with pytest.raises(OlderSchemaError, match="0004") as caught:
        Store(url(file), reads_only=True)

    assert "rdo trunk run" in caught.value.hint


def test_log_and_index_stay_for_readers_of_a_folder_that_they_cannot_write(file: Path) -> None:
    beside = {path.name: path.stat().st_size for path in file.parent.glob("rdo*")}

    assert set(beside) == {"rdo.sqlite", "rdo.sqlite-wal", "rdo.sqlite-shm"}
    assert beside["rdo.sqlite-wal"] == 0, "all is in the file, which may be copied alone"


def test_a_log_that_vanished_after_a_kill_costs_only_what_was_in_it(
    file: Path, tmp_path: Path
) -> None:
    left = tmp_path / "left" / "rdo.sqlite"
    left.parent.mkdir()
    with Store(url(file)) as store:
        with store.write() as at:
            at.builds.plan(TARGET, commit(upstream="b"), now=NOW)
        assert file.with_name("rdo.sqlite-wal").stat().st_size > 0
        shutil.copyfile(file, left)

    with Store(url(left), is_new=False) as store, store.read() as at:
        assert len(at.builds.queue(TARGET)) == 50


def test_text_that_no_database_holds_is_kept_readable(store: Store) -> None:
    with store.write() as at:
        build = at.builds.plan(TARGET, commit(), now=NOW)
        at.builds.drop(build.id, "why\0not \udcff", now=NOW)

    with store.read() as at:
        assert at.builds.get(build.id).dropped == "why\N{REPLACEMENT CHARACTER}not ?"
