"""Create the repositories and branches that the metadata names and that do not exist yet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rdo.distgit.served.folder import DistgitFolder
from rdo.distgit.served.ownership import ServedDistgit
from rdo.tools.git.bare import BareRepository


@dataclass(frozen=True, slots=True)
class SyncStep:
    """Something to create: a repository, or a `branch` that begins where `source` is."""

    distgit: str
    branch: str
    source: str = ""
    commit: str = ""

    @property
    def is_repository(self) -> bool:
        """Whether the whole repository is missing."""
        return not self.source

    def __str__(self) -> str:
        if self.is_repository:
            return f"{self.distgit}: an empty repository, for {self.branch}"
        return f"{self.distgit}: {self.branch}, from {self.source}"


def missing(folder: DistgitFolder, served: Mapping[str, ServedDistgit]) -> list[SyncStep]:
    """Return what is missing. A repository without a commit cannot have a branch yet."""
    steps: list[SyncStep] = []
    for name, one in sorted(served.items()):
        first = next(iter(one.branches), "")
        if not first:
            continue
        place = folder.place(name)
        if not (place / "HEAD").is_file():
            steps.append(SyncStep(name, first))
        else:
            steps += _branches(BareRepository(place), one)
    return steps


def _branches(repository: BareRepository, one: ServedDistgit) -> Iterable[SyncStep]:
    """Yield the branches to add; each begins at the next newer release's branch, else at HEAD."""
    there = repository.branches()
    first = repository.first_branch
    source = next((name for name in one.branches if name in there), first)
    if source not in there:
        return
    for branch in one.branches:
        if branch in there:
            source = branch
        else:
            yield SyncStep(one.name, branch, source, there[source])


def carry_out(folder: DistgitFolder, step: SyncStep) -> None:
    """Create what is missing; raises CommandError if the branch was created in the meantime."""
    if step.is_repository:
        folder.create(step.distgit, step.branch)
    else:
        BareRepository(folder.place(step.distgit)).add_branch(step.branch, step.commit)
