"""Processes that a killed round has left running."""

import contextlib
import os
import signal
from pathlib import Path


def end_those_with(name: str, value_start: str, proc: Path = Path("/proc")) -> int:
    """End each process whose environment has `name` with a value that begins so; how many.

    The variable is what a program and all that it starts inherit, however they detach
    themselves. Only for the one who knows that none of them should run any more.
    """
    wanted = os.fsencode(f"{name}={value_start}")
    ended = 0
    for folder in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended, or belongs to somebody else
            words = (folder / "environ").read_bytes().split(b"\0")
            if int(folder.name) != os.getpid() and any(word.startswith(wanted) for word in words):
                os.kill(int(folder.name), signal.SIGKILL)
                ended += 1
    return ended
