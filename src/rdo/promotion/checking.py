"""The checks of one composition: what is asked, of what, and who looks after what was found."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rdo.app.targets import OpenTarget
from rdo.checks.findings import CheckAnswer, CheckName, Defect
from rdo.checks.installable import check_installable
from rdo.checks.rpm_sets import check_backwards, check_duplicates
from rdo.errors import RefusedError
from rdo.model.repo_file import DEPENDENCIES, OWN
from rdo.promotion.compositions import Composition
from rdo.promotion.listing import rpms
from rdo.publish.references import snapshots
from rdo.solver import SolverRepository

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What hosts have besides a target's own packages: architecture and base repositories."""

    arch: str
    base: tuple[SolverRepository, ...] = ()


def check(
    opened: OpenTarget,
    composition: Composition,
    around: Surroundings,
    *,
    against: Composition | None = None,
) -> tuple[CheckAnswer, ...]:
    """Ask every question about a composition that is in the tree.

    `against` is what hosts have now; without it the questions that compare are skipped. Raises
    RefusedError for a composition that is in no repository.
    """
    if not composition.repositories:
        raise RefusedError(f"{composition.label} is in no repository", hint="rdo repo compose")
    own = _folders(opened, composition, "own", OWN)
    everything = (*own, *_dependencies(opened, composition), *around.base)
    before = _folders(opened, against, "before", OWN) if against else ()
    after, older = rpms(composition), rpms(against) if against else ()
    owners = {
        one.artifact.nevra.name: one.package
        for one in (*older, *after)
        if not one.artifact.is_source
    }
    solved, seconds = _timed(
        lambda: check_installable(
            everything,
            [one.name for one in own],
            arch=around.arch,
            packages=owners,
            before=before,
        )
    )
    by_check = {
        wanted: tuple(one for one in solved if one.check is wanted)
        for wanted in (CheckName.INSTALLABLE, CheckName.VANISHED)
    }
    answers = [CheckAnswer(CheckName.INSTALLABLE, by_check[CheckName.INSTALLABLE], seconds)]
    same = "there is nothing to compare with"
    if against is None:
        answers += [
            CheckAnswer(one, skipped=same) for one in (CheckName.VANISHED, CheckName.BACKWARDS)
        ]
    else:
        backwards, took = _timed(lambda: check_backwards(older, after))
        answers += [CheckAnswer(CheckName.VANISHED, by_check[CheckName.VANISHED])]
        answers += [CheckAnswer(CheckName.BACKWARDS, backwards, took)]
    doubled, took = _timed(lambda: check_duplicates(after))
    answers.append(CheckAnswer(CheckName.DUPLICATES, doubled, took))
    return tuple(replace(one, findings=_with_maintainers(opened, one.findings)) for one in answers)


def _timed(
    ask: Callable[[], tuple[Defect, ...]],
) -> tuple[tuple[Defect, ...], float]:
    started = time.monotonic()
    found = ask()
    return found, time.monotonic() - started


def _folders(
    opened: OpenTarget, composition: Composition, name: str, priority: int
) -> tuple[SolverRepository, ...]:
    """Return the repositories of a composition as the solver takes them."""
    return tuple(
        SolverRepository(f"{name}-{number}", opened.tree.repos / one.path, priority)
        for number, one in enumerate(composition.repositories)
    )


def _dependencies(opened: OpenTarget, composition: Composition) -> list[SolverRepository]:
    """Return the snapshots of dependencies that the composition's .repo files name."""
    folders = (opened.tree.repos / one.path for one in composition.repositories)
    named = sorted({name for folder in folders for name in snapshots(folder)})
    return [
        SolverRepository(f"deps-{name}", opened.tree.repos / "deps" / name, DEPENDENCIES)
        for name in named
    ]


def _with_maintainers(opened: OpenTarget, findings: Sequence[Defect]) -> tuple[Defect, ...]:
    """Add who looks after each finding, and what could be done about it."""
    return tuple(
        replace(
            one,
            maintainers=package.maintainers,
            remedy=f"rdo why {one.package} --target {opened.name}",
        )
        if (package := opened.packages.get(one.package))
        else one
        for one in findings
    )
