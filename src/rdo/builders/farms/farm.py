"""What a build farm must answer, whichever it is: Koji, Copr, or the next one."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from rdo.model.build import BuildJob


class FarmState(StrEnum):
    """Where a build is at the farm. `LOST`: the farm does not know it (any more)."""

    ACCEPTED = "accepted"
    BUILDING = "building"
    BUILT = "built"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class FarmBuild:
    """What a farm says of a build; `said` is one line, for a build that failed.

    `is_not_tried`: it failed before anything of the package ran, for a reason of the farm's.
    """

    state: FarmState
    said: str = ""
    is_not_tried: bool = False


class Farm(Protocol):
    """A build farm that is asked over the network; every call may take a while.

    Every call raises OutsideError if the farm cannot be reached now, RefusedError if it does not
    allow it. `number` is the farm's own name of a build.
    """

    name: str
    server: str

    def examine(self) -> Sequence[str]:
        """Return sentences about as whom and with which rights the farm is asked."""

    def lacks(self, job: BuildJob) -> str:
        """Return what a build must wait for before it is submitted; empty if for nothing."""

    def submit(self, job: BuildJob, srpm: Path | None, key: str) -> str:
        """Begin a build and return its number; `key` is ours alone, and `search` finds it again."""

    def search(self, key: str, since: float) -> str | None:
        """Return the number of the build that was submitted with `key`; None if none was.

        `since` is when it was submitted at the earliest, in seconds of the epoch.
        """

    def look(self, number: str) -> FarmBuild:
        """Return where a build is."""

    def new_log(self, number: str, known: int) -> bytes:
        """Return what the log of a running build has beyond its first `known` bytes."""

    def fetch(self, number: str, results: Path, *, has_rpms: bool) -> None:
        """Download the logs of a build, and its RPMs if it has any, into a folder.

        Raises RefusedError if a file is not what the farm has said that it is.
        """

    def cancel(self, number: str) -> None:
        """Ask the farm to end a build."""

    def page(self, number: str) -> str:
        """Return where people see a build."""
