"""Rebuild the packages that require another one: which, in what order, and at what cost."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from rdo.model.commit import Commit
from rdo.store import Transaction
from rdo.store.work.builds import Build
from rdo.trunk.context import Trunk
from rdo.trunk.order.hints import last_build_requires
from rdo.trunk.order.providers import Providers


@dataclass(frozen=True, slots=True)
class Dependent:
    """A package to rebuild; packages of one `step` can be built at the same time.

    `seconds` is the time its last good build took.
    """

    package: str
    step: int
    commit: Commit
    seconds: float
    needs: tuple[str, ...]
    is_queued: bool = False


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The dependents of a package, in the order in which they are built."""

    package: str
    dependents: tuple[Dependent, ...]
    workers: int

    @property
    def build_seconds(self) -> float:
        """The time of all builds together."""
        return sum(one.seconds for one in self.dependents)

    @property
    def seconds(self) -> float:
        """The shortest time with the target's workers: each step waits for the previous one."""
        total = 0.0
        for step in sorted({one.step for one in self.dependents}):
            times = [one.seconds for one in self.dependents if one.step == step]
            total += max(*times, sum(times) / self.workers)
        return total


def plan_rebuild(trunk: Trunk, package: str, *, direct: bool = False) -> Rebuild:
    """Find the packages that require `package` to build, directly or (unless `direct`) indirectly.

    Raises NotFoundError if the release has no such package. Held packages are left out.
    """
    package = trunk.package(package).name
    with trunk.store.read() as at:
        states = {state.package: state for state in at.packages.states(trunk.name)}
        needs = _needs(at, trunk)
        newest = {name: at.commits.newest(trunk.name, name) for name in trunk.packages}
        open_builds = (*at.builds.running(trunk.name), *at.builds.queue(trunk.name))
    queued = {build.package for build in open_builds}
    found: list[Dependent] = []
    for step, names in enumerate(_steps(needs, package, direct=direct), 1):
        for name in sorted(names):
            commit, state = newest[name], states.get(name)
            if commit is not None:
                seconds = _seconds(state.good) if state and state.good else 0.0
                within = tuple(sorted(needs[name] & ({package} | _names(found))))
                found.append(Dependent(name, step, commit, seconds, within, name in queued))
    return Rebuild(package, tuple(found), trunk.workers)


def direct_dependents(trunk: Trunk, packages: Collection[str]) -> frozenset[str]:
    """Return the packages that require one of these to build, except these and held packages."""
    with trunk.store.read() as at:
        needs = _needs(at, trunk)
    wanted = frozenset(packages)
    return frozenset(name for name, found in needs.items() if found & wanted) - wanted


def _needs(at: Transaction, trunk: Trunk) -> dict[str, frozenset[str]]:
    """Return the packages whose RPMs each one's last build required; held ones are left out."""
    providers = Providers(trunk.packages.values(), at.artifacts.provides(trunk.name))
    held = at.holds.all(trunk.name)
    return {
        name: frozenset().union(*(providers.of(need) for need in requires)) - {name}
        for name, requires in last_build_requires(at, trunk.name).items()
        if name in trunk.packages and name not in held
    }


def queue_rebuild(trunk: Trunk, rebuild: Rebuild) -> list[Build]:
    """Queue the builds, first step first; packages that are queued already stay as they are."""
    with trunk.store.write() as at:
        return [
            at.builds.plan(trunk.name, one.commit, now=trunk.now())
            for one in rebuild.dependents
            if not one.is_queued
        ]


def as_row(target: str, rebuild: Rebuild, queued: Iterable[Build]) -> dict[str, object]:
    """Return a rebuild, and the builds that were queued for it, as JSON data."""
    return {
        "target": target,
        "dependents": rebuild.dependents,
        "build_seconds": rebuild.build_seconds,
        "seconds": rebuild.seconds,
        "queued": [build.id for build in queued],
    }


def _steps(
    needs: Mapping[str, frozenset[str]], start: str, *, direct: bool
) -> Iterable[Collection[str]]:
    """Divide the dependents of `start` into steps; each requires only `start` and earlier steps.

    Packages that require each other form one last step, because rounds can break cycles.
    """
    wanted: set[str] = set()
    new = {start}
    while new:
        new = {name for name, of in needs.items() if of & new} - wanted - {start}
        wanted |= new
        if direct:
            break
    done: set[str] = set()
    while left := wanted - done:
        ready = {name for name in left if not needs[name] & left - {name}} or left
        yield ready
        done |= ready


def _names(found: Iterable[Dependent]) -> frozenset[str]:
    return frozenset(one.package for one in found)


def _seconds(build: Build) -> float:
    if build.started is None or build.finished is None:
        return 0.0
    return (build.finished - build.started).total_seconds()
