"""Find the largest set of newer builds that passes the checks, and show that it is the largest."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rdo.app.targets import OpenTarget
from rdo.checks.findings import CheckAnswer, CheckName, Defect
from rdo.checks.tree_repositories import dependency_repositories, own_repositories
from rdo.checks.two_builds import Shown, TwoSets
from rdo.promotion.checking import Subject, Surroundings, ask, require_repository, steps
from rdo.promotion.compositions import Composition, find
from rdo.publish.good import GoodBuild
from rdo.solver import FewestHeld, SolverRepository

SECONDS = 60.0

SIMULATED = (
    CheckName.INSTALLABLE,
    CheckName.VANISHED,
    CheckName.BACKWARDS,
    CheckName.DUPLICATES,
)
"""The checks that can run on a set before it is composed."""


@dataclass(frozen=True, slots=True)
class PromotionStart:
    """The start of a promotion: a name, where it points, and the candidate to replace that."""

    name: str
    promoted: Composition
    candidate: Composition

    @property
    def sets(self) -> TwoSets:
        """The builds of both."""
        return TwoSets(self.candidate.builds, self.promoted.builds)

    @property
    def before(self) -> Composition | None:
        """What hosts have now; None for a new name."""
        return self.promoted if self.promoted.repositories else None


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A package that is held back.

    `stays_at` is the NVR of its build in the set, empty if it is left out; `instead_of` is that of
    the candidate, empty if the candidate lacks it. `breaks` is what the checks find if only this
    package is updated after all.
    """

    package: str
    stays_at: str
    instead_of: str
    maintainers: tuple[str, ...] = ()
    breaks: tuple[Defect, ...] = ()


@dataclass(frozen=True, slots=True)
class Simulation:
    """The largest set of newer builds that passes: the candidate without what is held back.

    `passes` says whether all checks in `answers` passed for the set. If no set was found, they are
    those of the set with every package held back that may be. `is_minimal`: no smaller choice of
    held-back packages is enough.
    """

    name: str
    candidate: str
    passes: bool
    taken: tuple[str, ...]
    held: tuple[LeftBehind, ...]
    is_minimal: bool
    at_least: int
    answers: tuple[CheckAnswer, ...]
    seconds: float

    @property
    def defects(self) -> tuple[Defect, ...]:
        """The findings of the checks in the set."""
        return tuple(one for answer in self.answers for one in answer.findings)


@dataclass(frozen=True)
class ShownSubject(Subject):
    """A set of builds that is in no repository: the solver sees it in those of two others."""

    shown: tuple[SolverRepository, ...] = ()

    @cached_property
    def own(self) -> tuple[SolverRepository, ...]:
        """The visible parts of both repositories."""
        return self.shown

    @cached_property
    def dependencies(self) -> tuple[SolverRepository, ...]:
        """The dependency repositories that a repository composed now would name."""
        repos = self.opened.tree.repos
        return dependency_repositories(repos, [repos])


def promotion_start(opened: OpenTarget, name: str, candidate: Composition) -> PromotionStart:
    """Return the start of a promotion of a candidate; a new name points to nothing yet.

    Raises RefusedError for a candidate that is in no repository.
    """
    require_repository(candidate)
    promoted = find(opened, name) if opened.tree.leads(name) else Composition(name, {})
    return PromotionStart(name, promoted, candidate)


def disliked(start: PromotionStart, answers: Iterable[CheckAnswer]) -> tuple[str, ...]:
    """Return the packages that must be held back because of checks that the search does not run.

    Of two packages with the same path, it is the one that the finding names.
    """
    changed = set(start.sets.changed)
    return tuple(
        sorted(
            {
                one.package
                for answer in answers
                if answer.check not in SIMULATED
                for one in answer.findings
                if one.package in changed
            }
        )
    )


def simulate(
    opened: OpenTarget,
    start: PromotionStart,
    around: Surroundings,
    *,
    may_be_held: Iterable[str] | None = None,
    also: Sequence[str] = (),
    seconds: float = SECONDS,
) -> Simulation:
    """Search for the largest set of newer builds that passes the checks; change nothing.

    Every package whose build differs may be held back, or only those in `may_be_held`. The packages
    in `also` are held back in any case, because of findings of checks other than `SIMULATED`.
    """
    repos = opened.tree.repos
    newer = own_repositories(repos, start.candidate.repositories, "newer")
    older = own_repositories(repos, start.promoted.repositories, "older")
    with Shown(start.sets, newer, older) as shown:
        search = _Search(opened, start, around, shown, time.monotonic() + seconds)
        changed = start.sets.changed
        allowed = changed if may_be_held is None else sorted(set(may_be_held) & set(changed))
        return search.run(allowed, also, seconds)


@dataclass(slots=True)
class _Search:
    opened: OpenTarget
    start: PromotionStart
    around: Surroundings
    shown: Shown
    deadline: float

    def run(self, allowed: Sequence[str], also: Sequence[str], seconds: float) -> Simulation:
        """Search for the largest set that passes, within `seconds`, and check it.

        `allowed` may be held back, `also` are held back in any case.
        """
        found = self._choose(allowed, also)
        held = sorted(found.held if found.held is not None else allowed)
        answers = self.check(held)
        passes = found.held is not None and not _defects(answers)
        shown = [self._left_behind(one, held if passes else None) for one in held]
        return Simulation(
            name=self.start.name,
            candidate=self.start.candidate.label,
            passes=passes,
            taken=tuple(one for one in self.start.sets.changed if one not in held),
            held=tuple(shown),
            is_minimal=found.is_proven and not also,
            at_least=found.at_least,
            answers=answers,
            seconds=seconds - max(self.deadline - time.monotonic(), 0.0),
        )

    def _choose(self, allowed: Sequence[str], also: Sequence[str]) -> FewestHeld:
        if not also and not _defects(self.check(())):
            return FewestHeld(frozenset(), 0, is_proven=True)
        subject = self._subject(())
        return self.shown.fewest_held(
            (*subject.dependencies, *self.around.base),
            arch=self.around.arch,
            may_be_held=allowed,
            never=[{one: False} for one in also],
            seconds=max(self.deadline - time.monotonic(), 1.0),
        )

    def _left_behind(self, package: str, held: Sequence[str] | None) -> LeftBehind:
        """Return a package that is held back, with what it breaks: the proof that it must be."""
        breaks: tuple[Defect, ...] = ()
        if held is not None and time.monotonic() < self.deadline:
            breaks = _defects(self.check([one for one in held if one != package]))
        known = self.opened.packages.get(package)
        return LeftBehind(
            package,
            _nvr(self.start.promoted.builds.get(package)),
            _nvr(self.start.candidate.builds.get(package)),
            known.maintainers if known else (),
            breaks,
        )

    def check(self, held: Iterable[str]) -> tuple[CheckAnswer, ...]:
        """Ask what can be asked of the candidate without the packages that are held back."""
        subject = self._subject(tuple(held))
        return tuple(answer for step in steps(SIMULATED) for answer in ask(subject, step))

    def _subject(self, held: Sequence[str]) -> ShownSubject:
        chosen = replace(self.start.candidate, builds=self.start.sets.chosen(held))
        return ShownSubject(
            self.opened, chosen, self.around, self.start.before, self.shown.of(held)
        )


def _defects(answers: Iterable[CheckAnswer]) -> tuple[Defect, ...]:
    return tuple(one for answer in answers for one in answer.findings)


def _nvr(build: GoodBuild | None) -> str:
    return build.nvr if build else ""
