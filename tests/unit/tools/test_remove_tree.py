"""A folder is removed whatever is in it, and nothing beside it."""

import os
from pathlib import Path

import pytest

from rdo.tools.walls.removal import remove_tree


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def deep(folder: Path, levels: int) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=here)
        (Path("/proc/self/fd") / str(here) / "file").touch()
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def test_a_tree_deeper_than_any_path_goes(place: Path) -> None:
    (place / "gone").mkdir()
    deep(place / "gone", 3000)

    remove_tree(place / "gone")

    assert list(place.iterdir()) == []


def test_links_are_removed_and_not_followed(place: Path) -> None:
    (place / "kept").mkdir()
    (place / "kept/file").touch()
    (place / "gone/sub").mkdir(parents=True)
    (place / "gone/link").symlink_to("../kept")
    (place / "gone/sub/link").symlink_to(place / "kept")
    os.mkfifo(place / "gone/fifo")

    remove_tree(place / "gone")

    assert [path.name for path in place.rglob("*")] == ["kept", "file"]


def test_closed_folders_go(place: Path) -> None:
    (place / "gone/a/b").mkdir(parents=True)
    (place / "gone/a/.removed-0").mkdir()
    (place / "gone/a").chmod(0)

    remove_tree(place / "gone")

    assert not (place / "gone").exists()


def test_a_link_in_its_place_is_only_a_link(place: Path) -> None:
    (place / "kept").mkdir()
    (place / "gone").symlink_to("kept")

    remove_tree(place / "gone")
    remove_tree(place / "never there")

    assert [path.name for path in place.iterdir()] == ["kept"]
