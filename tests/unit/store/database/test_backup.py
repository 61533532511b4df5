"""Backups of both databases, and putting them back into either."""

import sqlite3
import threading
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from rdo.errors import ConfigError, RefusedError
from rdo.store import Store
from rdo.store.database.backup import inspect_backup, write_backup
from rdo.store.database.errors import UnusableStoreError
from rdo.store.database.restore import restore
from tests.unit.store.samples import NOW, TARGET, commit, make_older

KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return _url(request, request.param, tmp_path)


def _url(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder}/rdo.sqlite"
    return str(request.getfixturevalue("postgresql"))


@pytest.fixture
def backup(url: str, tmp_path: Path) -> Path:
    """A backup with two builds, of a store that has three by now."""
    plan(url, "one", "two")
    write_backup(url, tmp_path / "backup")
    plan(url, "three")
    return tmp_path / "backup"


def plan(url: str, *packages: str) -> None:
    with Store(url) as store, store.write() as at:
        for package in packages:
            at.builds.plan(TARGET, commit(package), now=NOW)


def planned(url: str) -> list[str]:
    with Store(url) as store, store.read() as at:
        return [build.package for build in at.builds.queue(TARGET)]


def test_a_backup_is_one_file_that_says_what_it_has(url: str, tmp_path: Path) -> None:
    with Store(url) as store:
        identity = store.identity
    plan(url, "one", "two")

    done = write_backup(url, tmp_path / "backup")

    assert (done.builds, done.repositories, done.identity) == (2, 0, identity)
    left = {path.name for path in tmp_path.iterdir()} - {"home"}
    assert {name for name in left if not name.startswith("rdo.sqlite")} == {"backup"}
    assert inspect_backup(tmp_path / "backup").builds == 2


def test_a_restored_backup_has_what_was_in_it_and_the_replaced_one_is_kept(
    url: str, backup: Path, tmp_path: Path
) -> None:
    kept = restore(url, backup, tmp_path, identity="", now=NOW)

    assert planned(url) == ["one", "two"]
    assert kept is not None
    assert planned(f"sqlite:///{kept}") == ["one", "two", "three"]


@pytest.mark.parametrize("other", KINDS)
def test_a_backup_of_one_kind_goes_into_the_other(
    request: pytest.FixtureRequest, tmp_path: Path, other: str
) -> None:
    (tmp_path / "a").mkdir()
    source = _url(request, next(kind for kind in KINDS if kind != other), tmp_path / "a")
    target = _url(request, other, tmp_path)
    plan(source, "one", "two")
    write_backup(source, tmp_path / "backup")

    restore(target, tmp_path / "backup", tmp_path, identity="", now=NOW)
    write_backup(target, tmp_path / "again")

    assert rows(tmp_path / "again") == rows(tmp_path / "backup")
    plan(target, "three")
    assert planned(target) == ["one", "two", "three"], "new rows get new numbers"


def rows(file: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(file) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        found = {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=str)
            for (name,) in names
            if not name.startswith("sqlite_")
        }
    connection.close()
    return found


def test_a_backup_under_writers_is_of_one_moment(url: str, tmp_path: Path) -> None:
    plan(url, "first")
    stop = threading.Event()

    def write() -> None:
        with Store(url) as store:
            for number in count(1):
                if stop.is_set():
                    return
                new = f"{number:x}0"
                with store.write() as at:  # always two together, each with a commit of its own
                    at.builds.plan(TARGET, commit("a", upstream=new), now=NOW)
                    at.builds.plan(TARGET, commit("b", upstream=new), now=NOW)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counts = [write_backup(url, tmp_path / "backup").builds for _ in range(5)]
    finally:
        stop.set()
        writer.join()

    assert all(builds % 2 for builds in counts), counts
    assert counts[-1] > counts[0], "the writer was not held up"


def test_an_older_backup_is_upgraded_and_keeps_the_identity_of_the_folder(
    tmp_path: Path,
) -> None:
    url, old = f"sqlite:///{tmp_path}/rdo.sqlite", tmp_path / "old"
    make_older(f"sqlite:///{old}", "0004")

    restore(url, old, tmp_path, identity="mine", now=NOW)

    with Store(url) as store:
        assert store.identity == "mine"
    assert inspect_backup(old).schema == "0004", "the backup itself stays as it is"


def test_a_backup_of_a_newer_rdo_is_refused(url: str, backup: Path) -> None:
    with sqlite3.connect(backup) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    with pytest.raises(ConfigError, match=r"9999.*upgrade rdo"):
        inspect_backup(backup)


def test_a_damaged_backup_is_reported(backup: Path) -> None:
    with backup.open("r+b") as opened:
        opened.truncate(30000)

    with pytest.raises(UnusableStoreError, match="not a whole backup"):
        inspect_backup(backup)


def test_a_backup_never_replaces_another_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rdo.sqlite"
    plan(url, "one")
    (tmp_path / "notes").write_text("mine")

    with pytest.raises(RefusedError, match="not a whole backup"):
        write_backup(url, tmp_path / "notes")
    with pytest.raises(RefusedError, match="the database itself"):
        write_backup(url, tmp_path / "rdo.sqlite")

    assert (tmp_path / "notes").read_text() == "mine"


def test_a_database_that_somebody_reads_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rdo.store.database.restore._WAIT_SECONDS", 0)
    url = f"sqlite:///{tmp_path}/rdo.sqlite"
    plan(url, "one")
    write_backup(url, tmp_path / "backup")

    with Store(url) as store, store.read() as at:
        at.builds.queue(TARGET)
        with pytest.raises(RefusedError, match="open"):
            restore(url, tmp_path / "backup", tmp_path, identity="", now=NOW)


def test_what_is_kept_aside_is_never_replaced(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rdo.sqlite"
    plan(url, "one")
    write_backup(url, tmp_path / "backup")

    kept = {restore(url, tmp_path / "backup", tmp_path, identity="", now=NOW) for _ in range(3)}
    kept.add(restore(url, tmp_path / "backup", tmp_path, identity="", now=NOW + timedelta(1)))

    assert len(kept) == 4


def test_a_damaged_database_is_kept_with_its_log(tmp_path: Path) -> None:
    url, file = f"sqlite:///{tmp_path}/rdo.sqlite", tmp_path / "rdo.sqlite"
    plan(url, "one")
    write_backup(url, tmp_path / "backup")
    file.write_text("not a database " * 1000)
    (tmp_path / "rdo.sqlite-wal").write_text("its log")

    kept = restore(url, tmp_path / "backup", tmp_path, identity="", now=NOW)

    assert planned(url) == ["one"]
    assert kept is not None
    assert kept.read_text().startswith("not a database")
    assert kept.with_name(f"{kept.name}-wal").read_text() == "its log"
