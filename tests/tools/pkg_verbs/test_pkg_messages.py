"""Messages that `rdo pkg` words better than rdopkg, which keeps its own."""

from pathlib import Path

import pytest

from tests.distgits import Distgit


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    made = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    made.spec()
    made.upstream_version("1.0.0", {"a.py": "1\n2\n3\n"})
    made.patch_commits(("Keep a (rhbz#4242)\n\nAlso rhbz#17", {"a.py": "1\n2 kept\n3\n"}))
    made.remote_patches(tmp_path / "patches.git")
    return made


def test_a_bug_of_the_subject_is_named_once(distgit: Distgit) -> None:
    distgit.pkg("patch")

    assert distgit.changes == ["- Keep a (rhbz#4242) (rhbz#17)"]


def test_rdopkg_names_it_twice(distgit: Distgit) -> None:
    distgit.rdopkg("patch")

    assert distgit.changes == ["- Keep a (rhbz#4242) (rhbz#4242 rhbz#17)"]


def test_a_version_without_a_tag_shows_the_newest_ones(distgit: Distgit) -> None:
    distgit.upstream_version("1.10.0", {"b": "b"}, base="1.0.0")

    said = distgit.pkg("new-version", "99.0.0", "-d", code=5).err

    assert "Invalid git reference: 99.0.0" in said
    assert "the newest tags here are 1.10.0, 1.0.0; to fetch" in said


def test_the_list_of_changed_files_is_short(distgit: Distgit) -> None:
    files = {f"f{number:03}": "x\n" for number in range(40)}
    distgit.upstream_version("2.0.0", files, base="1.0.0")

    said = distgit.pkg("new-version", "2.0.0").out

    assert sum(line.strip().startswith("f0") for line in said.splitlines()) == 10
    assert "40 files changed" in said
