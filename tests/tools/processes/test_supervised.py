"""A program that runs beside rdo, is restarted when it ends, and ends with rdo."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rdo.tools.supervised import Supervised

SAYS_ITS_NUMBER = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); "
STAYS = SAYS_ITS_NUMBER + "time.sleep(600)"
IGNORES = SAYS_ITS_NUMBER.replace("open", "import signal; signal.signal(15, signal.SIG_IGN); open")


def numbers(file: Path, wanted: int) -> list[int]:
    """Wait for so many starts, and return their process numbers."""
    found = eventually(lambda: file.read_text().split() if file.exists() else [], wanted)
    return [int(one) for one in found]


def eventually(look: Callable[[], list[str]], wanted: int) -> list[str]:
    deadline = time.monotonic() + 120
    while len(found := look()) < wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def is_gone(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def test_what_ends_is_started_again_and_that_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "started"
    with Supervised("it", sys.executable, "-c", STAYS, str(file), first_pause=0.05) as it:
        [first] = numbers(file, 1)
        os.kill(first, signal.SIGKILL)
        second = numbers(file, 2)[1]

    assert is_gone(second)
    assert (it.starts, it.is_running) == (2, False)
    assert "it: killed by signal 9; starting again" in caplog.text


def test_what_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "started"
    program = IGNORES + "time.sleep(600)"
    with Supervised("it", sys.executable, "-c", program, str(file), grace=0.2):
        [number] = numbers(file, 1)

    assert is_gone(number)


def test_it_ends_when_we_are_killed(tmp_path: Path) -> None:
    file = tmp_path / "started"
    us = f"""
import sys, time
from rdo.tools.supervised import Supervised
with Supervised("it", sys.executable, "-c", {STAYS!r}, {str(file)!r}):
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", us]) as process:
        [number] = numbers(file, 1)
        process.kill()

    eventually(lambda: ["gone"] if is_gone(number) else [], 1)


def test_a_program_that_is_missing_is_reported_and_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Supervised("it", str(tmp_path / "missing"), first_pause=0.01) as it:
        eventually(lambda: ["again"] * it.starts, 2)

    assert "it: ended with exit code 127; starting again" in caplog.text
