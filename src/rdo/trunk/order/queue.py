"""The order of a round: which builds may start now, and which wait for what.

Requirements appear while building, so the order is computed again each time a build ends. A
build that was told to wait for packages comes after them; what is only likely to be required
(hints: the BuildRequires of the spec and of the last build) is built first where that costs
nothing. A package's commits are built one after another, in their order.
"""

from collections.abc import Collection, Iterable, Mapping
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
        """Return the packages that have a queued or running build."""
        return frozenset(build.package for build in self._builds.values())

    def others(self, build: Build) -> Packages:
        """Return the packages of all builds but this one."""
        return frozenset(one.package for one in self._builds.values() if one.id != build.id)

    def idle(self) -> list[Build]:
        """Return the builds that have not been taken, or wait for something."""
        return [build for id_, build in self._builds.items() if id_ not in self._busy]

    def take(self, limit: int) -> list[Build]:
        """Return up to `limit` builds that may start now, and count them as running."""
        taken: list[Build] = []
        while len(taken) < limit and (build := self._next()):
            self._busy.add(build.id)
            taken.append(build)
        return taken

    def add(self, build: Build) -> None:
        """Queue a build that the round itself has planned, or one that starts again."""
        self._builds[build.id] = build
        self._builds = {build.id: build for build in _by_package(self._builds.values())}
        self._behind.pop(build.id, None)

    def adopt(self, build: Build) -> None:
        """Take in a build that runs already; it is not in the store's queue."""
        self.add(build)
        self._busy.add(build.id)

    def hint(self, package: str, packages: Packages) -> None:
        """Record that `package` will probably require `packages`."""
        self._hints[package] = self._hints.get(package, frozenset()) | packages

    def refresh(self, build: Build) -> None:
        """Replace a build by its newer state from the store."""
        self._builds[build.id] = build

    def hold_back(self, build_id: int, packages: Packages) -> None:
        """Make a build wait for `packages`; with none it may start again at once."""
        self._busy.discard(build_id)
        self._behind[build_id] = packages

    def ended(self, build_id: int, *, published: bool) -> None:
        """Remove a build; what waited for its package may start if it was published."""
        package = self._builds.pop(build_id).package
        self._busy.discard(build_id)
        self._behind.pop(build_id, None)
        if published:
            self.release(package)

    def release(self, package: str) -> None:
        """Let all builds stop waiting for `package`."""
        for build_id, packages in self._behind.items():
            self._behind[build_id] = packages - {package}

    def drop(self, build_id: int) -> None:
        """Remove a build that did not end; what waits for its package keeps waiting."""
        del self._builds[build_id]
        self._busy.discard(build_id)
        self._behind.pop(build_id, None)

    def outdated(self) -> list[Build]:
        """Return builds that are not worth a try, because their package has a newer commit.

        One commit of the package waits for a package that is not being built now, and the others
        probably require the same. Once it is there, the newest commit is the one to build.
        """
        coming = self.open_packages
        stuck = {build.package for build, names in self.waiting().items() if names - coming}
        last = {build.package: build.position for build in self._builds.values()}
        return [
            build
            for build in self._builds.values()
            if build.package in stuck
            and build.position < last[build.package]
            and build.id not in self._busy
        ]

    def waiting(self) -> dict[Build, Packages]:
        """Return the builds that wait, with the packages that they wait for."""
        return {self._builds[id_]: names for id_, names in self._behind.items() if names}

    def expected(self) -> dict[Build, Packages]:
        """Return each build with the packages that it waits for or will probably require."""
        nothing: Packages = frozenset()
        return {
            build: self._behind.get(id_, nothing) | self._hints.get(build.package, nothing)
            for id_, build in self._builds.items()
        }

    def cycle(self) -> list[Build]:
        """Return builds that wait only for each other; none if there is no such cycle.

        Of a package that has several, this is the first one that waits. Others may be running:
        whoever waits for one that runs or may start is in no cycle yet.
        """
        members = _cycle(self._edges())
        first: dict[str, Build] = {}
        for build in self._builds.values():
            if build.package in members and self._behind.get(build.id):
                first.setdefault(build.package, build)
        return list(first.values())

    def _next(self) -> Build | None:
        startable = self._startable()
        live = self._live(startable)
        for build in startable:
            hints = frozenset() if build.bootstrap else self._hints.get(build.package, frozenset())
            if not (hints - {build.package}) & live:
                return build
        # Hints that point at each other; a hint is no reason to build nothing at all.
        return startable[0] if startable and not self._busy else None

    def _startable(self) -> list[Build]:
        """Return the first build of each package that neither waits nor has a build running."""
        seen = {self._builds[build_id].package for build_id in self._busy}
        found = []
        for build in self._builds.values():
            if build.package not in seen and not self._behind.get(build.id):
                seen.add(build.package)
                found.append(build)
        return found

    def _live(self, startable: Iterable[Build]) -> set[str]:
        """Return the packages whose builds proceed on their own; the others wait for them."""
        live = {self._builds[id_].package for id_ in self._busy} | {b.package for b in startable}
        waiting = dict(self._behind)
        while moved := [id_ for id_, names in waiting.items() if names <= live]:
            for build_id in moved:
                del waiting[build_id]
                live.add(self._builds[build_id].package)
        return live

    def _edges(self) -> dict[str, Packages]:
        """Return which package waits for which, without those that wait for what is not queued."""
        edges: dict[str, Packages] = {}
        live = self._live(self._startable())
        for build, names in self.waiting().items():
            if build.package in live:
                continue
            edges[build.package] = edges.get(build.package, frozenset()) | names
        while hopeless := [name for name, needs in edges.items() if needs - edges.keys()]:
            for name in hopeless:
                del edges[name]
        return edges


def _by_package(builds: Iterable[Build]) -> list[Build]:
    """Sort builds by package, as planned, and each package's by commit: a retry has a late id."""
    first: dict[str, int] = {}
    planned = sorted(builds, key=lambda build: build.id)
    for build in planned:
        first.setdefault(build.package, build.id)
    return sorted(planned, key=lambda build: (first[build.package], build.position))


def _cycle(edges: Mapping[str, Packages]) -> Packages:
    """Return names that all lead to each other and to nothing else; every name leads somewhere.

    The walk starts anywhere and moves to a name from which there is no way back, since less can
    be reached from there. When there is no such name, everything within reach is one cycle.
    """
    back: dict[str, set[str]] = {}
    for name, needs in edges.items():
        for needed in needs:
            back.setdefault(needed, set()).add(name)
    here = next(iter(edges), None)
    while here is not None:
        reached, before = _reachable(edges, here), _reachable(back, here)
        ahead = [name for name in reached if name not in before]
        if not ahead:
            return frozenset(reached)
        here = ahead[-1]
    return frozenset()


def _reachable(edges: Mapping[str, Collection[str]], start: str) -> dict[str, None]:
    """Return all that `start` leads to, in the order it is met; itself only if a way leads back."""
    reached: dict[str, None] = {}
    todo = [start]
    while todo:
        for name in edges.get(todo.pop(), ()):
            if name not in reached:
                reached[name] = None
                todo.append(name)
    return reached
