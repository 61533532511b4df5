"""The limits of a program that we run, and how it ended."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended, and its output; `stdout` is decoded, with undecodable bytes replaced.

    `raw` is the same output as bytes, for files in another encoding.
    """

    returncode: int
    stdout: str
    stderr: str
    seconds: float
    raw: bytes = b""


class Limit(StrEnum):
    """The limit that made us end a logged program early."""

    TIME = "time"
    OUTPUT = "output"
    DISK = "disk"
    MEMORY = "memory"
    NO_SPACE = "no-space"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Logged:
    """How a logged program ended; `limit` is set if we ended it."""

    returncode: int
    seconds: float
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of a logged program: its time, the size of its log, and a request to end it.

    `disk_bytes` is how much it may write to `folder`, checked from time to time. `memory_bytes`
    applies only where the kernel lets us enforce it: to programs inside a root.
    """

    seconds: float | None = None
    log_bytes: int | None = None
    is_cancelled: Callable[[], bool] = bool
    folder: Path | None = None
    disk_bytes: int | None = None
    memory_bytes: int | None = None
