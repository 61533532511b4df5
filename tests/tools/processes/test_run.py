import os
import signal
import time
from pathlib import Path

import pytest

from rdo.cancellation import cancelled_by
from rdo.errors import CancelledError, CommandError
from rdo.model.program import Bounds, Limit
from rdo.run import run, run_logged

SMALL = Bounds(seconds=60, log_bytes=50_000)


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


def test_a_program_that_prints_without_end_is_ended() -> None:
    with pytest.raises(CommandError, match="yes: printed more than 128 MiB"):
        run("yes", timeout=300)


def test_a_large_input_is_written_while_the_output_is_read() -> None:
    text = b"0123456789abcde\n" * 500_000

    assert run("cat", stdin=text).stdout == text.decode()
    assert run("true", stdin=text).stdout == ""
    assert run("head", "-c", "3", stdin=text).stdout == "012"


def test_a_log_has_what_was_printed_in_its_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("+ sh\n")

    done = run_logged("sh", "-c", "echo a; echo b >&2; exit 3", log_file=log, bounds=Bounds())

    assert log.read_text() == "+ sh\na\nb\n"
    assert (done.returncode, done.limit) == (3, None)


@pytest.mark.parametrize(
    "script",
    [
        "import os; os.ftruncate(1, 3 * 2**40)",
        "import os; os.lseek(1, 2**40, 0); os.write(1, b'x')",
        "import os; os.open('/proc/self/fd/1', os.O_WRONLY | os.O_TRUNC)",
    ],
)
def test_a_program_cannot_enlarge_or_empty_its_log(tmp_path: Path, script: str) -> None:
    log = tmp_path / "log"
    log.write_text("begin\n")

    run_logged("python3", "-c", f"print('first', flush=True); {script}", log_file=log, bounds=SMALL)

    assert log.read_text().startswith("begin\nfirst\n")
    assert log.stat().st_size < 5_000


@pytest.mark.parametrize(
    "command", ["yes", "head -c 100000 /dev/zero", "timeout 5 yes & sleep 0.1"]
)
def test_a_log_ends_at_its_limit(tmp_path: Path, command: str) -> None:
    log = tmp_path / "log"
    log.write_text("begin\n")

    done = run_logged("sh", "-c", command, log_file=log, bounds=SMALL)

    assert done.limit is Limit.OUTPUT
    assert log.stat().st_size == len("begin\n") + 50_000


def test_a_daemon_that_keeps_the_pipe_is_not_waited_for(tmp_path: Path) -> None:
    log, pid = tmp_path / "log", tmp_path / "pid"
    script = f"echo first; setsid sleep 600 & echo $! > {pid}"

    done = run_logged("sh", "-c", script, log_file=log, bounds=Bounds(seconds=60))

    os.kill(int(pid.read_text()), signal.SIGKILL)
    assert done.limit is None
    assert log.read_text() == "first\n"


def test_a_log_on_a_full_disk_is_the_fault_of_the_disk() -> None:
    log = Path("/dev/full")

    done = run_logged("sh", "-c", "yes", log_file=log, bounds=Bounds(seconds=60))

    assert done.limit is Limit.NO_SPACE
