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
