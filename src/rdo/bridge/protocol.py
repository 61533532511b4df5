"""What a round requires of anything that can provide packages that the release does not have."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Provision:
    """The result of a request: the needs that are met from now on, and those that cannot be met.

    Both are spelt as they were requested.
    """

    provided: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Bridge(Protocol):
    """Makes packages for a target's dependency repository; called from worker threads."""

    def provide(self, needs: Sequence[str]) -> Provision:
        """Meet RPM dependencies such as `python3dist(pbr) >= 2` where that is possible.

        Raises OutsideError if the answer is unknown, because the network or an index cannot be
        reached.
        """


class LastResort(Bridge, Protocol):
    """A bridge that also brings what the release itself packages, for bootstrap builds alone."""

    def repository(self) -> Path | None:
        """Return the folder with all that it has brought so far."""


class NoBridge:
    """The bridge of a builder that has its dependencies from elsewhere: it brings nothing in."""

    def provide(self, needs: Sequence[str]) -> Provision:
        """Leave all needs unmet."""
        return Provision((), tuple(needs))
