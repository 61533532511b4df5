"""The checks of one composition: questions, their subject, and the maintainers for findings."""

import hashlib
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from rdo.app.targets import OpenTarget
from rdo.checks import rpm_files
from rdo.checks.findings import CHEAP, CheckAnswer, CheckName, Defect
from rdo.checks.installable import check_installable
from rdo.checks.rpm_files import Folders, PlacedRpm
from rdo.checks.rpm_sets import check_backwards, check_duplicates
from rdo.checks.together import PlacedPackage, can_be_together
from rdo.checks.tree_repositories import dependency_repositories, own_repositories
from rdo.errors import RefusedError
from rdo.promotion.compositions import Composition
from rdo.promotion.listing import rpms
from rdo.publish import pool
from rdo.roots.platform.installed_files import installed_files
from rdo.solver import SolverRepository
from rdo.store.work.artifacts import StoredArtifact

if TYPE_CHECKING:
    from rdo.app import App
    from rdo.roots.platform.platforms import BaseLayer

log = logging.getLogger(__name__)

VERSION = 2
"""Increase this when a change here makes checks find more or less: stored results then expire."""

NOTHING_BEFORE = "there is nothing to compare with"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What hosts have besides a target's own packages: architecture and base repositories.

    `layer` is what every host has installed, None if only repodata is known; roots are made in the
    folder `roots`. `keys` are the ids of the keys that sign a target's RPMs, `import_exceptions`
    the modules that are not imported.
    """

    arch: str
    base: tuple[SolverRepository, ...] = ()
    layer: "BaseLayer | None" = None
    keys: tuple[str, ...] = ()
    roots: Path | None = None
    import_exceptions: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A hash of the base system and the keys; answers for other ones are not reused."""
        layer = self.layer.digest if self.layer else ""
        folders = [str(one.folder) for one in self.base]
        return hashlib.sha256(
            "\0".join([self.arch, layer, *folders, *self.keys]).encode()
        ).hexdigest()


def surroundings(app: "App", opened: OpenTarget) -> Surroundings:
    """Return what hosts of a target have from elsewhere; creates the platform if needed."""
    arch, base = app.workplaces.base_repositories(opened.platform)
    layer, signer = app.platforms.base(opened.platform), opened.tree.signer
    keys = (name for key in signer.known_keys() for name in key.ids) if signer else ()
    exceptions = tuple(app.settings.target(opened.name).import_exceptions)
    return Surroundings(
        arch, base, layer, tuple(sorted(keys)), app.settings.roots, import_exceptions=exceptions
    )


@dataclass(frozen=True)
class Subject:
    """A composition in the tree, with all data that its checks need.

    `against` is what hosts have now; without it, checks that compare are skipped.
    """

    opened: OpenTarget
    composition: Composition
    around: Surroundings
    against: Composition | None = None

    @cached_property
    def own(self) -> tuple[SolverRepository, ...]:
        """The composition's own repositories, in the form that the solver takes."""
        return own_repositories(self.opened.tree.repos, self.composition.repositories, "own")

    @cached_property
    def dependencies(self) -> tuple[SolverRepository, ...]:
        """The dependency repositories named in the composition's .repo files."""
        return dependencies_of(self.opened, self.composition)

    @property
    def everything(self) -> tuple[SolverRepository, ...]:
        """All repositories that a host has."""
        return (*self.own, *self.dependencies, *self.around.base)

    @cached_property
    def before(self) -> tuple[SolverRepository, ...]:
        """The repositories that hosts have now."""
        before = self.against.repositories if self.against else ()
        return own_repositories(self.opened.tree.repos, before, "before")

    @cached_property
    def rpms(self) -> tuple[StoredArtifact, ...]:
        """The RPMs of the composition."""
        return rpms(self.composition)

    @cached_property
    def older(self) -> tuple[StoredArtifact, ...]:
        """The RPMs that hosts have now."""
        return rpms(self.against) if self.against else ()

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """The package of each binary RPM, by the RPM's name."""
        binary = (one for one in (*self.older, *self.rpms) if not one.artifact.is_source)
        return {one.artifact.nevra.name: one.package for one in binary}

    @cached_property
    def placed(self) -> tuple[PlacedRpm, ...]:
        """The RPMs with their files in the pool."""
        folder = self.opened.tree.repos / pool.NAME
        return tuple(
            PlacedRpm(one.package, one.artifact, pool.place(folder, one.artifact))
            for one in self.rpms
        )

    @cached_property
    def headers(self) -> list[rpm_files.Header]:
        """The headers of these files."""
        return rpm_files.read_headers(self.placed)


def check(
    opened: OpenTarget,
    composition: Composition,
    around: Surroundings,
    *,
    against: Composition | None = None,
    names: Collection[str] = CHEAP,
) -> tuple[CheckAnswer, ...]:
    """Run checks of a composition that is in the tree; by default the cheap ones.

    `against` is what hosts have now; without it, checks that compare are skipped. Raises
    RefusedError for a composition that is in no repository.
    """
    subject = Subject(opened, composition, around, against)
    require_repository(composition)
    answers = [one for step in steps(names) for one in ask(subject, step)]
    return tuple(one for one in answers if one.check in names)


def require_repository(composition: Composition) -> None:
    """Raise RefusedError for a composition that is in no repository."""
    if not composition.repositories:
        raise RefusedError(f"{composition.label} is in no repository", hint="rdo repo compose")


Step: TypeAlias = tuple[CheckName, ...]
"""Checks that are answered together."""


def steps(names: Collection[str]) -> tuple[Step, ...]:
    """Return the steps that answer the checks with these names, in order."""
    return tuple(step for step in _STEPS if any(one in names for one in step))


def ask(subject: Subject, step: Step) -> tuple[CheckAnswer, ...]:
    """Run one step and return its answers, with the maintainers for each finding."""
    started = time.monotonic()
    answers = _STEPS[step](subject)
    first, *others = answers
    first = replace(first, seconds=time.monotonic() - started)
    return tuple(with_maintainers(subject, one) for one in (first, *others))


def with_maintainers(subject: Subject, answer: CheckAnswer) -> CheckAnswer:
    """Return an answer with the maintainers for each finding, and a possible remedy."""
    return replace(answer, findings=_with_maintainers(subject.opened, answer.findings))


def context(subject: Subject, check: str) -> str:
    """Return a text for what the answer of a check depends on besides the repositories."""
    parts = [str(VERSION), check]
    if check not in _ALONE:
        parts += [subject.around.digest, *(one.name for one in subject.dependencies)]
    if check in _COMPARING:
        parts += [f"{one.id}" for one in (subject.against.repositories if subject.against else ())]
    if check == CheckName.SIGNED:
        parts += subject.around.keys
    if check == CheckName.INSTALL:
        parts += subject.around.import_exceptions
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


_ALONE = frozenset({CheckName.DUPLICATES, CheckName.INTACT, CheckName.SIGNED})
_COMPARING = frozenset(
    {CheckName.INSTALLABLE, CheckName.VANISHED, CheckName.BACKWARDS, CheckName.UPGRADE}
)


def _installable(subject: Subject) -> tuple[CheckAnswer, ...]:
    found = check_installable(
        subject.everything,
        [one.name for one in subject.own],
        arch=subject.around.arch,
        packages=subject.owners,
        before=subject.before,
    )
    installable, vanished = (
        tuple(one for one in found if one.check == wanted)
        for wanted in (CheckName.INSTALLABLE, CheckName.VANISHED)
    )
    skipped = "" if subject.against else NOTHING_BEFORE
    return (
        CheckAnswer(CheckName.INSTALLABLE, installable),
        CheckAnswer(CheckName.VANISHED, vanished, skipped=skipped),
    )


def _backwards(subject: Subject) -> tuple[CheckAnswer, ...]:
    if subject.against is None:
        return (CheckAnswer(CheckName.BACKWARDS, skipped=NOTHING_BEFORE),)
    found = check_backwards(subject.older, subject.rpms)
    return (CheckAnswer(CheckName.BACKWARDS, found),)


def _duplicates(subject: Subject) -> tuple[CheckAnswer, ...]:
    return (CheckAnswer(CheckName.DUPLICATES, check_duplicates(subject.rpms)),)


def _intact(subject: Subject) -> tuple[CheckAnswer, ...]:
    found = rpm_files.check_intact(subject.placed, subject.headers)
    return (CheckAnswer(CheckName.INTACT, found),)


def _signed(subject: Subject) -> tuple[CheckAnswer, ...]:
    if not subject.around.keys:
        why = "the target has no key to sign with"
        return (CheckAnswer(CheckName.SIGNED, skipped=why),)
    found = rpm_files.check_signed(subject.placed, subject.headers, subject.around.keys)
    return (CheckAnswer(CheckName.SIGNED, found),)


def _files(subject: Subject) -> tuple[CheckAnswer, ...]:
    layer = subject.around.layer
    folders = Folders(
        [one.folder for one in subject.own],
        [one.folder for one in subject.dependencies],
        *((layer.metadata, partial(installed_files, layer)) if layer else ()),
    )
    common = rpm_files.common_paths(folders)
    names = [one.name for one in (*subject.own, *subject.dependencies, *subject.around.base[:1])]
    pairs = [
        (
            PlacedPackage(names[one.one.repository], one.one.nevra),
            PlacedPackage(names[one.other.repository], one.other.nevra),
        )
        for one in common
    ]
    together = can_be_together(pairs, subject.everything, arch=subject.around.arch)
    kept = [one for one, is_possible in zip(common, together, strict=True) if is_possible]
    return (CheckAnswer(CheckName.FILES, rpm_files.check_files(kept, subject.owners)),)


_STEPS: Mapping[Step, Callable[[Subject], tuple[CheckAnswer, ...]]] = MappingProxyType(
    {
        (CheckName.INSTALLABLE, CheckName.VANISHED): _installable,
        (CheckName.BACKWARDS,): _backwards,
        (CheckName.DUPLICATES,): _duplicates,
        (CheckName.INTACT,): _intact,
        (CheckName.SIGNED,): _signed,
        (CheckName.FILES,): _files,
    }
)


def dependencies_of(opened: OpenTarget, composition: Composition) -> tuple[SolverRepository, ...]:
    """Return the dependency repositories named in the composition's .repo files."""
    repos = opened.tree.repos
    return dependency_repositories(repos, (repos / one.path for one in composition.repositories))


def _with_maintainers(opened: OpenTarget, findings: Sequence[Defect]) -> tuple[Defect, ...]:
    """Add the maintainers for each finding, and a possible remedy."""
    return tuple(
        replace(
            one,
            maintainers=package.maintainers,
            remedy=one.remedy or f"rdo why {one.package} --target {opened.name}",
        )
        if (package := opened.packages.get(one.package))
        else one
        for one in findings
    )
