"""An operator on a terminal, whose shell a program may want to type into."""

import os
import pty
import select
import signal
import termios
import time
from pathlib import Path

import pytest

_LEGACY = Path("/proc/sys/dev/tty/legacy_tiocsti")
TYPES_INTO = pytest.mark.skipif(
    _LEGACY.exists() and _LEGACY.read_text().strip() == "0", reason="this kernel refuses TIOCSTI"
)
STUFF = """
import fcntl, os
for name in (0, os.open("/dev/tty", os.O_RDWR)):
    try:
        for c in "touch typed\\n": fcntl.ioctl(name, 0x5412, c.encode())
    except OSError: pass
"""


class Operator:
    """A shell on a terminal: a test reads its output and types into it."""

    def __init__(self, folder: Path, *command: str) -> None:
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
                signal.signal(ignored, signal.SIG_DFL)  # the tests may run under nohup
            os.chdir(folder)
            os.execvpe(command[0], command, {**os.environ, "PS1": "$ ", "TERM": "dumb"})
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def see(self, text: str, seconds: float = 20) -> None:
        """Wait until a text is shown."""
        until = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < until, f"{text!r} is not shown: {self.shown!r}"
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.shown += os.read(self.terminal, 65536).decode(errors="replace")

    def attributes(self) -> list[object]:
        return termios.tcgetattr(self.terminal)

    def wait(self, seconds: float = 120) -> int:
        """Wait for the end and return the exit code."""
        until = time.monotonic() + seconds
        while not (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
            assert time.monotonic() < until, f"it does not end: {self.shown!r}"
            time.sleep(0.02)
        return os.waitstatus_to_exitcode(ended[1])
