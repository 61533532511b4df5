"""Whether `consistent` may move to a repository: only if all of its packages can be installed.

A target asks for this with `consistent-installable`. Answers are kept as those of other checks
are, so that each repository is asked about once, and a status can tell them.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rdo.checks.findings import CheckAnswer, CheckName
from rdo.checks.installable import check_installable
from rdo.checks.results import from_result, to_result
from rdo.checks.tree_repositories import dependency_repositories, own_repositories
from rdo.errors import CommandError, NotFoundError
from rdo.publish.consistent import Blocker
from rdo.publish.names import CONSISTENT
from rdo.publish.references import pooled
from rdo.publish.tree import Tree
from rdo.solver import SolverRepository
from rdo.store import Store
from rdo.store.repositories import Repository

log = logging.getLogger(__name__)

_CONTEXT = "consistent:"
"""How the context of these answers begins, which compare with nothing."""


@dataclass(frozen=True, slots=True)
class InstallableGate:
    """Lets `consistent` of a tree move only to repositories that can be installed whole.

    `base` returns the platform's architecture, and the repositories that hosts have anyway.
    """

    tree: Tree
    store: Store
    base: Callable[[], tuple[str, Sequence[SolverRepository]]]

    def judge(self, repository: Repository) -> tuple[Blocker, ...]:
        """Return what keeps `consistent` from a repository; each is asked about once."""
        try:
            return self._judge(repository)
        except (CommandError, NotFoundError) as error:
            log.warning("%s cannot be checked: %s", repository.path, error)
            return (Blocker(repository.path, f"cannot be checked: {error}"),)

    def known(self, repository: Repository) -> tuple[Blocker, ...]:
        """Return the same from what is known; nothing is asked."""
        with self.store.read() as at:
            rows = at.check_results.of(repository.target, [repository.id])
        ours = [row for row in rows if row.context.startswith(_CONTEXT)]
        return _blockers(from_result(ours[-1])) if ours else ()

    def _judge(self, repository: Repository) -> tuple[Blocker, ...]:
        arch, base = self.base()
        repos, together = self.tree.repos, (repository, *self._others(repository))
        everything = (
            *own_repositories(repos, together, "own"),
            *dependency_repositories(repos, (repos / one.path for one in together)),
            *base,
        )
        names = "\0".join(str(one.folder) for one in everything)
        context = f"{_CONTEXT}{hashlib.sha256(names.encode()).hexdigest()[:16]}"
        with self.store.read() as at:
            rows = at.check_results.of(repository.target, [repository.id])
        kept = next((row for row in rows if row.context == context), None)
        if kept:
            return _blockers(from_result(kept))
        started = time.monotonic()
        found = check_installable(
            everything, ["own-0"], arch=arch, packages=self._packages(repository)
        )
        answer = CheckAnswer(CheckName.INSTALLABLE, found, time.monotonic() - started)
        result = to_result(answer, context, now=self.tree.now(), by="rdo trunk run")
        with self.store.write() as at:
            at.check_results.keep(repository.target, [repository.id], result)
        return _blockers(answer)

    def _others(self, repository: Repository) -> tuple[Repository, ...]:
        """Return where `consistent` leads in the other components, which hosts have as well."""
        leads = self.tree.leads(CONSISTENT)
        return tuple(one for one in leads if one.component != repository.component)

    def _packages(self, repository: Repository) -> dict[str, str]:
        """Return the package of each RPM of a repository, by the RPM's name."""
        hashes = pooled(self.tree.repos / repository.path)
        with self.store.read() as at:
            builds = at.artifacts.builds_with(repository.target, hashes)
            ids = {found[-1] for found in builds.values()}
            own = {repository.build_id} if repository.build_id is not None else set()
            stored = at.artifacts.of_builds(ids | own)  # its own RPMs lie beside its repodata
        return {one.artifact.nevra.name: one.package for one in stored}


def _blockers(answer: CheckAnswer) -> tuple[Blocker, ...]:
    return tuple(Blocker(one.package, one.what) for one in answer.findings)
