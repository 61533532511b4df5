"""The interface through which a round gets packages that the release does not have."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Provision:
    """The result of a request: the dependencies that are met from now on, and those that cannot be.

    Both are spelled as they were requested.
    """

    provided: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Bridge(Protocol):
    """Makes packages for a target's dependency repository. Worker threads call it."""

    def provide(self, needs: Sequence[str]) -> Provision:
        """Provide RPM dependencies such as `python3dist(pbr) >= 2`, if possible.

        Raises OutsideError if the network or an index cannot be reached, so that the answer is
        unknown.
        """


class LastResort(Bridge, Protocol):
    """A bridge that also provides packages of the release, for bootstrap builds only."""

    def repository(self) -> Path | None:
        """Return the folder with all packages bridged so far."""


class NoBridge:
    """The bridge of a builder that gets its dependencies elsewhere; it provides nothing."""

    def provide(self, needs: Sequence[str]) -> Provision:
        """Provide none of the dependencies."""
        return Provision((), tuple(needs))
