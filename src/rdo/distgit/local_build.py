"""`rdo build`: build a spec or an SRPM in a fresh root on this machine, as mock does."""

import json
import logging
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.atomic import write_file
from rdo.bridge.protocol import Bridge
from rdo.builders.inspection import inspected
from rdo.builders.rooms.room import Room
from rdo.builders.rooms.root import write_installed
from rdo.builders.rooms.rpmbuild import Stage, build_spec
from rdo.builders.rooms.workshop import Workshop
from rdo.errors import NotFoundError, RefusedError
from rdo.model.build import BUILD_LOG, Built, Failed, FailureReason, Outcome, Waiting
from rdo.roots.build_root import build_root
from rdo.roots.door import Inside

log = logging.getLogger(__name__)

_SPEC = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\.spec")

_NOTES = ".rdo-built.json"
"""The file in a results folder that lists the RPMs of each package's last build."""

_BAD_FILE = re.compile(r"Bad (?:file|source): /builddir/SOURCES/(\S+): No such file")

MAX_ROUNDS = 12
"""How many times the bridge may supply missing requirements to one build."""


@dataclass(frozen=True, slots=True)
class LocalBuild:
    """A build to run on this machine; `repositories` are additional folders with repodata.

    `source` is a .spec with its sources beside it, or a .src.rpm. `additional` are RPM dependencies
    that are installed although the spec does not require them. Unless `stage` is the last one, only
    the SRPM is made.
    """

    source: Path
    results: Path
    defines: tuple[str, ...] = ()
    repositories: tuple[Path, ...] = ()
    source_date: int | None = None
    additional: tuple[str, ...] = ()
    has_network: bool = False
    stage: Stage = Stage.ALL


def build_local(
    job: LocalBuild,
    workshop: Workshop,
    bridge: Bridge,
    *,
    at_end: Callable[[Room, Outcome], None] | None = None,
    admit: Callable[[Built], Built | Failed] = inspected,
) -> Outcome:
    """Repeat the build, bridging missing requirements in between, until it succeeds or fails.

    `admit` checks the RPMs before they are published. `at_end` is called with the room of a
    finished build before it is removed, to open a shell. Raises NotFoundError or RefusedError for a
    source that cannot be built.
    """
    check_source(job.source)
    job.results.mkdir(parents=True, exist_ok=True)
    outcome: Outcome = Failed(FailureReason.MISSING_DEPENDENCY, "each try required more packages")
    for _ in range(MAX_ROUNDS):
        outcome = _build_once(job, workshop, at_end, admit)
        if not isinstance(outcome, Waiting):
            return outcome
        missing = bridge.provide(outcome.needs).missing
        if missing:
            return Failed(
                FailureReason.MISSING_DEPENDENCY, f"nothing provides {', '.join(missing)}"
            )
    return outcome


def check_source(source: Path) -> None:
    """Raise NotFoundError or RefusedError for a file that `rdo build` cannot build."""
    if source.is_dir():
        raise RefusedError(f"{source} is a folder", hint="name a .spec or a .src.rpm in it")
    if not source.is_file():
        raise NotFoundError(f"there is no file {source}")
    if source.suffix not in {".spec", ".rpm"}:
        raise RefusedError(f"{source.name} is neither a .spec nor a .src.rpm")


def _build_once(
    job: LocalBuild,
    workshop: Workshop,
    at_end: Callable[[Room, Outcome], None] | None,
    admit: Callable[[Built], Built | Failed],
) -> Outcome:
    log_file = job.results / BUILD_LOG
    log_file.unlink(missing_ok=True)
    with build_root(workshop.base, workshop.content, workshop.roots) as root:
        repositories = workshop.repositories(job.repositories)
        room = workshop.room(root, repositories, log_file)
        if job.source_date is not None:
            root.set_environment(SOURCE_DATE_EPOCH=str(job.source_date))
        spec = _lay_out(job, room)
        if isinstance(spec, Failed):
            _clear_old(job, [])
            return spec
        taken = root.folder("taken")
        if job.has_network:
            root.allow_network()
        outcome = room.require(job.additional) or build_spec(
            room, spec, job.defines, taken, stage=job.stage
        )
        if isinstance(outcome, Built) and job.stage is Stage.ALL:
            outcome = admit(outcome)
        kept = "*.rpm" if isinstance(outcome, Built) else "*.src.rpm"
        placed = [_place(rpm, job.results) for rpm in sorted(taken.glob(kept))]
        if not isinstance(outcome, Waiting):
            _clear_old(job, [path.name for path in placed])
        if isinstance(outcome, Built):
            outcome = Built(tuple(placed))
        elif isinstance(outcome, Failed):
            outcome = _named_source(outcome)
        write_installed(root, job.results / "installed_pkgs.log")
        if at_end and not isinstance(outcome, Waiting):
            at_end(room, outcome)
        return outcome


def _named_source(failed: Failed) -> Failed:
    """Add to a failure where the missing source file was looked for, and what downloads it."""
    if missing := _BAD_FILE.search(failed.detail):
        said = f"{missing[1]} is neither beside the spec nor in ../SOURCES"
        if "XXX" in missing[1]:
            said += "; its Version is XXX, which trunk builds fill in"
            return Failed(failed.reason, f"{said}: rdo trunk try PACKAGE --distgit . builds it")
        return Failed(failed.reason, f"{said}; rdo pkg get-source fetches it")
    return failed


def _clear_old(job: LocalBuild, names: Sequence[str]) -> None:
    """Remove the RPMs of this package's last build, and record those of this one.

    RPMs of other packages stay, and so does the source, even if it is an RPM of the last build.
    """
    package = job.source.stem
    if job.source.suffix == ".rpm":
        package = package.removesuffix(".src").rsplit("-", 2)[0]
    notes = job.results / _NOTES
    try:
        known = json.loads(notes.read_text())
        before = {key: list(map(str, value)) for key, value in known.items()}
    except (FileNotFoundError, ValueError, AttributeError, TypeError):
        before = {}  # the list is from a killed build, or is somebody else's file
    for name in before.get(package, []):
        old = job.results / name
        is_ours = name == Path(name).name and old.suffix == ".rpm"
        if is_ours and name not in names and old.resolve() != job.source.resolve():
            old.unlink(missing_ok=True)
    write_file(notes, json.dumps({**before, package: list(names)}, indent=1))


def _place(rpm: Path, results: Path) -> Path:
    """Move an RPM to the results, replacing that of an earlier build."""
    new = results / f".{rpm.name}.new"
    shutil.move(rpm, new)
    return new.replace(results / rpm.name)


def _lay_out(job: LocalBuild, room: Room) -> str | Failed:
    """Copy spec and sources into the room; return the spec's file name."""
    given = room.root.folder("given")
    if job.source.suffix == ".spec":
        for name in ("SPECS", "SOURCES"):
            (given / name).mkdir()
        shutil.copy(job.source, given / "SPECS" / job.source.name)
        for path in _sources_beside(job.source):
            shutil.copy(path, given / "SOURCES" / path.name)
        room.root.give(given, Inside("/builddir"))
        return job.source.name
    shutil.copy(job.source, given / job.source.name)
    room.root.give(given, Inside("/builddir"))
    done = room.log("rpm", "-i", "--nodeps", "--nosignature", f"/builddir/{job.source.name}")
    specs = room.root.door.names(Inside("/builddir/SPECS"), _SPEC)
    if done.returncode or len(specs) != 1:
        return Failed(FailureReason.SOURCE, f"{job.source.name} contains no spec that can be built")
    return specs[0]


def _sources_beside(spec: Path) -> list[Path]:
    """Return the files in the spec's folder, and in SOURCES beside its SPECS folder."""
    folders = [spec.parent, spec.parent.parent / "SOURCES"]
    return [
        path
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path.is_file() and path != spec
    ]
