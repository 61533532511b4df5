"""Building something again with the same root, sources and release date."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rdo.app import App
from rdo.builders.protocol import build_and_wait
from rdo.builders.rooms.room import Room
from rdo.builders.rooms.root import RootBuilder
from rdo.builders.rooms.workshop import Workshop
from rdo.checksum import sha256_of
from rdo.errors import NotFoundError, RefusedError
from rdo.model.build import BUILD_LOG, INSTALLED, Built, Failed, FailureReason, Outcome
from rdo.roots.build_root import remove_leftovers
from rdo.roots.content import ContentStore
from rdo.roots.platform.platforms import BaseLayer
from rdo.store.work.builds import Build
from rdo.store.work.recipe import NAME, Recipe

_OTHER_FOLDER = "choose another folder with --results"
_LEFT_WAITING = {FailureReason.MISSING_DEPENDENCY, FailureReason.CYCLE}
"""What a build fails with when nobody can give what it waits for."""


@dataclass(frozen=True, slots=True)
class File:
    """An RPM, and whether it is byte for byte what was built, before anybody signed it."""

    name: str
    is_same: bool


@dataclass(frozen=True, slots=True)
class Reproduced:
    """A build that was made again: its outcome now, and what differs from the first time.

    `root_changes` are NEVRAs that were in one of the two roots only: `-` then, `+` now.
    """

    build: Build
    outcome: Outcome
    folder: Path
    root_size: int
    root_changes: tuple[str, ...]
    files: tuple[File, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether root, verdict and RPMs are the same as the first time."""
        files_are = all(one.is_same for one in self.files)
        return not self.root_changes and self.has_same_verdict and files_are

    @property
    def log_file(self) -> Path:
        """The log of rpmbuild of this time."""
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


def reproduce(
    app: App, build: Build, results: Path, on_failure: Callable[[Room], None] | None = None
) -> Reproduced:
    """Make a build of the built-in builder again, into `results`, without storing anything.

    Raises NotFoundError if its inputs are gone, RefusedError if `results` is in use.
    """
    folder = app.settings.target_folder(build.target) / "builds" / str(build.id)
    recipe = Recipe.read(folder)
    _check_results(results)
    _check_sources(recipe)
    section = app.settings.target(build.target)
    remove_leftovers(app.settings.roots)
    workshop = Workshop(
        _base(app, recipe),
        ContentStore(app.platforms.content),
        app.settings.roots,
        lambda: recipe.dependencies,
        seconds=section.time_limit_minutes * 60,
        log_bytes=section.output_limit_mb * 1_000_000,
        disk_bytes=section.disk_limit_mb * 1_000_000,
        memory_bytes=section.memory_limit_mb * 1_000_000,
    )
    builder = RootBuilder(workshop, on_failure)
    outcome = build_and_wait(builder, replace(recipe.job, folder=results.absolute()))
    before, after = _installed(folder), _installed(results)
    changes = [f"-{name}" for name in sorted(before - after)]
    changes += [f"+{name}" for name in sorted(after - before)]
    files = _files(app, build, outcome) if isinstance(outcome, Built) else ()
    return Reproduced(build, outcome, results, len(after), tuple(changes), files)


def as_row(made: Reproduced) -> dict[str, object]:
    """Return a reproduction as a program reads it."""
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
    """Return a failure without what differs in each run: script names, times, addresses.

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
    gone = [str(place) for place in places if not place.exists()]
    if gone:
        raise NotFoundError(
            f"build {job.id} cannot be reproduced, because its inputs are gone: {', '.join(gone)}",
            hint="rdo trunk recheck builds its commit from current inputs",
        )


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
            hint="rdo trunk recheck builds its commit from current inputs",
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
