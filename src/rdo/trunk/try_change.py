"""`rdo trunk try` from start to end: choose, build, and write a folder to install from."""

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo import atomic, log_context
from rdo.app import App
from rdo.app.workplaces import provided_by
from rdo.bridge.dependencies import Dependencies
from rdo.errors import RefusedError
from rdo.logs.reader import one_line
from rdo.model.build import Built, Failed, Outcome, Waiting
from rdo.model.nevra import Nevra
from rdo.model.repo_file import DEPENDENCIES, RepoSection, repo_file
from rdo.repodata import Composer, read_rpms
from rdo.trunk.admitted import admission_of
from rdo.trunk.context import Trunk, open_trunk
from rdo.trunk.scratch import ScratchRequest, Sides, build, choose_sides, job_of, scratch_folder
from rdo.trunk.views.report import ALL_WELL, FTBFS, OUTSIDE
from rdo.trunk.views.status import find_named_build

MARK = "try.json"
"""The file that marks a folder as the results of a try."""


@dataclass(frozen=True, slots=True)
class ScratchResult:
    """How a scratch build ended. `results` holds its RPMs and logs; paths are absolute."""

    target: str
    package: str
    source: str
    distgit: str
    outcome: Outcome
    seconds: float
    results: Path
    rpms: tuple[Path, ...] = ()
    repo_file: Path | None = None

    @property
    def exit_code(self) -> int:
        """Return 1 if the change fails to build, 6 if an external problem stopped the try."""
        match self.outcome:
            case Built():
                return ALL_WELL
            case Failed(reason) if not reason.is_spurious:
                return FTBFS
        return OUTSIDE


def try_change(
    app: App, target: str, asked: ScratchRequest, *, results: Path, more: Sequence[str] = ()
) -> ScratchResult:
    """Build a change in a scratch folder and put its RPMs and logs into `results`.

    `more` names builds of the target, or folders with RPMs such as an earlier try's results;
    the build may use them besides `current`. Raises RefusedError if `results` holds other files.
    """
    trunk = open_trunk(app, target)
    package = trunk.package(asked.package)
    results = results.absolute()
    _check(results)
    base = app.platforms.create(app.settings.target(target).platform)
    with scratch_folder(app.settings.data / "tmp") as scratch:
        extra = list(_extra_rpms(app, trunk, more))
        sides = choose_sides(trunk, asked, scratch)
        dependencies = app.bridges.scratch(target, scratch / "bridge")
        folders = [_repository(scratch / "more", extra)] if extra else []
        job = job_of(trunk, package, sides, scratch / "build", folders)
        started = time.monotonic()
        with log_context.about(job.commit):
            outcome = build(
                trunk, app.workplaces.root_builder(target, dependencies), dependencies, job
            )
            if isinstance(outcome, Built):
                admission = admission_of(trunk, provided_by(base), base.platform.always_required)
                outcome = admission.of(package.name, outcome)
        seconds = time.monotonic() - started
        tried = _tried(target, asked, sides, outcome, seconds, results)
        bridged = _newly_bridged(app, target, dependencies) if tried.rpms else []
        _leave(app, tried, job.folder, [*extra, *bridged])
    return tried


def _tried(
    target: str,
    asked: ScratchRequest,
    sides: Sides,
    outcome: Outcome,
    seconds: float,
    results: Path,
) -> ScratchResult:
    rpms = outcome.rpms if isinstance(outcome, Built) else ()
    return ScratchResult(
        target,
        asked.package,
        sides.upstream.origin,
        sides.distgit.origin,
        outcome,
        round(seconds, 1),
        results,
        tuple(results / rpm.name for rpm in rpms),
        results / f"rdo-try-{asked.package}.repo" if rpms else None,
    )


def _check(results: Path) -> None:
    """Refuse to replace a folder that does not have the results of a try."""
    if not results.exists() or (results / MARK).exists():
        return
    if not results.is_dir() or any(results.iterdir()):
        hint = "choose another folder with --results"
        raise RefusedError(f"{results} contains other files", hint=hint)


def _extra_rpms(app: App, trunk: Trunk, more: Sequence[str]) -> Iterator[Path]:
    """Yield the RPMs of builds, each given as a number, a package, a hash or a folder."""
    for text in more:
        if Path(text).is_dir():
            yield from sorted(Path(text).glob("*.rpm"))
            continue
        found = find_named_build(app, trunk.name, text)
        if not isinstance(found.outcome, Built):
            raise RefusedError(f"build {found.id} of {found.commit} produced no RPMs")
        yield from (trunk.build_folder(found) / rpm.name for rpm in found.outcome.rpms)


def _repository(folder: Path, rpms: Sequence[Path]) -> Path:
    """Make a repository in `folder` from RPM files and the RPMs that are already there."""
    folder.mkdir(exist_ok=True)
    for rpm in rpms:
        if not (folder / rpm.name).exists():
            atomic.link_or_copy(rpm, folder / rpm.name)
    inside = sorted(folder.glob("*.rpm"))
    own = [(one.artifact.file_name, one.fragment) for one in read_rpms(inside)]
    Composer(lambda _: {}).write(folder, own, (), revision=int(time.time()))
    return folder


def _newly_bridged(app: App, target: str, dependencies: Dependencies) -> list[Path]:
    """Return the RPMs that the try bridged and the target's dependency repository lacks."""
    before, after = app.bridges.of_target(target).repository(), dependencies.repository()
    known = {path.name for path in before.glob("*.rpm")} if before else set()
    return [path for path in after.glob("*.rpm") if path.name not in known] if after else []


def _leave(app: App, tried: ScratchResult, build_folder: Path, more: Sequence[Path]) -> None:
    """Move RPMs, logs and, after a good build, the repository into the results by one rename."""
    fresh = tried.results.with_name(f".{tried.results.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    names = {rpm.name for rpm in tried.rpms}
    for path in build_folder.iterdir() if build_folder.is_dir() else ():
        if path.is_file() and (path.name in names or path.suffix == ".log"):
            shutil.move(path, fresh / path.name)
    if tried.repo_file:
        _repository(fresh, more)
        (fresh / tried.repo_file.name).write_text(_repo_text(app, tried))
    (fresh / MARK).write_text(json.dumps(as_row(tried), indent=2, default=str) + "\n")
    atomic.place_directory(fresh, tried.results)
    shutil.rmtree(fresh, ignore_errors=True)


def _repo_text(app: App, tried: ScratchResult) -> str:
    """Return a .repo file for this machine: the try, then the target's current, then the rest."""
    rows = [(f"try-{tried.package}", tried.results, 1)]
    current = app.repositories(tried.target, "current")
    rows += [(f"{tried.target}-{number}", path, 2) for number, path in enumerate(current)]
    if dependencies := app.bridges.of_target(tried.target).repository():
        rows.append((f"{tried.target}-deps", dependencies, DEPENDENCIES))
    own = (
        RepoSection(name, name, (path.as_uri(),), priority=priority)
        for name, path, priority in rows
    )
    return repo_file((*own, *app.depending(tried.target).local_sections()))


def as_row(tried: ScratchResult) -> dict[str, object]:
    """Return a try as a JSON object."""
    row: dict[str, object] = {
        "target": tried.target,
        "package": tried.package,
        "source": tried.source,
        "distgit": tried.distgit,
        "exit_code": tried.exit_code,
        "seconds": tried.seconds,
        "results": tried.results,
    }
    match tried.outcome:
        case Built():
            return row | {"outcome": "built", "rpms": tried.rpms, "repo_file": tried.repo_file}
        case Failed(reason, detail):
            return row | {"outcome": "failed", "reason": reason, "detail": detail}
        case Waiting(needs):
            return row | {"outcome": "waiting", "needs": needs}


def summary(tried: ScratchResult) -> str:
    """Return a try as lines for people."""
    return "\n".join(_lines(tried))


def _installable(rpms: Iterable[Path]) -> Iterator[str]:
    """Yield the names of binary RPMs, without those for debuggers.

    >>> files = ("python-a-1-2.src.rpm", "python3-a-1-2.noarch.rpm", "a-debuginfo-1-2.x86_64.rpm")
    >>> list(_installable(map(Path, files)))
    ['python3-a']
    """
    for rpm in rpms:
        nevra = Nevra.parse(rpm.name)
        if nevra.arch != "src" and not nevra.name.endswith(("-debuginfo", "-debugsource")):
            yield nevra.name


def _lines(tried: ScratchResult) -> Iterator[str]:
    yield f"{tried.package} for {tried.target}"
    yield f"  upstream: {tried.source}"
    yield f"  distgit:  {tried.distgit}"
    match tried.outcome:
        case Built():
            yield from (f"built {path}" for path in tried.rpms)
            names = " ".join(sorted(_installable(tried.rpms)))
            yield f"install it with: dnf --setopt=reposdir={tried.results} install {names}"
        case Failed(reason, detail) if reason.is_spurious:
            yield f"not finished ({reason}): {one_line(detail)}"
        case Failed(reason, detail):
            yield f"FAILED ({reason}): {one_line(detail)}"
        case Waiting(needs):
            yield f"cannot be tried yet: {tried.target} lacks {', '.join(needs)}"
    yield f"logs: {tried.results} ({tried.seconds} s)"
