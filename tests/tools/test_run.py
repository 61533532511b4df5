import os
import time
from pathlib import Path

import pytest

from rdo.cancellation import cancelled_by
from rdo.errors import CancelledError, CommandError
from rdo.run import run


def test_output_is_returned() -> None:
    assert run("echo", "hello").stdout == "hello\n"


def test_missing_program_is_named() -> None:
    with pytest.raises(CommandError, match="no-such-program is not installed"):
        run("no-such-program")


def test_timeout_kills_the_whole_group(tmp_path: Path) -> None:
    group = tmp_path / "group"
    with pytest.raises(CommandError, match=r"timed out after 5 s"):
        run("sh", "-c", f"echo $$ > {group}; sleep 600 & wait", timeout=5)

    assert is_gone(int(group.read_text()))


def is_gone(group: int) -> bool:
    """Whether no process of the group is left, once what was killed has been reaped."""
    for _ in range(1200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_failure_shows_the_end_of_stderr() -> None:
    with pytest.raises(CommandError, match="exit status 4\nboom"):
        run("sh", "-c", "echo boom >&2; exit 4")


def test_a_variable_given_as_none_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")

    assert run("sh", "-c", "echo ${GIT_DIR-unset}", env={"GIT_DIR": None}).stdout == "unset\n"


def test_what_a_worker_waits_for_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    group = tmp_path / "group"

    with cancelled_by(group.exists), pytest.raises(CancelledError, match="cancelled: sh"):
        run("sh", "-c", f"echo $$ > {group}.new; mv {group}.new {group}; sleep 600 & wait")

    assert is_gone(int(group.read_text()))


def test_what_can_be_cancelled_gets_its_input_and_gives_its_output() -> None:
    text = b"line\n" * 100_000

    with cancelled_by(lambda: False):
        assert run("sh", "-c", "sleep 0.6; cat", stdin=text).stdout == text.decode()


def test_what_can_be_cancelled_keeps_its_time_limit() -> None:
    with cancelled_by(lambda: False), pytest.raises(CommandError, match=r"timed out after 0\.4 s"):
        run("sleep", "600", timeout=0.4)
