import json
from pathlib import Path

import pytest

from rdo.cli import main
from tests.conftest import GitRepository

RDO = """\
releases: []
package-default: {name: "%(project)s", maintainers: [a@example.test]}
packages:
- project: a
- project: b
"""


@pytest.fixture
def info(tmp_path: Path) -> GitRepository:
    """Metadata of two commits and a change that is not committed."""
    repository = GitRepository(tmp_path / "info")
    repository.commit("one", {"rdo.yml": RDO})
    repository.commit("two", {"rdo.yml": RDO + "  tags: {oak: }\n"})
    (repository.path / "rdo.yml").write_text(RDO + "  tags: {oak: , elm: }\n")
    return repository


def ask(capsys: pytest.CaptureFixture[str], *args: str) -> object:
    assert main.run(["info", *args, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_tags_diff_shows_the_last_commit_and_what_follows(
    info: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ("--info", str(info.path))

    assert ask(capsys, "tags-diff", *place) == [["b", ["oak", "elm"]]]
    assert ask(capsys, "tags-diff", "HEAD~1", "master", *place) == [["b", ["oak"]]]
    assert ask(capsys, "tags-diff", "master", *place) == [["b", ["elm"]]]


def test_people_are_told_in_words(info: GitRepository, capsys: pytest.CaptureFixture[str]) -> None:
    place = ("--info", str(info.path))

    main.run(["info", "attr-diff", "maintainers", "HEAD~1", "HEAD", *place])
    main.run(["info", "tags-diff", *place])
    main.run(["info", "tags-diff", "HEAD", "HEAD", *place])

    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["no", "maintainers", "changed"],
        ["PACKAGE", "TAGS"],
        ["b", "oak,", "elm"],
        ["no", "tag", "changed"],
    ]


def test_attr_diff_shows_new_values(
    info: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ("--info", info.url, "--fetch")

    assert ask(capsys, "attr-diff", "tags", "HEAD~1", "HEAD", *place) == [["b", {"oak": None}]]
