"""Specs whose source is `%{pypi_source}`, on a machine that does not have that macro."""

from pathlib import Path

import pytest

from tests.distgits import Distgit
from tests.fakes.index import serve_index


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    repository = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    repository.spec(source="%{pypi_source lemon_tree %{version}}")
    return repository


@pytest.mark.parametrize(
    ("name", "extra", "source", "file"),
    [
        ("python-lemon", "", "%{pypi_source}", "lemon-1.0.0.tar.gz"),
        (
            "python-lemon",
            "%global pypi_name lemon_tree",
            "%{pypi_source}",
            "lemon_tree-1.0.0.tar.gz",
        ),
        ("lemon", "", "%{pypi_source sour 3 zip}", "sour-3.zip"),
        ("lemon", "%global pypi_version 1.0", "%pypi_source", "lemon-1.0.tar.gz"),
    ],
)
def test_the_file_is_the_one_that_fedoras_macro_names(
    distgit: Distgit, name: str, extra: str, source: str, file: str
) -> None:
    distgit.edit("Name:             foo-bar", f"{extra}\nName: {name}")
    distgit.edit("%{pypi_source lemon_tree %{version}}", source)
    (distgit.path / file).touch()

    said = distgit.pkg("get-source")

    assert f"{file} already present" in said.err


def test_the_archive_comes_from_the_index_of_pip(
    distgit: Distgit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_index() as index:
        monkeypatch.setenv("PIP_INDEX_URL", f"{index.url}/simple")
        content = index.add("lemon-tree", "1.0.0", {"a.py": ""})

        distgit.pkg("get-source")

    assert (distgit.path / "lemon_tree-1.0.0.tar.gz").read_bytes() == content


def test_a_version_that_the_index_has_not_is_named(
    distgit: Distgit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_index() as index:
        monkeypatch.setenv("PIP_INDEX_URL", f"{index.url}/simple")
        index.add("lemon-tree", "2.0.0")

        said = distgit.pkg("get-source", code=4)

    assert "File not found: lemon_tree-1.0.0.tar.gz" in said.err
    assert [path.name for path in distgit.path.glob("*.gz*")] == []


def test_the_newest_version_is_the_one_of_the_index(
    distgit: Distgit, monkeypatch: pytest.MonkeyPatch
) -> None:
    distgit.edit("Name: ", "%global pypi_name lemon-tree\nName: ")
    distgit.git("commit", "--quiet", "-am", "Name the project")
    with serve_index() as index:
        monkeypatch.setenv("PIP_INDEX_URL", f"{index.url}/simple")
        for version in ("1.0.0", "1.9.0", "2.0.0rc1"):
            index.add("lemon-tree", version)
        content = index.add("lemon-tree", "1.10.0")
        index.add("lemon-tree", "1.11.0", yanked=True)

        said = distgit.pkg("new-version")

    assert "Latest version detected from pypi:lemon-tree: 1.10.0" in said.err
    assert (distgit.tag("Version"), distgit.changes) == ("1.10.0", ["- Update to 1.10.0"])
    assert distgit.message.startswith("foo-bar-1.10.0-1\n")
    assert (distgit.path / "lemon_tree-1.10.0.tar.gz").read_bytes() == content
    assert (distgit.path / "foo-bar-1.10.0-1.src.rpm").is_file()


def test_a_release_stays_with_its_major_version(
    distgit: Distgit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    distgit.git("checkout", "--quiet", "-b", "caracal-rdo")
    with serve_index() as index:
        monkeypatch.setenv("PIP_INDEX_URL", f"{index.url}/simple")
        for version in ("1.0.0", "1.9.0", "2.0.0"):
            index.add("lemon-tree", version)

        said = distgit.pkg("new-version", "--dry-run")
        distgit.git("remote", "add", "upstream", str(tmp_path / "away"))
        away = distgit.pkg("new-version", "--dry-run", code=5)

    assert "Latest version detected from pypi:lemon_tree: 1.9.0" in said.err
    assert "cannot fetch upstream" in away.err
    assert "Unable to determine new version" in away.err


def test_the_source_tells_the_project_too(
    distgit: Distgit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_index() as index:
        monkeypatch.setenv("PIP_INDEX_URL", f"{index.url}/simple")
        index.add("lemon-tree", "1.10.0")

        said = distgit.pkg("new-version")

    assert "Latest version detected from pypi:lemon_tree: 1.10.0" in said.err
    assert distgit.tag("Version") == "1.10.0"


def test_the_newest_there_is_leaves_all_as_it_is(
    distgit: Distgit, monkeypatch: pytest.MonkeyPatch
) -> None:
    distgit.edit("Name: ", "%global pypi_name lemon-tree\nName: ")
    distgit.git("commit", "--quiet", "-am", "Name the project")
    before = distgit.state
    with serve_index() as index:
        monkeypatch.setenv("PIP_INDEX_URL", f"{index.url}/simple")
        index.add("lemon-tree", "1.0.0")

        distgit.pkg("new-version")

    assert distgit.state == before


def test_an_index_that_is_away_is_no_version(
    distgit: Distgit, monkeypatch: pytest.MonkeyPatch
) -> None:
    distgit.edit("Name: ", "%global pypi_name lemon-tree\nName: ")
    distgit.git("commit", "--quiet", "-am", "Name the project")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    before = distgit.git("rev-parse", "HEAD")

    said = distgit.pkg("new-version", code=5)

    assert "cannot query pypi:lemon-tree" in said.err
    assert "Unable to determine new version" in said.err
    assert distgit.git("rev-parse", "HEAD") == before
    assert distgit.git("status", "--porcelain") == ""
