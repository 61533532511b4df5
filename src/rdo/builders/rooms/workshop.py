"""Make roots for builds, and choose the repositories that fill them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.builders.rooms.room import Room
from rdo.model.program import Bounds
from rdo.model.repo_file import BASE, DEPENDENCIES, LAST_RESORT, OWN
from rdo.roots.build_root import BuildRoot
from rdo.roots.content import ContentStore
from rdo.roots.platform.platforms import BaseLayer
from rdo.solver import SolverRepository


@dataclass(frozen=True, slots=True)
class Workshop:
    """Makes roots from the base layer and the content store, in the folder of live roots.

    `dependencies` returns the current dependency repository, `neighbours` the repositories of other
    targets, with their priorities.
    """

    base: BaseLayer
    content: ContentStore
    roots: Path
    dependencies: Callable[[], Path | None]
    neighbours: Callable[[], Sequence[tuple[Path, int]]] = tuple
    seconds: float = 3600
    log_bytes: int = 200_000_000
    disk_bytes: int = 20_000_000_000
    memory_bytes: int = 16_000_000_000

    def repositories(
        self, own: Sequence[Path] = (), last_resort: Sequence[Path] = ()
    ) -> tuple[SolverRepository, ...]:
        """Return the repositories that may fill a root, the release's own ones first."""
        rows = [SolverRepository(f"own-{n}", path, OWN) for n, path in enumerate(own)]
        if folder := self.dependencies():
            rows.append(SolverRepository("dependencies", folder, DEPENDENCIES))
        rows += [
            SolverRepository(f"neighbour-{n}", path, priority)
            for n, (path, priority) in enumerate(self.neighbours())
        ]
        rows.append(SolverRepository("base", self.base.metadata, BASE, installed=True))
        rows += self.base.solver_repositories
        rows += [
            SolverRepository(f"last-resort-{n}", path, LAST_RESORT)
            for n, path in enumerate(last_resort)
        ]
        return tuple(rows)

    def room(
        self,
        root: BuildRoot,
        repositories: tuple[SolverRepository, ...],
        log_file: Path,
        is_cancelled: Callable[[], bool] = bool,
    ) -> Room:
        """Return a room in a root, with the limits of this workshop."""
        bounds = Bounds(
            self.seconds,
            self.log_bytes,
            is_cancelled,
            disk_bytes=self.disk_bytes,
            memory_bytes=self.memory_bytes,
        )
        return Room(root, repositories, log_file, bounds)
