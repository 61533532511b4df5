"""The packages that an image is made of, chosen by the solver."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import CommandError, NotFoundError
from rdo.model.repo_file import DEPENDENCIES
from rdo.roots.platform.platforms import BaseLayer
from rdo.solver import Chosen, Conflict, Missing, SolverRepository, solve


@dataclass(frozen=True, slots=True)
class ImageSources:
    """Where an image's packages come from.

    They are a target's own repositories, what was bridged for it, and the base layer.
    """

    base: BaseLayer
    own: Sequence[Path]
    dependencies: Path | None
    neighbours: tuple[tuple[Path, int], ...] = ()

    def packages(self, name: str) -> tuple[Chosen, ...]:
        """Return the packages of the platform's set `name`, with everything they require.

        Raises NotFoundError if the platform has no such set or a package of it is in no
        repository, CommandError if the packages conflict.
        """
        rows = [SolverRepository(f"own-{n}", path, 1) for n, path in enumerate(self.own)]
        if self.dependencies:
            rows.append(SolverRepository("dependencies", self.dependencies, DEPENDENCIES))
        rows += [
            SolverRepository(f"neighbour-{number}", path, priority)
            for number, (path, priority) in enumerate(self.neighbours)
        ]
        rows.append(SolverRepository("base", self.base.metadata, 90, installed=True))
        answer = solve(self.wanted(name), rows, arch=self.base.platform.arch)
        if isinstance(answer, Missing):
            raise NotFoundError(
                f"no repository has {', '.join(map(str, answer.requirements))}",
                hint=f"add these packages with: rdo platform deps add @{name}",
            )
        if isinstance(answer, Conflict):
            raise CommandError(
                f"the packages of the set {name} conflict: {'; '.join(answer.problems)}"
            )
        return answer.packages

    def wanted(self, name: str) -> tuple[str, ...]:
        """Return the names in the platform's set `name`; NotFoundError if it has no such set."""
        platform = self.base.platform
        if name not in platform.sets:
            raise NotFoundError(
                f"no {name} can be made: platform {platform.name} has no set of packages {name!r}",
                hint=f"add `{name} = [...]` to [sets] of its definition",
            )
        return platform.sets[name]
