"""Dependency cycles: decide which package is built first, without the others.

The rules, in this order: a package whose spec supports `%{repo_bootstrap}` is built with it; else
one member gets what it needs of the others from outside, for bootstrap builds only; else all
members fail. The RPMs of a bootstrap build are never published, and the package is built again as
soon as the cycle is broken.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rdo.model.build import Failed, FailureReason, Waiting
from rdo.model.text.short_list import short_list
from rdo.store.work.builds import Build
from rdo.trunk.order.bridge_requests import BridgeRequest
from rdo.trunk.order.providers import Providers


@dataclass(slots=True)
class Cycles:
    """The members of cycles that a round has helped so far; none is helped twice in the same way.

    `can_bootstrap` reads the spec of a build, `has_last_resort` is whether there is an outside
    source to ask.
    """

    can_bootstrap: Callable[[Build], bool]
    has_last_resort: bool = False
    _begun: set[str] = field(default_factory=set)
    _asked: set[int] = field(default_factory=set)

    def starter(
        self, members: Sequence[Build], waiting: Mapping[Build, frozenset[str]]
    ) -> Build | None:
        """Return the most awaited member that supports `%{repo_bootstrap}`, to build it with that.

        `waiting` are all open builds, with the packages that they wait for or will probably
        require: a cycle is known before all builds have been tried. Only one member
        at a time is chosen, because each costs a second build and one is often enough.
        """
        for build in _most_awaited_first(members, waiting):
            new = not build.bootstrap and build.package not in self._begun
            if new and self.can_bootstrap(build):
                self._begun.add(build.package)
                return build
        return None

    def request(
        self,
        members: Sequence[Build],
        waiting: Mapping[Build, frozenset[str]],
        providers: Providers,
    ) -> BridgeRequest | None:
        """Return a request to the last resort, for a member that has made none yet."""
        if not self.has_last_resort:
            return None
        cycle = frozenset(build.package for build in members)
        for build in _most_awaited_first(members, waiting):
            if build.id not in self._asked and isinstance(build.outcome, Waiting):
                self._asked.add(build.id)
                needs = tuple(n for n in build.outcome.needs if providers.of(n) & cycle)
                return BridgeRequest(build, needs, waiting[build] - cycle, for_bootstrap=True)
        return None


def _most_awaited_first(
    members: Sequence[Build], waiting: Mapping[Build, frozenset[str]]
) -> list[Build]:
    """Sort members: bootstrap builds first, then by how many builds wait for them."""

    def rank(build: Build) -> tuple[bool, int]:
        return not build.bootstrap, -sum(build.package in names for names in waiting.values())

    return sorted(members, key=rank)


def cycle_failure(members: Sequence[Build]) -> Failed:
    """Return the failure for the members of a cycle that cannot be broken."""
    names = short_list(build.package for build in members)
    ways = (
        "none of their specs supports %{repo_bootstrap}, "
        "and no other source provides what they need"
    )
    if len(members) == 1:
        return Failed(FailureReason.CYCLE, f"{names} requires itself to be built; {ways}")
    return Failed(FailureReason.CYCLE, f"{names} require each other to be built; {ways}")
