"""The order of a round: which builds may start now, and which wait for whom.

Requirements appear while building, so the order is asked again each time something ends. A
build that was told to wait for packages is behind them; what is only likely to be needed
(hints: the BuildRequires of the spec and of the last build) is built first where that costs
nothing. A package's commits are built one after another, in their order.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from rdo.store.builds import Build

Packages: TypeAlias = frozenset[str]


class Queue:
    """The builds of one round that have not ended, by the order in which they were planned."""

    def __init__(
        self, builds: Iterable[Build], hints: Mapping[str, Packages] | None = None
    ) -> None:
        self._builds = {build.id: build for build in _by_package(builds)}
        self._busy: set[int] = set()
        self._behind: dict[int, Packages] = {}
        self._hints = dict(hints or {})

    def __len__(self) -> int:
        return len(self._builds)

    @property
    def open_packages(self) -> Packages:
        """The packages of which something is queued or running."""
        return frozenset(build.package for build in self._builds.values())

    def others(self, build: Build) -> Packages:
        """The packages of all builds but this one."""
        return frozenset(one.package for one in self._builds.values() if one.id != build.id)

    def take(self, limit: int) -> list[Build]:
        """Up to `limit` builds that may start now; they count as running from here on."""
        taken: list[Build] = []
        while len(taken) < limit and (build := self._next()):
            self._busy.add(build.id)
            taken.append(build)
        return taken

    def add(self, build: Build) -> None:
        """Queue a build that the round itself has planned."""
        self._builds[build.id] = build

    def hold_back(self, build_id: int, packages: Packages) -> None:
        """Put a build behind `packages`; with none it may start again at once."""
        self._busy.discard(build_id)
        self._behind[build_id] = packages

    def ended(self, build_id: int, *, published: bool) -> None:
        """Forget a build; what waited for its package may go on if it was published."""
        package = self._builds.pop(build_id).package
        self._busy.discard(build_id)
        self._behind.pop(build_id, None)
        if published:
            self.release(package)

    def release(self, package: str) -> None:
        """Let nothing wait for `package` any longer."""
        for build_id, packages in self._behind.items():
            self._behind[build_id] = packages - {package}

    def waiting(self) -> dict[Build, Packages]:
        """The builds that wait, with the packages that they wait for."""
        return {self._builds[id_]: names for id_, names in self._behind.items() if names}

    def cycle(self) -> list[Build]:
        """Builds that wait for nothing but each other; none if there is no such circle.

        Only to be asked when nothing runs and nothing may start.
        """
        edges = self._edges()
        for start in edges:
            if path := _way_back(edges, start):
                return [build for build in self._builds.values() if build.package in path]
        return []

    def _next(self) -> Build | None:
        startable = self._startable()
        live = self._live(startable)
        for build in startable:
            if not (self._hints.get(build.package, frozenset()) - {build.package}) & live:
                return build
        # Hints that point at each other; a hint is no reason to build nothing at all.
        return startable[0] if startable and not self._busy else None

    def _startable(self) -> list[Build]:
        """The first build of each package that neither waits nor has one running."""
        seen = {self._builds[build_id].package for build_id in self._busy}
        found = []
        for build in self._builds.values():
            if build.package not in seen and not self._behind.get(build.id):
                seen.add(build.package)
                found.append(build)
        return found

    def _live(self, startable: Iterable[Build]) -> set[str]:
        """The packages that will move without anyone's help: what waits for them comes later."""
        live = {self._builds[id_].package for id_ in self._busy} | {b.package for b in startable}
        waiting = dict(self._behind)
        while moved := [id_ for id_, names in waiting.items() if names <= live]:
            for build_id in moved:
                del waiting[build_id]
                live.add(self._builds[build_id].package)
        return live

    def _edges(self) -> dict[str, Packages]:
        """Which package waits for which; without those that wait for what is not in the queue."""
        edges: dict[str, Packages] = {}
        for build, names in self.waiting().items():
            edges[build.package] = edges.get(build.package, frozenset()) | names
        while hopeless := [name for name, needs in edges.items() if needs - edges.keys()]:
            for name in hopeless:
                del edges[name]
        return edges


def _by_package(builds: Iterable[Build]) -> list[Build]:
    """Packages as they were planned, each one's commits in their order: a retry has a late id."""
    first: dict[str, int] = {}
    planned = sorted(builds, key=lambda build: build.id)
    for build in planned:
        first.setdefault(build.package, build.id)
    return sorted(planned, key=lambda build: (first[build.package], build.position))


def _way_back(edges: Mapping[str, Packages], start: str) -> set[str]:
    """All that lies on a way from `start` back to it; empty if there is no such way."""
    return {name for name in _reachable(edges, start) if start in _reachable(edges, name)}


def _reachable(edges: Mapping[str, Packages], start: str) -> set[str]:
    reached: set[str] = set()
    todo = list(edges.get(start, ()))
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += edges.get(name, ())
    return reached
