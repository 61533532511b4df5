"""Source archives that the targets of a release share."""

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from rdo.builders.sources.shelf import KEPT, ArchiveShelf, key_of, program_checksums
from rdo.checksum import sha256_of
from rdo.errors import CancelledError
from rdo.model.build import BuildJob
from rdo.model.packed_archive import PackedArchive, SharedArchives
from rdo.model.release_number import ReleaseNumber
from rdo.roots.inside.building import make_source
from tests.conftest import GitRepository
from tests.unit.store.samples import NOW, commit


def made(folder: Path, content: str = "bytes") -> tuple[Path, PackedArchive]:
    """An archive in a file, and what is known of it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "made"
    file.write_text(content)
    return file, PackedArchive(
        *("x-1.dev2.tar.gz", "x", "1", "x-1", sha256_of(file)),
        build=7,
        target="master-deb12",
        required=("python3dist(pbr)",),
    )


def job(folder: Path, upstream: Path) -> BuildJob:
    mirror = GitRepository(upstream)
    mirror.commit("one", {"setup.py": ""})
    hash_ = mirror.git("rev-parse", "HEAD").strip()
    return BuildJob(
        id=8,
        commit=commit(upstream=hash_),
        release=ReleaseNumber(NOW, hash_[:7], "0"),
        upstream=upstream / ".git",
        distgit=folder,
        folder=folder / "builds/8",
    )


def test_an_archive_is_found_as_it_was_put(tmp_path: Path) -> None:
    shelf, (file, archive) = ArchiveShelf(tmp_path / "shelf"), made(tmp_path)
    shelf.put("key", file, archive)

    found = shelf.find("key", tmp_path / "place")

    assert found == archive
    assert (tmp_path / "place").read_text() == "bytes"
    assert shelf.find("other", tmp_path / "place") is None


@pytest.mark.parametrize("damage", ["archive", "record.json"])
def test_a_damaged_archive_is_not_taken_and_can_be_put_again(tmp_path: Path, damage: str) -> None:
    shelf, (file, archive) = ArchiveShelf(tmp_path / "shelf"), made(tmp_path)
    shelf.put("key", file, archive)
    kept = tmp_path / "shelf/key" / damage
    kept.unlink()
    kept.write_text("{}")

    assert shelf.find("key", tmp_path / "place") is None
    assert not (tmp_path / "place").exists()
    shelf.put("key", file, archive)
    assert shelf.find("key", tmp_path / "place") == archive


def test_what_a_kill_left_is_no_archive(tmp_path: Path) -> None:
    shelf, (file, archive) = ArchiveShelf(tmp_path / "shelf"), made(tmp_path)
    half = tmp_path / "shelf/.key.abcdef"
    half.mkdir(parents=True)
    (half / "archive").write_text("by")

    assert shelf.find("key", tmp_path / "place") is None
    shelf.put("key", file, archive)
    assert shelf.find("key", tmp_path / "place") == archive


def test_the_archives_that_were_used_last_stay(tmp_path: Path) -> None:
    shelf, (file, archive) = ArchiveShelf(tmp_path / "shelf"), made(tmp_path)
    for number in range(KEPT):
        shelf.put(f"key{number}", file, archive)
        os.utime(tmp_path / f"shelf/key{number}", (number, number))
    shelf.find("key0", tmp_path / "place")

    shelf.put("new", file, archive)

    assert shelf.find("key0", tmp_path / "place") == archive
    assert shelf.find("key1", tmp_path / "place") is None
    assert shelf.find("key2", tmp_path / "place") == archive


def test_the_second_build_waits_for_the_archive_of_the_first(tmp_path: Path) -> None:
    shelf, (file, archive) = ArchiveShelf(tmp_path / "shelf"), made(tmp_path)
    begun, found = threading.Event(), []

    def second() -> None:
        begun.set()
        with shelf.turn(bool):
            found.append(shelf.find("key", tmp_path / "place"))

    with shelf.turn(bool):
        waiting = threading.Thread(target=second)
        waiting.start()
        begun.wait()
        shelf.put("key", file, archive)
    waiting.join()

    assert found == [archive]


def test_a_build_that_waits_can_be_cancelled(tmp_path: Path) -> None:
    shelf = ArchiveShelf(tmp_path / "shelf")

    with shelf.turn(bool), pytest.raises(CancelledError), shelf.turn(lambda: True):
        pytest.fail("two builds had their turn at once")


def test_packages_and_releases_have_shelves_of_their_own(tmp_path: Path) -> None:
    one, other = (SharedArchives(tmp_path / name, "t") for name in ("flamingo", "master"))

    shelves = {ArchiveShelf.of(at, name).folder for at in (one, other) for name in ("a", "../a")}

    assert len(shelves) == 4
    assert all(one.is_relative_to(tmp_path) and ".." not in one.parts for one in shelves)


def test_the_key_of_an_archive_is_of_the_sources_and_not_of_the_target(tmp_path: Path) -> None:
    first = job(tmp_path, tmp_path / "upstream")
    elsewhere = replace(first, id=9, folder=tmp_path / "elsewhere", skip_tests=True)

    assert key_of(first) == key_of(elsewhere)
    assert key_of(first) != key_of(replace(first, commit=replace(first.commit, package="other")))
    assert key_of(first) != key_of(replace(first, spec_hash="another spec"))


def test_a_tag_in_the_history_makes_another_archive_of_a_commit(tmp_path: Path) -> None:
    first = job(tmp_path, tmp_path / "upstream")
    before = key_of(first)
    upstream = GitRepository(tmp_path / "upstream")

    upstream.git("tag", "2.0")

    assert key_of(first) != before


def test_the_key_covers_the_program_that_makes_archives() -> None:
    assert sha256_of(Path(make_source.__file__)) in program_checksums()
