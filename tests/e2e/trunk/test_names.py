"""Every command finds a package by its name, its project or one of its RPMs."""

from pathlib import Path

import pytest

from rdo.cli.main import run as rdo
from tests.conftest import GitRepository
from tests.e2e.trunk.test_trunk_loop import site
from tests.rpms import make_rpms

__all__ = ["site"]  # the fixture

NAMES = ["python-foo", "foo", "python3-foo", "python3-foo-1.0-1.noarch.rpm"]


@pytest.fixture
def built(site: Path) -> Path:
    """A factory whose package python-foo, of the project foo, has the RPM python3-foo."""
    assert rdo(["-C", str(site), "trunk", "run"]) == 0
    return site


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "command",
    [
        "why {}",
        "trunk recheck {} --force",
        "trunk hold {} --because no",
        "trunk rebuild --dependents-of {} --dry-run",
        "trunk run --package {}",
        "notify show {}",
        "trunk log {}",
    ],
)
def test_each_command_finds_the_package(
    built: Path,
    command: str,
    name: str,
    capsys: pytest.CaptureFixture[str],
    upstream: GitRepository,
) -> None:
    if command.startswith("notify"):
        text = (built / "rdo.toml").read_text()
        text += '[mail]\nserver = "127.0.0.1:1"\nfrom = "rdo@example.test"\n'
        (built / "rdo.toml").write_text(text.replace('"cp", "-a"', '"false"'))
        upstream.commit("two")
        rdo(["-C", str(built), "trunk", "run"])
    capsys.readouterr()

    code = rdo(["-C", str(built), *command.format(name).split()])

    said = capsys.readouterr()
    if command.startswith("trunk log"):  # a command leaves no log of ours, but the build is found
        assert "build 1 of python-foo@" in said.err or code == 0, said.err
    else:
        assert code == 0, said.err
    if command.startswith("trunk hold"):
        assert "python-foo is held" in said.out
        assert rdo(["-C", str(built), "trunk", "release", name]) == 0


@pytest.mark.parametrize(
    "command",
    [
        "why fooo",
        "trunk recheck fooo",
        "trunk hold fooo --because no",
        "trunk release fooo",
        "trunk cancel fooo --because x",
        "trunk rebuild --dependents-of fooo --dry-run",
        "trunk run --package fooo",
        "trunk log fooo",
        "trunk try fooo",
        "notify show fooo",
        "reproduce fooo",
    ],
)
def test_a_slip_is_reported_with_the_nearest_name(
    built: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()

    assert rdo(["-C", str(built), *command.split()]) == 4

    assert 'did you mean "foo"?' in capsys.readouterr().err


def test_a_package_without_a_message_is_said_to_have_none(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()

    assert rdo(["-C", str(built), "notify", "show", "foo"]) == 4

    assert "there is no message about python-foo yet" in capsys.readouterr().err


def test_a_held_package_shows_the_build_that_is_published(
    built: Path, upstream: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    for old in (built / "shelf").rglob("*.rpm"):
        old.unlink()
    make_rpms(built / "shelf", "python-foo", release="2")
    upstream.commit("two")
    assert rdo(["-C", str(built), "trunk", "run"]) == 0
    hold = ["trunk", "hold", "foo", "--build", "1", "--because", "no"]
    assert rdo(["-C", str(built), *hold]) == 0
    capsys.readouterr()

    assert rdo(["-C", str(built), "trunk", "status"]) == 0

    assert "  1 (newest: 2)  " in capsys.readouterr().out
