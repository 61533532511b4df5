"""Programs with their own terminal; a pseudo terminal of the test acts as the operator's."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.operator import STUFF, TYPES_INTO, Operator

DRIVER = "import sys; from rdo.run import hand_over_pty; sys.exit(hand_over_pty(*sys.argv[1:]))"


@pytest.fixture
def operators() -> Iterator[list[Operator]]:
    started: list[Operator] = []
    yield started
    for one in started:
        os.close(one.terminal)


def handed(operators: list[Operator], folder: Path, *command: str) -> Operator:
    operator = Operator(folder, sys.executable, "-c", DRIVER, *command)
    operators.append(operator)
    return operator


def test_what_is_typed_arrives_and_what_is_printed_is_shown(
    operators: list[Operator], tmp_path: Path
) -> None:
    operator = handed(operators, tmp_path, "sh", "-c", "echo ready; read x; echo got-$x; exit 3")
    operator.see("ready")

    operator.type("hello\n")

    operator.see("got-hello")
    assert operator.wait() == 3


def test_the_program_has_another_terminal_and_another_session(
    operators: list[Operator], tmp_path: Path
) -> None:
    outer = handed(operators, tmp_path, "sh", "-c", "tty; ps -o tty= -o sid= -p $$; echo over")
    ours = str(Path(f"/proc/{outer.pid}/fd/0").readlink())

    outer.see("over")

    lines = outer.shown.split()
    assert lines[0].startswith("/dev/pts/")
    assert lines[0] != ours
    assert f"/dev/{lines[1]}" == lines[0]  # it controls the session, so /dev/tty is this one
    assert lines[2] != str(outer.pid)


@TYPES_INTO
def test_nothing_can_be_typed_into_the_shell_of_the_operator(
    operators: list[Operator], tmp_path: Path
) -> None:
    operator = Operator(tmp_path, "sh", "-i")
    operators.append(operator)
    (tmp_path / "stuff.py").write_text(STUFF)
    (tmp_path / "driver.py").write_text(DRIVER)
    operator.see("$ ")

    operator.type(f"{sys.executable} driver.py {sys.executable} stuff.py; echo o''ver\n")
    operator.see("over")
    operator.type("echo still-he''re\n")
    operator.see("still-here")

    assert not (tmp_path / "typed").exists()


def test_the_size_of_the_terminal_is_followed(operators: list[Operator], tmp_path: Path) -> None:
    command = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done"
    operator = handed(operators, tmp_path, "sh", "-c", command)
    operator.see("ready")

    fcntl.ioctl(operator.terminal, termios.TIOCSWINSZ, struct.pack("4H", 33, 77, 0, 0))

    operator.see("33 77")
    os.kill(operator.pid, signal.SIGTERM)
    operator.wait()


@pytest.mark.parametrize("end", ["exit", "kill of the program", "SIGTERM", "SIGHUP"])
def test_the_terminal_is_as_before_and_the_program_is_gone(
    operators: list[Operator], tmp_path: Path, end: str
) -> None:
    operator = Operator(
        tmp_path,
        sys.executable,
        "-c",
        f"input('go'); {DRIVER}",
        "sh",
        "-c",
        "trap '' TERM HUP; echo pid-$$-; read x",
    )
    operators.append(operator)
    operator.see("go")
    before = operator.attributes()
    operator.type("\n")
    operator.see("-\r\n")
    program = int(operator.shown.split("pid-")[1].split("-")[0])
    assert operator.attributes() != before

    match end:
        case "exit":
            operator.type("x\n")
        case "kill of the program":
            os.kill(program, signal.SIGKILL)
        case name:
            os.kill(operator.pid, signal.Signals[name])

    code = operator.wait()
    assert operator.attributes() == before
    expected = {"exit": 0, "kill of the program": 247, "SIGTERM": 143, "SIGHUP": 129}
    assert code == expected[end]
    with pytest.raises(ProcessLookupError):
        os.kill(program, 0)


def test_ctrl_c_is_for_the_program(operators: list[Operator], tmp_path: Path) -> None:
    command = "trap 'echo caught; exit 4' INT; echo ready; while :; do sleep 0.1; done"
    operator = handed(operators, tmp_path, "sh", "-c", command)
    operator.see("ready")

    operator.type("\x03")

    operator.see("caught")
    assert operator.wait() == 4


def test_a_long_paste_and_a_long_output_do_not_wait_for_each_other(
    operators: list[Operator], tmp_path: Path
) -> None:
    command = "stty raw -echo; echo ready; yes | head -c 300000; head -c 100000 | wc -c; echo over"
    operator = handed(operators, tmp_path, "sh", "-c", command)
    operator.see("ready")
    os.set_blocking(operator.terminal, False)
    left = b"x" * 100000
    until = time.monotonic() + 30

    while left and time.monotonic() < until:
        reads, writes, _ = select.select([operator.terminal], [operator.terminal], [], 1)
        if reads:
            operator.shown += os.read(operator.terminal, 65536).decode()
        if writes:
            left = left[os.write(operator.terminal, left[:1000]) :]

    operator.see("over")
    assert "100000" in operator.shown
    assert operator.shown.count("y") >= 150000


def test_pipes_stay_pipes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, "sh", "-c", "cat; echo no >&2; tty; exit 5"],
        input=b"through\n",
        capture_output=True,
        check=False,
    )

    assert done.stdout == b"through\nnot a tty\n"
    assert done.stderr == b"no\n"
    assert done.returncode == 5
