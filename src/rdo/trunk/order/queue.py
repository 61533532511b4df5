"""The order of a round: which builds may start now, and which wait for what.

Requirements appear while building, so the order is computed again each time a build ends. A build
that has to wait for packages comes after them; what is only likely to be required (hints: the
BuildRequires of the spec and of the last build) is built first where that costs nothing. A
package's commits are built one after another, in order.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from rdo.store.work.builds import Build

Packages: TypeAlias = frozenset[str]
HasRoom: TypeAlias = Callable[[Build, Collection[str]], bool]
"""Whether a build may be started, beside those of the packages that are being built."""


def _always(_build: Build, _busy: Collection[str]) -> bool:
    return True


class Queue:
    """The builds of one round that have not ended, in the order in which they were planned."""

    def __init__(
        self, builds: Iterable[Build], hints: Mapping[str, Packages] | None = None
    ) -> None:
        self._builds = {build.id: build for build in _by_package(builds)}
        self._busy: set[int] = set()
        self._without_worker: set[int] = set()
        self._aside: set[int] = set()
        self._behind: dict[int, Packages] = {}
        self._hints = dict(hints or {})
        self._foreseen: set[str] = set()
        self._probed: dict[int, Packages] = {}

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
        """Return the builds that are not started, or wait for something."""
        return [build for id_, build in self._builds.items() if id_ not in self._busy]

    def take(self, limit: int, *, probe: bool = True, has_room: HasRoom = _always) -> list[Build]:
        """Return up to `limit` builds that may start now, and mark them as running.

        With `probe`, if no other build may start, also a build that will probably only find out
        what it waits for. `has_room` may leave out builds, such as those whose builder is busy.
        """
        taken: list[Build] = []
        while len(taken) < limit and (build := self._next(has_room, probe=probe)):
            self._busy.add(build.id)
            taken.append(build)
        return taken

    def add(self, build: Build) -> None:
        """Queue a build that the round itself has planned, or one that starts again."""
        self._builds[build.id] = build
        self._builds = {build.id: build for build in _by_package(self._builds.values())}
        self._behind.pop(build.id, None)

    def adopt(self, build: Build) -> None:
        """Add a build that is already running; it is not in the store's queue."""
        self.add(build)
        self._busy.add(build.id)

    def startable_packages(self) -> list[str]:
        """Return the packages whose next build is neither running nor waiting for others."""
        return [build.package for build in self._startable()]

    def set_aside(self, build_ids: Iterable[int]) -> None:
        """Keep builds from starting until they are taken back; they wait for no other build."""
        self._aside |= self._builds.keys() & set(build_ids)

    def take_back(self, build_ids: Iterable[int]) -> None:
        """Let builds start that were set aside; those that left the queue are ignored."""
        self._aside -= set(build_ids)

    def hint(self, package: str, packages: Packages) -> None:
        """Record that `package` will probably require `packages`."""
        self._hints[package] = self._hints.get(package, frozenset()) | packages

    def foresee(self, package: str, packages: Packages) -> None:
        """Record predicted requirements of `package`; they replace mere hints."""
        self._hints[package] = packages
        self._foreseen.add(package)

    def refresh(self, build: Build) -> None:
        """Replace a build by its newer state in the store."""
        self._builds[build.id] = build

    def hold_back(self, build_id: int, packages: Packages) -> None:
        """Make a build wait for `packages`; if empty, it may start again at once."""
        self._no_longer_busy(build_id)
        self._behind[build_id] = packages

    def frees_its_worker(self, build_id: int) -> None:
        """Record that a taken build uses no worker any more, while it waits for an answer."""
        self._without_worker.add(build_id)

    def ended(self, build_id: int, *, published: bool) -> None:
        """Remove a build; builds that wait for its package may start if it was published."""
        package = self._builds.pop(build_id).package
        self._no_longer_busy(build_id)
        self._aside.discard(build_id)
        self._behind.pop(build_id, None)
        if published:
            self.release(package)

    def release(self, package: str) -> None:
        """Let all builds stop waiting for `package`."""
        for build_id, packages in self._behind.items():
            self._behind[build_id] = packages - {package}
        for name in self._foreseen:
            self._hints[name] = self._hints[name] - {package}

    def drop(self, build_id: int) -> None:
        """Remove a build that did not end; builds that wait for its package keep waiting."""
        del self._builds[build_id]
        self._no_longer_busy(build_id)
        self._aside.discard(build_id)
        self._behind.pop(build_id, None)

    def outdated(self) -> list[Build]:
        """Return builds that are not worth a try, because their package has a newer commit.

        One commit of the package waits for a package that is not being built now, and the others
        probably require the same. Once that package exists, only the newest commit needs to be
        built.
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
        """Return the waiting builds, with the packages that they wait for."""
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

        If a package has several builds, this is its first one that waits. Other builds may be
        running: a build that waits for one that is running or may start is not in a cycle yet.
        """
        return self._first_of(_cycle(_closed(self._waiting_packages())))

    def foreseen_cycle(self) -> list[Build]:
        """Return builds that will wait only for each other, according to predictions."""
        startable = self._startable()
        return self._first_of(self._foreseen_cycle(self._likely_of(startable)))

    def _first_of(self, packages: Packages) -> list[Build]:
        first: dict[str, Build] = {}
        for build in self._builds.values():
            if build.package in packages and build.id not in self._busy | self._aside:
                first.setdefault(build.package, build)
        return list(first.values())

    def _no_longer_busy(self, build_id: int) -> None:
        self._busy.discard(build_id)
        self._without_worker.discard(build_id)
        self._probed.pop(build_id, None)

    def _next(self, has_room: HasRoom, *, probe: bool) -> Build | None:
        startable = self._startable()
        live, coming = self._live(startable), self.open_packages
        busy = [self._builds[id_].package for id_ in self._busy - self._without_worker]
        startable = [build for build in startable if has_room(build, busy)]
        for build in startable:
            # Predicted requirements are worth waiting for, even while their own builds wait.
            awaited = coming if build.package in self._foreseen else live
            if not self._likely(build) & awaited:
                return build
        return self._probe(startable) if probe else None

    def _likely_of(self, startable: Sequence[Build]) -> dict[str, Packages]:
        """Return which of the packages still to be built each build will probably require."""
        live = self._live(startable)
        return {build.package: self._likely(build) & live for build in startable}

    def _likely(self, build: Build) -> Packages:
        hints = frozenset() if build.bootstrap else self._hints.get(build.package, frozenset())
        return hints - {build.package}

    def _probe(self, startable: Sequence[Build]) -> Build | None:
        """Return a build to try although a hint says that it must wait.

        First choice: a member of a predicted cycle; its build shows what it really needs. Second: a
        build that waits only for packages that are stuck themselves; if its requirements were
        predicted, only while nothing but such tries runs. If nothing runs, one build without
        predictions is tried, because a hint must not stop all work.
        """
        likely = self._likely_of(startable)
        asks = {self._builds[id_].package: names for id_, names in self._probed.items()}
        members = self._foreseen_cycle({**likely, **asks})
        for build in startable:
            if build.package in members:
                self._probed[build.id] = likely[build.package]
                return build
        at_work = self._busy - self._probed.keys()
        for build in startable:
            if likely[build.package] or (at_work and build.package in self._foreseen):
                continue
            if build.package in self._foreseen:
                self._probed[build.id] = frozenset()
            return build
        return startable[0] if startable and not self._busy else None

    def _foreseen_cycle(self, likely: Mapping[str, Packages]) -> Packages:
        """Return packages that, according to predictions, require only each other."""
        edges = {name: names for name, names in likely.items() if names and name in self._foreseen}
        going = {self._builds[id_].package for id_ in self._busy | self._aside}
        free = going.union(likely) - edges.keys()
        for build, names in self.waiting().items():
            if build.package not in free:
                edges[build.package] = edges.get(build.package, frozenset()) | names
        return _cycle(_closed(edges))

    def _startable(self) -> list[Build]:
        """Return the first build of each package that neither waits nor has a running build."""
        seen = {self._builds[build_id].package for build_id in self._busy | self._aside}
        found = []
        for build in self._builds.values():
            if build.package not in seen and not self._behind.get(build.id):
                seen.add(build.package)
                found.append(build)
        return found

    def _live(self, startable: Iterable[Build]) -> set[str]:
        """Return the packages whose builds proceed on their own; the others wait for them."""
        going = {self._builds[id_].package for id_ in self._busy | self._aside}
        live = going | {build.package for build in startable}
        waiting = dict(self._behind)
        while moved := [id_ for id_, names in waiting.items() if names <= live]:
            for build_id in moved:
                del waiting[build_id]
                live.add(self._builds[build_id].package)
        return live

    def _waiting_packages(self) -> dict[str, Packages]:
        """Return which package waits for which, without those that proceed on their own."""
        edges: dict[str, Packages] = {}
        live = self._live(self._startable())
        for build, names in self.waiting().items():
            if build.package not in live:
                edges[build.package] = edges.get(build.package, frozenset()) | names
        return edges


def in_building_order(behind: Mapping[str, Packages]) -> Iterator[list[str]]:
    """Yield groups of packages, each after those that it requires; a cycle is one group."""
    left = {name: needs & behind.keys() - {name} for name, needs in behind.items()}
    while left:
        ready = [name for name, needs in left.items() if not needs]
        group = ready or sorted(_cycle(left))
        yield group
        left = {name: needs.difference(group) for name, needs in left.items() if name not in group}


def _by_package(builds: Iterable[Build]) -> list[Build]:
    """Sort builds by package, as planned, and within a package by commit: a retry has a late id."""
    first: dict[str, int] = {}
    planned = sorted(builds, key=lambda build: build.id)
    for build in planned:
        first.setdefault(build.package, build.id)
    return sorted(planned, key=lambda build: (first[build.package], build.position))


def _closed(edges: Mapping[str, Packages]) -> dict[str, Packages]:
    """Return the edges that lead only to each other."""
    closed = dict(edges)
    while hopeless := [name for name, needs in closed.items() if needs - closed.keys()]:
        for name in hopeless:
            del closed[name]
    return closed


def _cycle(edges: Mapping[str, Packages]) -> Packages:
    """Return names that all lead to each other and to nothing else; every name leads somewhere.

    The walk starts anywhere and moves to a name from which there is no way back, because fewer
    names can be reached from there. When there is no such name, everything within reach is one
    cycle.
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
    """Return all names reachable from `start`, in order; `start` only if a way leads back."""
    reached: dict[str, None] = {}
    todo = [start]
    while todo:
        for name in edges.get(todo.pop(), ()):
            if name not in reached:
                reached[name] = None
                todo.append(name)
    return reached
