"""`rdo` in a fork of a process that has loaded its modules, which takes a second each time.

All else is as in a process of its own: arguments, environment, folder, output, the end. Run as a
program, this file is the process that forks; it is asked on the socket whose number it is given.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import IO

LOADED = (
    "rdo.app",
    "rdo.app.bridges",
    "rdo.app.workplaces",
    "rdo.builders.rooms.root",
    "rdo.cli.main",
    "rdo.cli.trunk.group",
    "rdo.cli.trunk.why",
)
"""Modules that bring most others that commands about a target use."""

_AT_START = ("LANG", "LC_", "PYTHON")
"""Python reads variables with these names only when it starts."""
_MOST = 1 << 20


@dataclass(slots=True)
class Forks:
    """Runs commands one after another, in forks of a process that starts with the first one."""

    is_used: threading.Lock = field(default_factory=threading.Lock)
    _process: "subprocess.Popen[bytes] | None" = None
    _channel: socket.socket | None = None

    @property
    def is_running(self) -> bool:
        return self._channel is not None

    def can_run(self, environment: Mapping[str, str]) -> bool:
        """Whether a command with these variables would be as in a process of its own."""
        return _at_start(environment) == _at_start(os.environ)

    def run(
        self, args: Sequence[str], cwd: Path, environment: Mapping[str, str], timeout: float
    ) -> tuple[int, str, str]:
        """Return the exit code and the output of a command, as subprocess.run does."""
        channel = self._channel or self._start()
        question = {"args": args, "cwd": str(cwd), "environment": dict(environment)}
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            said = json.dumps(question | {"umask": _umask()}).encode()
            socket.send_fds(channel, [said], [out.fileno(), err.fileno()])
            pid = int(channel.recv(32))
            channel.settimeout(timeout)
            try:
                code = int(channel.recv(32))
            except BaseException as error:
                os.kill(pid, signal.SIGKILL)
                self.stop()
                if isinstance(error, TimeoutError):
                    raise subprocess.TimeoutExpired(list(args), timeout) from error
                raise
            channel.settimeout(None)
            return code, _text(out), _text(err)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self._channel = ours
        return ours

    def stop(self) -> None:
        """End the process that forks; the next command starts another one."""
        if self._channel and self._process:
            self._channel.close()
            self._process.wait()
        self._channel = self._process = None


FORKS = Forks()
atexit.register(FORKS.stop)


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_AT_START)}


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


def _serve(channel: socket.socket) -> None:
    """Fork for each question, and answer with the number and then the exit code of the fork."""
    while True:
        said, descriptors, _, _ = socket.recv_fds(channel, _MOST, 2)
        if not said:
            sys.exit()
        pid = os.fork()
        if not pid:
            channel.close()
            _become(json.loads(said), *descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        channel.send(str(pid).encode())
        channel.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


def _become(question: dict[str, object], out: int, err: int) -> None:
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    os.chdir(str(question["cwd"]))
    os.umask(int(str(question["umask"])))
    os.environ.clear()
    os.environ.update(question["environment"])  # type: ignore[call-overload]
    time.tzset()
    sys.argv = ["rdo", *question["args"]]  # type: ignore[misc]


if __name__ == "__main__":
    for name in LOADED:
        import_module(name)
    _serve(socket.socket(fileno=int(sys.argv[1])))
    import_module("rdo.cli.main").main()
