"""Processes that die, as by kill -9, at a chosen step of their work."""

import os
import signal
import sys
from collections.abc import Callable

_CHANGES = {
    *("os.remove", "os.rename", "os.rmdir", "os.link", "os.mkdir", "os.symlink"),
    *("shutil.rmtree", "http.client.send", "subprocess.Popen", "ctypes.dlsym"),
}


def survives(act: Callable[[], object], step: int) -> bool:
    """Do something in a child that is killed at its `step`th change; return whether it survived.

    A change is one of files, a message to a server, or the start of a program.
    """
    child = os.fork()
    if child == 0:
        try:
            _kill_at(step)
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status)


def _kill_at(step: int) -> None:
    left = step

    def watch(event: str, args: tuple[object, ...]) -> None:
        nonlocal left
        writes = event == "open" and isinstance(args[2], int) and args[2] & os.O_WRONLY
        if event in _CHANGES or writes:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
