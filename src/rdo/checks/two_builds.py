"""Choose the packages to leave at an older build, so that the rest of a set can be installed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from rdo.publish.backwards import gone_backwards
from rdo.publish.good import GoodBuild
from rdo.solver import FewestHeld, SolverRepository, TwoBuilds, fewest_held
from rdo.store.work.artifacts import StoredArtifact


@dataclass(frozen=True, slots=True)
class TwoSets:
    """Two sets of builds by package: the wanted ones, and those that hosts have now.

    A package that is in only one set can be held back too: a new one is left out, a removed one
    stays.
    """

    newer: Mapping[str, GoodBuild]
    older: Mapping[str, GoodBuild]

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of the packages whose builds differ."""
        names = sorted({*self.newer, *self.older})
        return tuple(name for name in names if not _is_same(name, self.newer, self.older))

    def chosen(self, held: Iterable[str]) -> dict[str, GoodBuild]:
        """Return the newer set, with the older builds of the packages that are held back."""
        held = set(held)
        builds = {name: build for name, build in self.newer.items() if name not in held}
        return builds | {name: self.older[name] for name in held if name in self.older}


def _is_same(name: str, newer: Mapping[str, GoodBuild], older: Mapping[str, GoodBuild]) -> bool:
    return name in newer and name in older and newer[name].id == older[name].id


class Shown:
    """The repositories of two sets of builds; the solver sees only the chosen builds.

    A context manager: the lists of visible RPMs are in a temporary folder.
    """

    def __init__(
        self,
        sets: TwoSets,
        newer: Sequence[SolverRepository],
        older: Sequence[SolverRepository],
    ) -> None:
        self.sets = sets
        self._newer, self._older = newer, older
        self._folder: TemporaryDirectory[str] | None = None
        self._number = 0

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="rdo-")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._folder:
            self._folder.cleanup()

    def of(self, held: Iterable[str]) -> tuple[SolverRepository, ...]:
        """Return repositories that show one choice; they are valid within the context."""
        held = frozenset(held)
        newer = [name for name in self.sets.newer if name not in held]
        seen = self._list(self.sets.newer[name] for name in newer)
        old = self._list(self.sets.older[name] for name in held if name in self.sets.older)
        return (*_seeing(self._newer, seen), *_seeing(self._older, old))

    def fewest_held(
        self,
        others: Sequence[SolverRepository],
        *,
        arch: str,
        may_be_held: Iterable[str],
        never: Iterable[Mapping[str, bool]] = (),
        seconds: float,
    ) -> FewestHeld:
        """Choose the fewest packages to hold back, all among `may_be_held`. See `solver`."""
        fixed = set(self.sets.changed) - set(may_be_held)
        older = self._list(
            self.sets.older[name] for name in self.sets.changed if name in self.sets.older
        )
        newer_owners = _owners(self.sets.newer, self.sets.changed)
        older_owners = _owners(self.sets.older, self.sets.changed)
        two = TwoBuilds(
            tuple(one.name for one in self._newer),
            tuple(one.name for one in self._older),
            newer_owners,
            older_owners,
        )
        return fewest_held(
            (*self._newer, *_seeing(self._older, older), *others),
            two,
            arch=arch,
            never=(*({name: True} for name in sorted(fixed)), *self._by_name(), *never),
            seconds=seconds,
        )

    def _by_name(self) -> Iterator[dict[str, bool]]:
        """Yield choices forbidden by names and versions alone: duplicate or older RPMs."""
        changed = set(self.sets.changed)
        rpms: dict[tuple[str, str], list[tuple[str, bool]]] = {}
        for is_held, builds in ((False, self.sets.newer), (True, self.sets.older)):
            for name, build in builds.items():
                if is_held and name not in changed:
                    continue  # the newer set has it
                for stored in _binaries(build):
                    key = stored.artifact.nevra.name, stored.artifact.nevra.arch
                    rpms.setdefault(key, []).append((name, is_held))
        for owners in rpms.values():
            for number, one in enumerate(owners):
                for other in owners[number + 1 :]:
                    choice = {name: held for name, held in (one, other) if name in changed}
                    if one[0] != other[0] and choice:
                        yield choice
        yield from ({name: False} for name in self._backwards())

    def _backwards(self) -> Iterator[str]:
        """Yield the packages with an RPM that has a lower version in the newer set."""
        builds = self.sets.older.values()
        older = {
            one.artifact.nevra.name: one.artifact for build in builds for one in _binaries(build)
        }
        for name in self.sets.changed:
            for stored in _binaries(self.sets.newer[name]) if name in self.sets.newer else ():
                was = older.get(stored.artifact.nevra.name)
                if was and gone_backwards([was], [stored.artifact]):
                    yield name

    def _list(self, builds: Iterable[GoodBuild]) -> Path:
        """Write the list of the RPMs of builds that the solver may choose."""
        assert self._folder
        self._number += 1
        place = Path(self._folder.name, str(self._number))
        names = sorted(solver_nevra(stored) for one in builds for stored in one.artifacts)
        place.write_text("".join(f"{name}\n" for name in names))
        return place


def _seeing(repositories: Sequence[SolverRepository], seen: Path) -> tuple[SolverRepository, ...]:
    return tuple(replace(one, visible=seen) for one in repositories)


def _binaries(build: GoodBuild) -> Iterator[StoredArtifact]:
    return (stored for stored in build.artifacts if not stored.artifact.is_source)


def _owners(builds: Mapping[str, GoodBuild], changed: Iterable[str]) -> dict[str, str]:
    return {
        solver_nevra(stored): name
        for name in changed
        if name in builds
        for stored in builds[name].artifacts
    }


def solver_nevra(stored: StoredArtifact) -> str:
    """Return an RPM's NEVRA as libsolv writes it."""
    nevra = stored.artifact.nevra
    epoch = f"{nevra.epoch}:" if nevra.epoch else ""
    arch = "src" if stored.artifact.is_source else nevra.arch
    return f"{nevra.name}-{epoch}{nevra.version}-{nevra.release}.{arch}"
