import stat
from pathlib import Path

import pytest

from rdo import metadata
from rdo.metadata import Distribution, MetadataError

from .conftest import MINIMAL, Folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def load(folder: Folder, cache: Path) -> Distribution:
    return metadata.load(folder.path, "main.yml", cache=cache)


def names(distribution: Distribution) -> list[str]:
    return [package["name"] for package in distribution.dump()["packages"]]


def entry(cache: Path) -> Path:
    (found,) = (cache / "parsed").glob("*.json")
    return found


def test_the_second_load_reads_the_cache(folder: Folder, cache: Path) -> None:
    folder.write(main=f"{MINIMAL}packages: [{{project: a}}]")
    first = load(folder, cache).dump()
    head, body = entry(cache).read_text().split("\n")
    entry(cache).write_text(head + "\n" + body.replace('"a"', '"from the cache"'))

    assert first["packages"][0]["name"] == "python-a"
    assert names(load(folder, cache)) == ["python-from the cache"]


def test_only_the_user_reads_it_since_urls_may_have_passwords(folder: Folder, cache: Path) -> None:
    folder.write(main=MINIMAL)

    load(folder, cache)

    assert stat.S_IMODE(entry(cache).stat().st_mode) == 0o600


def test_a_changed_import_is_read_again(folder: Folder, cache: Path) -> None:
    folder.write(main=f"{MINIMAL}import: [one.yml]\n", one="packages: [{project: a}]")
    load(folder, cache)
    folder.write(one="packages: [{project: b}]")

    assert names(load(folder, cache)) == ["python-b"]


def test_a_fault_found_in_a_cached_tree_is_reported_with_its_line(
    folder: Folder, cache: Path
) -> None:
    folder.write(main=f"{MINIMAL}packages:\n- project: a\n  name: a/b\n  tags: {{oak: }}\n")
    load(folder, cache)
    line = len(MINIMAL.splitlines()) + 3

    with pytest.raises(MetadataError, match=f"^main.yml:{line}: package a: the name 'a/b'"):
        load(folder, cache).target("oak")


@pytest.mark.parametrize("content", [b"", b"{}\n{}", b"\xff", b"[]\n", b'{"format": 1}\n{}', b"x"])
def test_an_entry_that_cannot_be_read_is_none(folder: Folder, cache: Path, content: bytes) -> None:
    folder.write(main=f"{MINIMAL}packages: [{{project: a}}]")
    load(folder, cache)
    entry(cache).write_bytes(content)

    assert names(load(folder, cache)) == ["python-a"]


@pytest.mark.parametrize("text", ["packages: [{project: a, x: 2026-01-01}]", "packages: []\n1: 2"])
def test_what_json_would_change_is_not_cached(folder: Folder, cache: Path, text: str) -> None:
    folder.write(main=MINIMAL + text)
    first = load(folder, cache).dump()

    assert load(folder, cache).dump() == first
    assert not list((cache / "parsed").glob("*.json"))


def test_a_file_that_says_a_package_twice_stays_so(folder: Folder, cache: Path) -> None:
    folder.write(main=f"{MINIMAL}packages: [{{project: a}}, {{project: a, name: b}}]")

    for _ in range(2):
        assert load(folder, cache).dump(as_dicts=True)["packages"]["a"]["name"] == "b"
        with pytest.raises(MetadataError, match="project a is listed twice"):
            load(folder, cache).dump()


def test_a_cache_that_cannot_be_written_only_costs_time(folder: Folder, tmp_path: Path) -> None:
    folder.write(main=f"{MINIMAL}packages: [{{project: a}}]")
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")

    assert names(load(folder, blocked)) == ["python-a"]


def test_old_entries_are_dropped(tmp_path: Path, cache: Path) -> None:
    for number in range(25):
        place = tmp_path / f"info{number}"
        place.mkdir()
        Folder(place).write(main=f"{MINIMAL}packages: []")
        metadata.load(place, "main.yml", cache=cache)

    assert len(list((cache / "parsed").glob("*.json"))) == 20
