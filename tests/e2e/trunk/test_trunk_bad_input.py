"""Senseless input to a round, from people and remotes; run as a user would run it."""

import json
from pathlib import Path

import pytest

from rdo.cli.main import run as rdo
from tests.conftest import GitRepository
from tests.e2e.trunk.test_trunk_loop import site

__all__ = ["site"]  # the fixture


def trunk(folder: Path, *args: str) -> int:
    return rdo(["-C", str(folder), "trunk", *args])


def metadata(folder: Path, old: str, new: str) -> None:
    file = folder / "info/rdo.yml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def state(folder: Path) -> list[str]:
    return sorted(str(path) for path in (folder / "data").glob("one-deb12/**/*"))


@pytest.mark.parametrize("name", ["../evil", "a/b", "python-foo;id", "-rf", "a b"])
def test_a_package_name_that_is_no_name_is_an_error_of_the_metadata(
    site: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    metadata(site, "name: python-foo", f'name: "{name}"')

    assert trunk(site, "run") == 2

    assert "name" in capsys.readouterr().err
    assert state(site) == []


def test_an_unknown_target_is_not_found(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trunk(site, "run", "--target", "one-deb13") == 4
    assert 'did you mean "one-deb12"?' in capsys.readouterr().err


def test_an_unknown_builder_and_a_command_without_words_are_reported(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (site / "rdo.toml").read_text()
    (site / "rdo.toml").write_text(text.replace('"command"', '"magic"'))
    assert trunk(site, "run") == 2
    said = capsys.readouterr().err
    assert "targets.one-deb12.builder: there is no builder magic; there are root, command" in said

    lines = [line for line in text.splitlines() if not line.startswith("command =")]
    (site / "rdo.toml").write_text("\n".join(lines))
    assert trunk(site, "run") == 2
    assert 'set command = ["PROGRAM"' in capsys.readouterr().err


def test_1_smtp_down_the_round_goes_on_and_the_mail_waits(
    site: Path, capsys: pytest.CaptureFixture[str], upstream: GitRepository
) -> None:
    assert trunk(site, "run") == 0
    with (site / "rdo.toml").open("a") as file:
        file.write('[mail]\nserver = "127.0.0.1:1"\nfrom = "rdo@example.test"\n')
    text = (site / "rdo.toml").read_text()
    (site / "rdo.toml").write_text(text.replace('"cp", "-a"', '"false"'))
    upstream.commit("two")
    capsys.readouterr()

    assert trunk(site, "run", "--json") == 1

    [row] = json.loads(capsys.readouterr().out)
    assert [one["package"] for one in row["failed"]] == ["python-foo"]
    assert trunk(site, "run") == 0
    assert trunk(site, "verify") == 0
    (site / "rdo.toml").write_text(text)
    upstream.commit("three")
    assert trunk(site, "run") == 0
