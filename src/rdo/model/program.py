"""How a program that we run is bounded, and how it ended."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended and what it said; `stdout` is decoded, undecodable bytes replaced."""

    returncode: int
    stdout: str
    stderr: str
    seconds: float


class Limit(StrEnum):
    """The bound that ended a logged program before it ended itself."""

    TIME = "time"
    OUTPUT = "output"
    DISK = "disk"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Logged:
    """How a logged program ended; `limit` is set when we ended it."""

    returncode: int
    seconds: float
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """When a logged program is ended: after a time, a length of its log, or on request.

    `disk_bytes` is what it may have in `folder`, which is looked at now and then.
    """

    seconds: float | None = None
    log_bytes: int | None = None
    is_cancelled: Callable[[], bool] = bool
    folder: Path | None = None
    disk_bytes: int | None = None
