"""`rdo trunk ack`: somebody works on a failing package, until the package builds again."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rdo.cli.main import run as rdo
from tests.e2e.trunk.test_trunk_loop import site

__all__ = ["site"]  # the fixture

REVIEW = "https://review.example.test/4242"


def call(folder: Path, capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    """Run a command; return its exit code and all that it printed."""
    capsys.readouterr()
    code = rdo(["-C", str(folder), *args])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def package(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What programs are told of the only package."""
    _, text = call(folder, capsys, "trunk", "status", "--json")
    [target] = json.loads(text)
    [row] = target["packages"]
    return dict(row)


@pytest.fixture
def broken(site: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The only package fails, because the shelf is away."""
    (site / "shelf").rename(site / "away")
    assert rdo(["-C", str(site), "trunk", "run"]) == 1
    return site


def test_an_ack_is_shown_until_the_package_builds_again(
    broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert package(broken, capsys)["ack"] is None

    code, said = call(
        broken, capsys, "trunk", "ack", "foo", "--because", "a fix waits", "--link", REVIEW
    )

    assert code == 0
    assert "python-foo" in said
    told = package(broken, capsys)["ack"]
    assert (told["why"], told["link"]) == ("a fix waits", REVIEW)
    assert told["by"]
    for command in (("trunk", "status"), ("why", "python-foo")):
        assert f"{told['by']} has been working on it since" in call(broken, capsys, *command)[1]
        assert f"a fix waits ({REVIEW})" in call(broken, capsys, *command)[1]
    code, text = call(broken, capsys, "why", "python-foo", "--json")
    assert json.loads(text)[0]["ack"] == told

    (broken / "away").rename(broken / "shelf")
    assert call(broken, capsys, "trunk", "recheck", "python-foo")[0] == 0
    code, said = call(broken, capsys, "trunk", "run")

    assert code == 0, said
    assert f"the ack of {told['by']} has ended" in said
    assert package(broken, capsys)["ack"] is None
    assert "has been working on it" not in call(broken, capsys, "why", "python-foo")[1]


def test_an_ack_is_taken_back(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(broken, capsys, "trunk", "ack", "python-foo", "--because", "mine")

    code, said = call(broken, capsys, "trunk", "unack", "python-foo")

    assert (code, "nobody is working on python-foo" in said) == (0, True)
    assert package(broken, capsys)["ack"] is None
    code, said = call(broken, capsys, "trunk", "unack", "python-foo")
    assert (code, "nobody is working on python-foo" in said) == (4, True)


REFUSED: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (("python-foo", "--because", " \n "), 2, "the reason is empty"),
    (("python-foo",), 2, "--because"),
    (("python-fou", "--because", "x"), 4, "python-foo"),
    (("python-foo", "--because", "x" * 501), 2, "at most 500"),
    (("python-foo", "--because", "x", "--link", "javascript:alert(1)"), 2, "http"),
    (("python-foo", "--because", "x", "--link", "https://me:pw@h/"), 2, "password"),
    (("python-foo", "--because", "x", "--link", "https://h/a b"), 2, "http"),
    (("python-foo", "--because", "x", "--link", "https://[h/"), 2, "http"),
)


def test_what_no_ack_can_be_is_refused(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for args, code, said in REFUSED:
        found, text = call(broken, capsys, "trunk", "ack", *args)

        assert (found, said in text) == (code, True), (args, text)
    assert package(broken, capsys)["ack"] is None


def test_a_package_that_is_well_needs_nobody(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shutil.which("rpmbuild")
    assert rdo(["-C", str(site), "trunk", "run"]) == 0

    code, text = call(site, capsys, "trunk", "ack", "python-foo", "--because", "x")

    assert (code, "python-foo of one-deb12 builds" in text) == (5, True), text
