"""A program that keeps running when our process ends, and that another process can find again.

A folder, its *place*, identifies it. Two files appear there, each complete and once. `claim.json`
names the process that runs the program, or states that it must never run: the first writer
decides. `status.json` records how the program ended.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.model.program import Bounds, Limit, Logged
from rdo.run import run

CLAIM, STATUS = "claim.json", "status.json"
_CHILD = Path(__file__).with_name("children") / "run_detached.py"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class DetachedEnd:
    """How a detached program ended; `done` is None if its end was not observed, and `why` says why.

    `was_full` is True if its disk was full then.
    """

    done: Logged | None
    why: str = ""
    was_full: bool = False


@dataclass(frozen=True, slots=True)
class Detached:
    """A program that another process may have started."""

    place: Path

    def start(
        self,
        argv: Sequence[str],
        *,
        log_file: Path,
        cwd: Path,
        env: Mapping[str, str],
        bounds: Bounds,
    ) -> None:
        """Start the program in a session of its own, with its output in `log_file`.

        The limits stay in force after our process has ended, except `is_cancelled`. Raises
        CommandError if the program cannot be started.
        """
        self.place.mkdir(parents=True, exist_ok=True)
        plan = {
            "place": str(self.place.absolute()),
            "argv": list(argv),
            "log_file": str(log_file.absolute()),
            "cwd": str(cwd.absolute()),
            "results": str((bounds.folder or cwd).absolute()),
            "seconds": bounds.seconds,
            "log_bytes": bounds.log_bytes,
            "disk_bytes": bounds.disk_bytes,
        }
        run(
            *(sys.executable, "-I", _CHILD, json.dumps(plan)),
            env=env,
            timeout=_START_SECONDS,
        )

    def was_started(self) -> bool:
        """Whether the program runs or has run; if not, it can never start from now on."""
        if not (self.place / CLAIM).exists():
            self.place.mkdir(parents=True, exist_ok=True)
            claim(self.place, {})
        return bool(self._claim())

    def ended(self) -> DetachedEnd | None:
        """Return how the program ended; None while it runs."""
        if not self.was_started():
            return DetachedEnd(None, "it was never started")
        is_running = self._is_running()
        status = self.place / STATUS  # read afterwards: it comes before the process ends
        if status.exists():
            return _ended(json.loads(status.read_text()))
        return (
            None if is_running else DetachedEnd(None, "it was killed, or the machine was restarted")
        )

    def stop(self) -> None:
        """Ask a running program to end soon; `ended` reports when it has."""
        if (self.place / CLAIM).exists() and self._is_running():
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self._claim()["pid"], signal.SIGTERM)

    def _claim(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.place / CLAIM).read_text())
        return found

    def _is_running(self) -> bool:
        claimed = self._claim()
        return bool(claimed) and identity(claimed["pid"]) == claimed


def claim(place: Path, content: Mapping[str, Any]) -> bool:
    """Write the claim of a place unless there is one, and return whether this claim was written."""
    new = place / f".claim.{os.getpid()}"
    new.write_text(json.dumps(content))
    try:
        (place / CLAIM).hardlink_to(new)
    except FileExistsError:
        return False
    finally:
        new.unlink()
    return True


def identity(pid: int) -> dict[str, Any]:
    """Return a text that identifies a process, because its pid alone may be reused.

    Empty if it is dead.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return {}
    state, *fields = stat.rpartition(")")[2].split()  # the name before it may contain anything
    if state in {"Z", "X"}:
        return {}
    return {"pid": pid, "started": int(fields[18]), "boot": _BOOT_ID.read_text().strip()}


def _ended(status: dict[str, Any]) -> DetachedEnd:
    if "error" in status:
        return DetachedEnd(None, status["error"], status["was_full"])
    limit = Limit(status["limit"]) if status["limit"] else None
    return DetachedEnd(
        Logged(status["returncode"], status["seconds"], limit), "", status["was_full"]
    )
