"""How much space a folder takes that a build has written into."""

import os
from pathlib import Path

from rdo.disk_usage import allocated_bytes, count_shared, freed_bytes
from rdo.tools.walls.removal import remove_tree

DEEP = 3000


def test_files_count_at_any_depth(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    top = tmp_path / "d"
    before = allocated_bytes(tmp_path)
    for _ in range(DEEP):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    file = os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=here)
    os.write(file, bytes(1_000_000))
    os.close(file)
    os.close(here)

    try:
        assert allocated_bytes(tmp_path) - before >= 1_000_000
        assert freed_bytes([top]) >= 1_000_000
    finally:
        remove_tree(top)


def test_links_are_not_followed_and_second_names_count_once(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/big").write_bytes(bytes(1_000_000))
    here = tmp_path / "here"
    here.mkdir()
    (here / "one").write_bytes(bytes(500_000))
    (here / "below").mkdir()
    os.link(here / "one", here / "below/two")
    (here / "link").symlink_to(tmp_path / "elsewhere")
    (here / "below/loop").symlink_to(here)

    assert 500_000 <= allocated_bytes(here) < 1_000_000


def test_files_with_a_name_elsewhere_are_shared(tmp_path: Path) -> None:
    here, there, elsewhere = (tmp_path / name for name in ("here", "there", "elsewhere"))
    for folder in (here, there, elsewhere):
        folder.mkdir()
    (here / "one").write_text("1")
    (there / "one").hardlink_to(here / "one")
    (here / "two").write_text("2")
    (elsewhere / "two").hardlink_to(here / "two")
    (here / "link").symlink_to(elsewhere)

    assert count_shared([here, there]) == 1
    assert count_shared([here]) == 2


def test_a_folder_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    assert allocated_bytes(tmp_path / "no") == 0
