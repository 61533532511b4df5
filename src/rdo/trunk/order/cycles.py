"""Packages that need each other: who begins without the others.

The rules of DESIGN.md 5, in this order: a spec that knows `%{repo_bootstrap}` is built with it;
else what one of them wants of the others comes from outside, for bootstrap builds alone; else
all of them have failed. Whatever a bootstrap build gives only helps to build, and is never
published; the package is built once more as soon as that is done.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rdo.model.build import Failed, FailureReason, Waiting
from rdo.store.builds import Build
from rdo.trunk.order.bridge_requests import BridgeRequest
from rdo.trunk.order.providers import Providers


@dataclass(slots=True)
class Cycles:
    """Whom a round has helped out of a cycle so far; nobody is helped twice in the same way.

    `can_bootstrap` reads the spec of a build, `has_last_resort` says whether there is anything
    outside to ask.
    """

    can_bootstrap: Callable[[Build], bool]
    has_last_resort: bool = False
    _begun: set[str] = field(default_factory=set)
    _asked: set[int] = field(default_factory=set)

    def starter(
        self, members: Sequence[Build], waiting: Mapping[Build, frozenset[str]]
    ) -> Build | None:
        """The member to build with `%{repo_bootstrap}`, of all that can the most awaited one.

        `waiting` are all builds that wait, with the packages that they wait for. Only one at a
        time, for each costs a second build and one is often enough.
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
        """What to ask of the last resort, for one member that nothing was asked for yet."""
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
    """Bootstrap builds first, they only need one thing more; then as many wait for them."""

    def rank(build: Build) -> tuple[bool, int]:
        return not build.bootstrap, -sum(build.package in names for names in waiting.values())

    return sorted(members, key=rank)


def cycle_failure(members: Sequence[Build]) -> Failed:
    """Why the members of a cycle that nothing can break have failed."""
    names = ", ".join(build.package for build in members)
    ways = "no spec of them begins under %{repo_bootstrap}, and nobody else has what they want"
    if len(members) == 1:
        return Failed(FailureReason.CYCLE, f"{names} needs itself to be built; {ways}")
    return Failed(FailureReason.CYCLE, f"{names} need each other to be built; {ways}")
