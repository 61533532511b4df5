"""Files below a folder of somebody else: nothing leads out of it, and nothing is waited for."""

import os
import re
from pathlib import Path

import pytest

from rdo.beneath import Limits, open_beneath
from rdo.errors import RefusedError

ANY = re.compile(r".+")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("secret")
    made = tmp_path / "made"
    made.mkdir()
    (made / "file").write_text("text")
    return made


def test_a_regular_file_is_read(folder: Path) -> None:
    with open_beneath(folder) as inside:
        assert inside.read("/file", limit=4) == b"text"


def test_a_file_that_is_too_large_is_refused(folder: Path) -> None:
    with open_beneath(folder) as inside, pytest.raises(RefusedError, match="more than 3 bytes"):
        inside.read("file", limit=3)


@pytest.mark.parametrize("name", ["link", "out/secret", "../secret", "fifo", "zero", "folder"])
def test_what_is_no_file_of_the_folder_is_refused(folder: Path, name: str) -> None:
    (folder / "link").symlink_to("../secret")
    (folder / "out").symlink_to("..")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "fifo")

    with open_beneath(folder) as inside, pytest.raises(RefusedError):
        inside.read(name, limit=100)


def test_an_absent_file_is_reported(folder: Path) -> None:
    with open_beneath(folder) as inside, pytest.raises(FileNotFoundError):
        inside.read("none", limit=1)


def test_only_regular_files_are_taken_as_new_files(folder: Path, tmp_path: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub/x.rpm").write_text("x")
    (folder / "sub/x.rpm").chmod(0o4777)
    (folder / "sub/y.rpm").symlink_to("../../secret")
    (folder / "Z").symlink_to("..")
    os.mkfifo(folder / "z.rpm")

    with open_beneath(folder) as inside:
        taken = inside.take(".", re.compile(r".+\.rpm"), tmp_path / "out")

        (source,) = inside.take(".", re.compile(r".+\.rpm"), tmp_path / "in", are_sources=True)

    assert taken == [tmp_path / "out/x.rpm"]
    assert taken[0].stat().st_mode & 0o7777 == 0o644
    assert source.stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(files=1), "more than 1 files"),
        (Limits(file_bytes=1), "more than 1 bytes"),
        (Limits(total_bytes=5), "bytes"),
    ],
)
def test_too_much_is_refused(folder: Path, tmp_path: Path, limits: Limits, said: str) -> None:
    (folder / "more").write_text("text")

    with open_beneath(folder) as inside, pytest.raises(RefusedError, match=said):
        inside.take(".", ANY, tmp_path / "out", limits)


def test_what_lies_too_deep_is_passed_over(folder: Path, tmp_path: Path) -> None:
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/b/deep").write_text("x")

    with open_beneath(folder) as inside:
        assert inside.files(".", ANY, Limits(depth=1)) == ["./file"]


def test_two_files_of_one_name_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a/file").write_text("x")

    with open_beneath(folder) as inside, pytest.raises(RefusedError, match="name of another"):
        inside.take(".", ANY, tmp_path / "out")
