"""Processes that a killed round has left running."""

import contextlib
import os
import signal
from pathlib import Path


def end_those_with(name: str, value_start: str, proc: Path = Path("/proc")) -> int:
    """End each process whose environment has `name` with a value that begins so; return how many.

    A program passes the variable on to everything it starts, however that detaches itself. Call it
    only if none of these processes should be running any more.
    """
    wanted = os.fsencode(f"{name}={value_start}")
    ended = 0
    for folder in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended, or belongs to another user
            words = (folder / "environ").read_bytes().split(b"\0")
            if int(folder.name) != os.getpid() and any(word.startswith(wanted) for word in words):
                os.kill(int(folder.name), signal.SIGKILL)
                ended += 1
    return ended
