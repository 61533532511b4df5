from pathlib import Path

import pytest

from rdo.errors import CommandError
from rdo.run import run


def test_output_is_returned() -> None:
    assert run("echo", "hello").stdout == "hello\n"


def test_missing_program_is_named() -> None:
    with pytest.raises(CommandError, match="no-such-program is not installed"):
        run("no-such-program")


def test_timeout_kills_the_whole_group(tmp_path: Path) -> None:
    survivor = tmp_path / "survivor"
    with pytest.raises(CommandError, match=r"no end after 0\.3 s"):
        run("sh", "-c", f"(sleep 1; touch {survivor}) & wait", timeout=0.3)
    run("sleep", "1.2")
    assert not survivor.exists()


def test_failure_shows_the_end_of_stderr() -> None:
    with pytest.raises(CommandError, match="exit status 4\nboom"):
        run("sh", "-c", "echo boom >&2; exit 4")


def test_a_variable_given_as_none_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")

    assert run("sh", "-c", "echo ${GIT_DIR-unset}", env={"GIT_DIR": None}).stdout == "unset\n"
