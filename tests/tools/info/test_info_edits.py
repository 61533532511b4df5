import json
from pathlib import Path

import pytest

from rdo.cli import main
from tests.conftest import GitRepository

DATA = Path(__file__).parents[2] / "data/info"


@pytest.fixture
def info(tmp_path: Path) -> GitRepository:
    repository = GitRepository(tmp_path / "info")
    files = {str(p.relative_to(DATA)): p.read_text() for p in DATA.rglob("*.yml")}
    repository.commit("the corpus", files)
    return repository


def run(info: GitRepository, *args: str, code: int = 0) -> None:
    assert main.run(["info", "--info", str(info.path), "--file", "all.yml", *args]) == code


def test_a_dry_run_shows_the_diff_and_changes_nothing(
    info: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    run(info, "set", "alpha", "component", "network", "--dry-run")

    assert "+  component: network" in capsys.readouterr().out
    assert info.git("status", "--short") == ""


def test_edits_are_written_and_told_in_the_words_of_a_review(
    info: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    run(info, "add-package", "new", "--conf", "lib", "--tag", "oak", "--tag", "under-review")
    run(info, "set", "gamma", "component", "common")
    run(info, "set", "delta", "maintainers", "new@example.test")
    run(info, "set", "alpha", "source-branch", "4.0", "--tag", "oak-uc")
    run(info, "tag", "delta", "maple", "source-branch=3.0")
    run(info, "tag", "unfinished", "under-review", "--remove")
    run(info, "remove-package", "python-six")
    run(info, "new-release", "ash", "--from", "oak", "--branch", "rpm-ash", "--old-status", "eol")
    run(info, "set-release", "maple", "branch", "maple-next")
    run(info, "verify")
    capsys.readouterr()

    run(info, "diff", "HEAD", "--json")

    told = {f"{x['subject']}: {x['text']}" for x in json.loads(capsys.readouterr().out)}
    assert told >= {
        "release ash: added",
        "release oak: status from development to eol",
        "release maple: branch from maple-rdo to maple-next",
        "package python-six: removed",
        "package new: added",
        "package gamma: moved from component network to common",
        "package delta: new maintainer new@example.test",
        "package delta: first@example.test is no longer a maintainer",
        "package delta: tagged maple (source-branch 3.0)",
        "package alpha: source-branch in oak-uc from 3.0.0 to 4.0",
        "package alpha: tagged ash",
        "package unfinished: no longer tagged under-review",
    }


def test_nothing_is_edited_behind_a_url(
    info: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["info", "--info", info.url, "remove-release", "oak"]) == 5

    assert "clone it" in capsys.readouterr().err


def test_a_checkout_is_the_metadata_of_its_folder(
    info: GitRepository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    info.commit("the usual name", {"rdo.yml": "import: [all.yml]\n"})
    monkeypatch.chdir(info.path)

    assert main.run(["info", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["packages"] == 8


@pytest.mark.parametrize(
    "args",
    [
        ("set", "alpha", "component"),
        ("set", "alpha", "component", "x", "--unset"),
        ("tag", "alpha", "oak", "x"),
        ("tag", "alpha", "oak", "component=x", "--remove"),
        ("diff", "a", "b", "c"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(info: GitRepository, args: tuple[str, ...]) -> None:
    run(info, *args, code=2)
