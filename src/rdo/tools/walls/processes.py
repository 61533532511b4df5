"""Find processes that a killed round has left running, and those that work in a folder."""

import contextlib
import os
import signal
from collections.abc import Collection, Iterator
from pathlib import Path


def end_those_with(name: str, value_start: str, proc: Path = Path("/proc")) -> int:
    """End each process that has `name` in its environment with this beginning of a value.

    Return how many. A program passes the variable on to everything it starts, however that detaches
    itself. Call it only if none of these processes should be running any more.
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


def at_work_in(
    folder: Path, program: str, users: Collection[int], proc: Path = Path("/proc")
) -> list[int]:
    """Return the processes of `program`, or of one it starts, that work in a folder.

    Their names begin with the program's, and their current folder, git's folder or an open file is
    there. A process that we cannot inspect counts as one of them if its user is one of `users`.
    """
    return sorted(
        int(process.name)
        for process in proc.glob("[0-9]*")
        if _name(process).startswith(program) and _is_in(process, folder.resolve(), users)
    )


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(errors="replace").strip()
    except OSError:  # it has just ended
        return ""


def _is_in(process: Path, folder: Path, users: Collection[int]) -> bool:
    try:
        return any(place.resolve().is_relative_to(folder) for place in _places(process))
    except PermissionError:
        with contextlib.suppress(OSError):
            return process.stat().st_uid in users
        return False
    except OSError:  # it has just ended
        return False


def _places(process: Path) -> Iterator[Path]:
    """Yield the current folder of a process, git's folder, and its open files."""
    current = (process / "cwd").readlink()
    yield current
    for word in (process / "environ").read_bytes().split(b"\0"):
        if word.startswith(b"GIT_DIR="):
            yield current / os.fsdecode(word.removeprefix(b"GIT_DIR="))
    for link in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it has just closed this one
            yield link.readlink()
