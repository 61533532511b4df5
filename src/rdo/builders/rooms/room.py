"""A root for one build, and how its requirements are installed."""

import contextlib
import errno
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from rdo.beneath import Limits
from rdo.disk_usage import is_full
from rdo.errors import CommandError
from rdo.log_tail import read_tail
from rdo.logs.reader import MAX_BYTES
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.model.program import Bounds, Limit, Logged
from rdo.roots.build_root import BuildRoot
from rdo.roots.door import RPM_NAME, Inside
from rdo.solver import Conflict, Missing, SolverRepository, solve

log = logging.getLogger(__name__)

NO_SPACE = "the disk of the builds was full when it failed"
OutcomeT = TypeVar("OutcomeT")
_RPM_NEEDS_SPACE = re.compile(r"needs \S+ more (?:space|inodes) on the \S+ filesystem")
_LIMITS = {FailureReason.TIME_LIMIT, FailureReason.OUTPUT_LIMIT, FailureReason.INTERRUPTED}


@dataclass(slots=True)
class Room:
    """A root with its repositories, its log, and everything that was required in it so far."""

    root: BuildRoot
    repositories: tuple[SolverRepository, ...]
    log_file: Path
    bounds: Bounds
    wanted: set[str] = field(default_factory=set)

    def require(self, dependencies: Iterable[str]) -> Failed | Waiting | None:
        """Install packages that meet these and all earlier dependencies; None if that worked."""
        platform = self.root.base.platform
        new = {platform.own_python(one) for one in dependencies} - self.wanted
        if not new:
            return None
        asked = self.wanted | new | set(map(platform.own_python, platform.always_required))
        answer = solve(asked, self.repositories, arch=platform.arch)
        if isinstance(answer, Missing):
            self.note("missing", (str(one) for one in answer.requirements))
            return Waiting(answer.needs)
        if isinstance(answer, Conflict):
            self.note("cannot be installed together", answer.problems)
            return Failed(FailureReason.MISSING_DEPENDENCY, "; ".join(answer.problems))
        self.root.install(answer.packages)
        self.wanted |= new
        self.note("required", sorted(new))
        return None

    def log(self, *argv: str, cwd: str = "/builddir", script: str = "") -> Logged:
        """Run a long program inside, within the limits; its output goes to the build's log.

        If there is a `script`, a shell runs it, with the program as its arguments.
        """
        with self.log_file.open("a") as file:
            file.write(f"+ {' '.join(argv)}\n")
        command = ("sh", "-c", script, "sh", *argv) if script else argv
        return self.root.log(*command, log_file=self.log_file, cwd=cwd, bounds=self.bounds)

    def tail(self) -> str:
        """Return the end of the log, which is searched for the cause of a failure."""
        return read_tail(self.log_file, MAX_BYTES)

    def take_rpms(self, folder: str, results: Path) -> list[Path]:
        """Copy the RPMs below a folder of /builddir, such as `RPMS`, to the folder `results`."""
        inside = Inside(f"/builddir/{folder}")
        return self.root.door.take(inside, results, RPM_NAME, Limits(depth=1))

    def read(self, path: str, *, limit: int = 10_000_000) -> bytes:
        """Return the content of a file in /builddir; raises as `Door.read` does."""
        return self.root.door.read(Inside(f"/builddir/{path}"), limit=limit)

    def note(self, what: str, lines: Iterable[str]) -> None:
        """Write a heading and lines of our own into the build's log."""
        with self.log_file.open("a") as file:
            file.writelines(f"{what}: {line}\n" for line in lines)


@contextlib.contextmanager
def on_disk_of(folder: Path) -> Iterator[None]:
    """Raise OSError (ENOSPC) if one of our programs fails in a root whose disk is full."""
    try:
        yield
    except CommandError as error:
        if is_full(folder) or _RPM_NEEDS_SPACE.search(str(error)):
            raise OSError(errno.ENOSPC, f"{NO_SPACE}: {error}") from error
        raise


def disk_failure(outcome: OutcomeT, folder: Path) -> OutcomeT | Failed:
    """Replace a failure by NO_SPACE if the disk is full, unless one of our own limits ended it."""
    if isinstance(outcome, Failed) and outcome.reason not in _LIMITS and is_full(folder):
        return Failed(FailureReason.NO_SPACE, NO_SPACE)
    return outcome


def limit_failure(done: Logged) -> Failed | None:
    """Return the failure of a program that one of our limits ended; None if none did."""
    match done.limit:
        case Limit.TIME:
            return Failed(FailureReason.TIME_LIMIT, f"it did not end within {done.seconds:.0f} s")
        case Limit.OUTPUT:
            return Failed(FailureReason.OUTPUT_LIMIT, "its output is larger than the log limit")
        case Limit.DISK:
            return Failed(
                FailureReason.OUTPUT_LIMIT, "it wrote more to the disk than it is allowed"
            )
        case Limit.MEMORY:
            return Failed(FailureReason.OUTPUT_LIMIT, "it used more memory than it is allowed")
        case Limit.NO_SPACE:
            return Failed(FailureReason.NO_SPACE, NO_SPACE)
        case Limit.CANCELLED:
            return Failed(FailureReason.INTERRUPTED, "cancelled")
        case None:
            return None
