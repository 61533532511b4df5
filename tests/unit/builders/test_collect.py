"""Which files are taken from the folder in which a build ran."""

import os
from pathlib import Path

from rdo.builders.collect import move_files


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_rpms_and_logs_are_moved_and_readable(tmp_path: Path) -> None:
    left = tmp_path / "left"
    (left / "noarch").mkdir(parents=True)
    for name in ("noarch/a-1~b1-1.noarch.rpm", "a-1~b1-1.src.rpm", "build.log"):
        (left / name).write_text(name)
        (left / name).chmod(0o600)

    moved = move_files(left.rglob("*"), tmp_path / "kept")

    assert names(moved) == ["a-1~b1-1.src.rpm", "build.log", "a-1~b1-1.noarch.rpm"]
    assert {path.stat().st_mode & 0o777 for path in moved} == {0o644}
    assert [path for path in left.rglob("*") if path.is_file()] == []


def test_only_regular_files_with_plain_names_are_taken(tmp_path: Path) -> None:
    left = tmp_path / "left"
    (left / "folder.rpm").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (left / "link.rpm").symlink_to(tmp_path / "secret")
    os.mkfifo(left / "pipe.log")
    for name in ("-a.rpm", ".hidden.rpm", "a b.rpm", "a\n.rpm", "\u00e4.rpm", "a.txt"):
        (left / name).write_text("")

    assert move_files(left.rglob("*"), tmp_path / "kept") == []
    assert list((tmp_path / "kept").iterdir()) == []


def test_of_a_log_only_what_was_written_is_taken(tmp_path: Path) -> None:
    (tmp_path / "left").mkdir()
    with (tmp_path / "left" / "build.log").open("wb") as log:
        log.write(b"error: no\n")
        log.truncate(3 * 2**40)

    [kept] = move_files((tmp_path / "left").iterdir(), tmp_path / "kept")

    assert kept.stat().st_size < 100_000
    assert kept.read_bytes().startswith(b"error: no\n")


def test_of_two_files_with_one_name_one_is_kept(tmp_path: Path) -> None:
    for folder in ("x86_64", "noarch"):
        (tmp_path / "left" / folder).mkdir(parents=True)
        (tmp_path / "left" / folder / "a.rpm").write_text(folder)

    [kept] = move_files((tmp_path / "left").rglob("*.rpm"), tmp_path / "kept")

    assert kept.read_text() == "x86_64"  # the last in the order of their paths
