"""The progress of a round, for display."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from rdo.model.commit import Commit


@dataclass(frozen=True, slots=True)
class RoundProgress:
    """The commits being built, by build number, and how many builds are queued and have ended.

    `logs` are the files that the running builds write to.
    """

    running: Mapping[int, Commit]
    queued: int
    ended: int
    logs: Mapping[int, Path] = field(default_factory=dict)


Watcher: TypeAlias = Callable[[RoundProgress], None]
"""Called with every change of what is running, for a live display."""


def nobody_watches(_progress: RoundProgress) -> None:
    """Ignore the progress of a round, without a terminal."""
