"""Whether `consistent` may move to a repository: only if all of its packages can be installed.

A target requests this with `consistent-installable`. Answers are stored like those of other checks,
so each repository is checked once and the status can show the answer.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rdo.checks.findings import CheckAnswer, CheckName, Defect
from rdo.checks.installable import finding
from rdo.checks.results import from_result, to_result
from rdo.checks.tree_repositories import dependency_repositories, own_repositories
from rdo.errors import CommandError, NotFoundError
from rdo.publish.consistent import Blocker
from rdo.publish.names import CONSISTENT
from rdo.publish.tree import Tree
from rdo.solver import SolverRepository, uninstallable
from rdo.store import Store
from rdo.store.given.repositories import Repository

log = logging.getLogger(__name__)

_CONTEXT = "consistent:"
"""The prefix of the context of these answers; they compare with no other repository."""


@dataclass(frozen=True, slots=True)
class InstallableGate:
    """Lets a tree's `consistent` move only to repositories whose packages are all installable.

    `base` returns the platform's architecture, and the repositories that hosts have in any case.
    """

    tree: Tree
    store: Store
    base: Callable[[], tuple[str, Sequence[SolverRepository]]]

    def judge(self, *repositories: Repository) -> tuple[Blocker, ...]:
        """Return what keeps `consistent` from moving to repositories, one per component that moves.

        All their packages must be installable together with the other components, and packages of
        those that were installable before must remain so. Each set is checked once.
        """
        try:
            return self._judge(repositories)
        except (CommandError, NotFoundError) as error:
            shown = ", ".join(one.path for one in repositories)
            log.warning("%s cannot be checked: %s", shown, error)
            return (Blocker(shown, f"cannot be checked: {error}"),)

    def known(self, repository: Repository) -> tuple[Blocker, ...]:
        """Return the same from stored answers, without running a check."""
        with self.store.read() as at:
            rows = at.check_results.of(repository.target, [repository.id])
        ours = [row for row in rows if row.context.startswith(_CONTEXT)]
        return _blockers(from_result(ours[-1])) if ours else ()

    def _judge(self, repositories: Sequence[Repository]) -> tuple[Blocker, ...]:
        target, ids = repositories[0].target, [one.id for one in repositories]
        leads = self.tree.leads(CONSISTENT)
        moving = {one.component for one in repositories}
        together = (*repositories, *(one for one in leads if one.component not in moving))
        question = _Question(
            self._repositories(together, "own"),
            tuple(f"own-{number}" for number in range(len(together))),
            len(repositories),
            self._repositories(leads, "before"),
        )
        with self.store.read() as at:
            rows = at.check_results.of(target, ids)
        kept = next((row for row in rows if row.context == question.context), None)
        if kept:
            return _blockers(from_result(kept))
        started = time.monotonic()
        found = question.ask(self.base()[0], self._packages(together))
        answer = CheckAnswer(CheckName.INSTALLABLE, found, time.monotonic() - started)
        result = to_result(answer, question.context, now=self.tree.now(), by="rdo trunk run")
        with self.store.write() as at:
            at.check_results.keep(target, ids, result)
        return _blockers(answer)

    def _repositories(
        self, together: Sequence[Repository], name: str
    ) -> tuple[SolverRepository, ...]:
        """Return all repositories that hosts have if `consistent` points to these."""
        repos = self.tree.repos
        return (
            *own_repositories(repos, together, name),
            *dependency_repositories(repos, (repos / one.path for one in together)),
            *self.base()[1],
        )

    def _packages(self, together: Sequence[Repository]) -> dict[str, str]:
        """Return the package of each RPM in some repositories, by the RPM's name."""
        tree = self.tree
        hashes = {
            sha for one in together for sha in tree.journal.references.of(tree.repos / one.path)[0]
        }
        own = {one.build_id for one in together if one.build_id is not None}
        with self.store.read() as at:
            builds = at.artifacts.builds_with(together[0].target, hashes)
            ids = {found[-1] for found in builds.values()}
            stored = at.artifacts.of_builds(ids | own)
        return {one.artifact.nevra.name: one.package for one in stored}


@dataclass(frozen=True, slots=True)
class _Question:
    """Whether hosts can install all of the first `moving` repositories without losing others.

    `now` are the repositories they would have, `before` those they have.
    """

    now: tuple[SolverRepository, ...]
    names: tuple[str, ...]
    moving: int
    before: tuple[SolverRepository, ...]

    @property
    def context(self) -> str:
        """A text for everything the answer depends on, so that an earlier one can be used again."""
        folders = [str(one.folder) for one in (*self.now, *self.before)]
        text = "\0".join([*folders[: len(self.now)], "", *folders[len(self.now) :]])
        return f"{_CONTEXT}{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def ask(self, arch: str, packages: Mapping[str, str]) -> tuple[Defect, ...]:
        """Return the packages that cannot be installed, each with the package to be fixed."""
        found = uninstallable(self.now, self.names, arch=arch, before=self.before)
        others = self.names[self.moving :]
        if found and others and self.before:
            own = uninstallable(self.now, self.names[: self.moving], arch=arch, before=self.before)
            names = [one.name for one in self.before if one.name.startswith("before-")]
            known = {one.nevra for one in uninstallable(self.before, names, arch=arch)}
            found = tuple(one for one in found if one in own or one.nevra not in known)
        return tuple(finding(one, packages) for one in found)


def _blockers(answer: CheckAnswer) -> tuple[Blocker, ...]:
    return tuple(Blocker(one.package, one.what) for one in answer.findings)
