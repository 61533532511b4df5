"""Repeat a build with the same root, sources and release date."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from rdo.app import App
from rdo.builders.protocol import build_and_wait
from rdo.builders.rooms.room import Room
from rdo.builders.rooms.root import RootBuilder
from rdo.builders.rooms.workshop import Workshop
from rdo.builders.sources.source import ARCHIVE
from rdo.checksum import sha256_of
from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.model.build import (
    BUILD_LOG,
    INSTALLED,
    BuildJob,
    Built,
    Failed,
    FailureReason,
    Outcome,
    shown_build,
)
from rdo.model.packed_archive import KeptArchive
from rdo.roots.build_root import remove_leftovers
from rdo.roots.content import ContentStore
from rdo.roots.platform.platforms import BaseLayer
from rdo.store.work.builds import Build
from rdo.store.work.recipe import NAME, Recipe

OnFailure: TypeAlias = Callable[[Room], None] | None

_NEW_INPUTS = "rdo trunk recheck builds its commit from current inputs"
_OTHER_FOLDER = "choose another folder with --results"
_LEFT_WAITING = {FailureReason.MISSING_DEPENDENCY, FailureReason.CYCLE}
"""How a build fails if nothing can provide what it waits for."""


@dataclass(frozen=True, slots=True)
class File:
    """An RPM, and whether it is byte for byte what was built, before it was signed."""

    name: str
    is_same: bool


@dataclass(frozen=True, slots=True)
class Reproduced:
    """A repeated build: its outcome now, and the differences from the first time.

    `root_changes` are NEVRAs that were in only one of the two roots: `-` the first time, `+` now.
    `root_size` counts the packages above the base layer, or all packages of a chroot `in_mock`.
    """

    build: Build
    outcome: Outcome
    folder: Path
    root_size: int
    root_changes: tuple[str, ...]
    files: tuple[File, ...] = ()
    in_mock: bool = False

    @property
    def is_same(self) -> bool:
        """Whether root, verdict and RPMs are the same as the first time."""
        files_are = all(one.is_same for one in self.files)
        return not self.root_changes and self.has_same_verdict and files_are

    @property
    def log_file(self) -> Path:
        """The rpmbuild log of the repeated build."""
        return self.folder / BUILD_LOG

    @property
    def has_same_verdict(self) -> bool:
        """Whether the build ended as it did the first time."""
        then, now = self.build.outcome, self.outcome
        match now:
            case Built():
                return isinstance(then, Built)
            case Failed():
                return isinstance(then, Failed) and _verdict(then) == _verdict(now)
        waited = isinstance(then, Failed) and then.reason in _LEFT_WAITING
        return waited and set(self.build.asked) == set(now.needs)


def reproduce(app: App, build: Build, results: Path, on_failure: OnFailure = None) -> Reproduced:
    """Repeat a build in a root or in mock, with results in `results`, without storing anything.

    Raises NotFoundError if its inputs are gone, RefusedError if `results` is in use or mock cannot
    repeat it.
    """
    folder = _folder(app, build)
    if isinstance(build.outcome, Built) and build.outcome.taken_from:
        maker = build.outcome.taken_from
        raise RefusedError(
            f"build {build.id} took the noarch RPMs of {shown_build(maker)}",
            hint=f"rdo reproduce {maker.rpartition('/')[2]}",
        )
    recipe = Recipe.read(folder)
    _check_results(results)
    job = replace(recipe.job, folder=results.absolute(), shared=None)
    if recipe.is_of_mock:
        outcome = _in_mock(app, build, job, has_shell=on_failure is not None)
    else:
        outcome = _in_root(app, build, recipe, job, on_failure)
    before, after = _installed(folder), _installed(results)
    changes = [f"-{name}" for name in sorted(before - after)]
    changes += [f"+{name}" for name in sorted(after - before)]
    files = _files(app, build, outcome) if isinstance(outcome, Built) else ()
    return Reproduced(
        build, outcome, results, len(after), tuple(changes), files, in_mock=recipe.is_of_mock
    )


def _folder(app: App, build: Build) -> Path:
    return app.settings.target_folder(build.target) / "builds" / str(build.id)


def _in_root(
    app: App, build: Build, recipe: Recipe, job: BuildJob, on_failure: OnFailure
) -> Outcome:
    """Repeat a job in a root made according to the build's recipe."""
    _check_sources(recipe)
    section = app.settings.target(build.target)
    remove_leftovers(app.settings.roots)
    workshop = Workshop(
        _base(app, recipe),
        ContentStore(app.platforms.content),
        app.settings.roots,
        lambda: recipe.dependencies,
        lambda: recipe.neighbours,
        seconds=section.time_limit_minutes * 60,
        log_bytes=section.output_limit_mb * 1_000_000,
        disk_bytes=section.disk_limit_mb * 1_000_000,
        memory_bytes=section.memory_limit_mb * 1_000_000,
    )
    job = replace(job, given=_given_archive(recipe, _folder(app, build)))
    return build_and_wait(RootBuilder(workshop, on_failure), job)


def _in_mock(app: App, build: Build, job: BuildJob, *, has_shell: bool) -> Outcome:
    """Repeat a job in mock, in a chroot with the packages that the build's lock names."""
    if has_shell:
        raise RefusedError(f"build {build.id} ran in mock, and --shell opens a root of rdo only")
    again = app.workplaces.again_in_mock(build.target, build.package, _folder(app, build))
    outcome = build_and_wait(again, job)
    if isinstance(outcome, Failed) and outcome.reason.is_spurious and outcome != build.outcome:
        raise OutsideError(
            f"build {build.id} could not be made again: {outcome.detail}",
            hint=f"see the logs in {job.folder}",
        )
    return outcome


def as_row(made: Reproduced) -> dict[str, object]:
    """Return a reproduction as JSON data."""
    return {
        "build": made.build.id,
        "commit": str(made.build.commit),
        "outcome": made.outcome,
        "same": made.is_same,
        "same_verdict": made.has_same_verdict,
        "root": made.root_size,
        "root_changes": made.root_changes,
        "files": made.files,
        "log": made.log_file,
    }


def failed_script(log_tail: str) -> tuple[str, str] | None:
    """Return the path in the root and the section of the script that failed, if the log names it.

    >>> failed_script("error: Bad exit status from /var/tmp/rpm-tmp.x (%check)")
    ('/var/tmp/rpm-tmp.x', '%check')
    """
    found = re.findall(r"Bad exit status from (\S+) \((%\w+)\)", log_tail)
    return found[-1] if found else None


def _verdict(failed: Failed) -> tuple[FailureReason, str]:
    """Return a failure without parts that differ in each run: script names, times, addresses.

    >>> _verdict(Failed(FailureReason.TEST, "%check: 1 failed in 0.03s"))[1]
    '%check: 1 failed in N s'
    """
    text = re.sub(r"rpm-tmp\.\w+", "rpm-tmp", failed.detail)
    text = re.sub(r"\b\d+(\.\d+)? ?(s|sec|seconds|ms|min)\b", "N s", text)
    return failed.reason, re.sub(r"\b0x[0-9a-f]+\b", "0xN", text)


def _check_results(results: Path) -> None:
    """Refuse a folder that is neither new nor an earlier result, because it is emptied first."""
    if results.is_symlink() or (results.exists() and not results.is_dir()):
        raise RefusedError(f"{results} is not a folder", hint=_OTHER_FOLDER)
    if results.exists() and any(results.iterdir()) and not (results / NAME).exists():
        raise RefusedError(f"{results} contains other files", hint=_OTHER_FOLDER)


def _check_sources(recipe: Recipe) -> None:
    job = recipe.job
    places = [job.upstream, job.distgit, *job.repositories, *job.last_resort]
    places += [recipe.dependencies] if recipe.dependencies else []
    places += [place for place, _ in recipe.neighbours]
    gone = [str(place) for place in places if not place.exists()]
    if gone:
        raise NotFoundError(
            f"build {job.id} cannot be reproduced, because its inputs are gone: {', '.join(gone)}",
            hint=_NEW_INPUTS,
        )


def _given_archive(recipe: Recipe, folder: Path) -> KeptArchive | None:
    """Return the archive that the build took from another one; None if it made its own."""
    if recipe.archive is None or not recipe.took_archive:
        return None
    kept = KeptArchive(folder / ARCHIVE, recipe.archive)
    if not kept.path.is_file() or sha256_of(kept.path) != recipe.archive.sha256:
        raise NotFoundError(
            f"build {recipe.job.id} cannot be reproduced, because its source archive, which "
            f"{recipe.archive.maker} has made, is gone: {kept.path}",
            hint=_NEW_INPUTS,
        )
    return kept


def _base(app: App, recipe: Recipe) -> BaseLayer:
    """Return the base layer that the build used; old ones are kept until somebody removes them."""
    base = app.platforms.base(recipe.platform)
    if base.digest == recipe.base:
        return base
    layer, _, macros = recipe.base.partition("+")
    kept = app.platforms.folder / recipe.platform
    if not (kept / layer).is_dir() or not (kept / macros).is_dir():
        raise NotFoundError(
            f"platform {recipe.platform} has changed since build {recipe.job.id}, and the "
            f"layers it used are gone: {layer}, {macros}",
            hint=_NEW_INPUTS,
        )
    made = kept / layer
    return replace(base, tree=made / "tree", metadata=made / "rpms", macros=kept / macros)


def _installed(folder: Path) -> frozenset[str]:
    file = folder / INSTALLED
    return frozenset(file.read_text().splitlines()) if file.is_file() else frozenset()


def _files(app: App, build: Build, outcome: Built) -> tuple[File, ...]:
    with app.store.read() as at:
        published = {one.file_name: one.built_sha256 for one in at.artifacts.of_build(build.id)}
    found = {path.name: sha256_of(path) for path in outcome.rpms}
    names = sorted(found.keys() | published.keys())
    return tuple(
        File(name, name in found and found.get(name) == published.get(name)) for name in names
    )
