import errno
import os
from pathlib import Path

import pytest

from rdo import atomic


def folder(path: Path, text: str) -> Path:
    path.mkdir()
    (path / "file").write_text(text)
    return path


def test_a_new_directory_is_moved_to_its_place(tmp_path: Path) -> None:
    atomic.place_directory(folder(tmp_path / "new", "new"), tmp_path / "deep/er/place")

    assert (tmp_path / "deep/er/place/file").read_text() == "new"
    assert not (tmp_path / "new").exists()


def test_an_old_directory_changes_places_with_the_new_one(tmp_path: Path) -> None:
    new, old = folder(tmp_path / "new", "new"), folder(tmp_path / "old", "old")

    atomic.place_directory(new, old)

    assert (old / "file").read_text() == "new"
    assert (new / "file").read_text() == "old"


def test_an_exchange_that_cannot_be_is_an_error_that_names_both(tmp_path: Path) -> None:
    old = folder(tmp_path / "old", "old")

    with pytest.raises(FileNotFoundError) as raised:
        atomic.place_directory(tmp_path / "missing", old)

    assert raised.value.errno == errno.ENOENT
    assert {raised.value.filename, raised.value.filename2} == {str(tmp_path / "missing"), str(old)}


def test_sync_takes_files_and_directories(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    atomic.sync(tmp_path / "file", tmp_path)
    with pytest.raises(FileNotFoundError):
        atomic.sync(tmp_path / "gone")


def test_of_two_that_make_the_same_directory_the_first_stays(tmp_path: Path) -> None:
    with atomic.new_directory(tmp_path / "all/made") as second:
        (second / "file").write_text("second")
        with atomic.new_directory(tmp_path / "all/made") as first:
            (first / "file").write_text("first")

    assert (tmp_path / "all/made/file").read_text() == "first"
    assert [path.name for path in (tmp_path / "all").iterdir()] == ["made"]


def test_a_directory_that_could_not_be_filled_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(NotADirectoryError),
        atomic.new_directory(tmp_path / "all/made") as new,
    ):
        (new / "file" / "below").write_text(str((new / "file").write_text("half")))

    assert list((tmp_path / "all").iterdir()) == []


def test_what_a_killed_process_left_goes_a_day_later(tmp_path: Path) -> None:
    fresh, old = folder(tmp_path / ".made.1", "fresh"), folder(tmp_path / ".made.2", "old")
    os.utime(old, (0, 0))

    with atomic.new_directory(tmp_path / "made"):
        pass

    assert fresh.exists()
    assert not old.exists()
