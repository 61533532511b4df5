"""The interface of every build farm: Koji, Copr, or the next one."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from rdo.model.build import BuildJob


class FarmState(StrEnum):
    """Where a build is at the farm. `LOST`: the farm does not know it, or no longer does."""

    ACCEPTED = "accepted"
    BUILDING = "building"
    BUILT = "built"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class FarmBuild:
    """A farm's report on a build; `said` is one line about why it failed.

    `is_not_tried`: it failed before any of the package's code ran, for a reason of the farm's.
    """

    state: FarmState
    said: str = ""
    is_not_tried: bool = False


class Farm(Protocol):
    """A build farm that is reached over the network; every call may take a while.

    Every call raises OutsideError if the farm cannot be reached now, RefusedError if it does not
    allow the call. `number` is the farm's own number of a build.
    """

    name: str
    server: str

    def examine(self) -> Sequence[str]:
        """Return sentences about our user at the farm and its rights."""

    def lacks(self, job: BuildJob) -> str:
        """Return what must happen before a build can be submitted; "" if it can be now."""

    def submit(self, job: BuildJob, srpm: Path | None, key: str) -> str:
        """Submit a build and return its number; `search` finds it again by `key`."""

    def search(self, key: str, since: float) -> str | None:
        """Return the number of the build that was submitted with `key`; None if none was.

        `since` is the earliest time at which it may have been submitted, in seconds of the epoch.
        """

    def look(self, number: str) -> FarmBuild:
        """Return the state of a build."""

    def new_log(self, number: str, known: int) -> bytes:
        """Return the log of a running build after its first `known` bytes."""

    def fetch(self, number: str, results: Path, *, has_rpms: bool) -> None:
        """Download the logs of a build, and its RPMs if it has any, into a folder.

        Raises RefusedError if a file does not match the farm's own data about it.
        """

    def cancel(self, number: str) -> None:
        """Ask the farm to end a build."""

    def page(self, number: str) -> str:
        """Return the URL of the page of a build."""
