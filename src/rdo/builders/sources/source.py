"""The spec and sources of a commit: the upstream's own archive, and DLRN's changes to the spec."""

from dataclasses import dataclass
from pathlib import Path

from rdo.builders.rooms.backend import ask_backend
from rdo.builders.rooms.room import Room
from rdo.builders.sources.overlay import export_folder, lay_over
from rdo.builders.sources.submodules import fetch_submodules
from rdo.dlrn.spec import transform
from rdo.dlrn.versions import Numbers, version_and_release
from rdo.errors import CommandError, NotFoundError, OutsideError, RefusedError
from rdo.logs.reader import cause_of, one_line
from rdo.model.build import BuildJob, Failed, FailureReason, Waiting
from rdo.model.text.spec_text import top_folder
from rdo.roots.door import Inside
from rdo.roots.programs import RootProgram
from rdo.tools.git.mirror import Mirror
from rdo.tools.walls.entry import Bind


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive made by the upstream's build tools: a file inside the root, name and version."""

    path: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class DistgitFiles:
    """The files of a distgit's folder, copied to a folder of ours, and its spec apart from them."""

    files: Path
    spec: str
    text: bytes


@dataclass(frozen=True, slots=True)
class PreparedSource:
    """A spec in /builddir/SPECS, whose text is here too, with its sources in /builddir/SOURCES."""

    spec: str
    text: bytes
    numbers: Numbers


def prepare_source(room: Room, job: BuildJob) -> PreparedSource | Failed | Waiting:
    """Lay out spec and sources of a job in the room, as `rpmbuild` expects them."""
    distgit = export_distgit(job, room.root.folder("distgit"))
    if isinstance(distgit, Failed):
        return distgit
    room.root.give(distgit.files, Inside("/builddir/SOURCES"))
    archive = _make_archive(room, job)
    if not isinstance(archive, Archive):
        return archive
    try:
        numbers = version_and_release(archive.version, job.release, archive.path)
    except ValueError as error:
        return Failed(FailureReason.SOURCE, str(error))
    return _finish(room, job, distgit, archive, numbers)


def export_distgit(job: BuildJob, files: Path) -> DistgitFiles | Failed:
    """Copy the regular files of the distgit's folder to `files`; one of them is the .spec."""
    try:
        hash_ = job.spec_hash or job.commit.distgit_hash
        export_folder(Mirror(job.distgit), hash_, job.distgit_path, files)
        if job.overlay:
            lay_over(files, job.overlay, path=job.distgit_path, keep_changelog=job.keep_changelog)
    except RefusedError as error:
        return Failed(FailureReason.SPEC, f"the distgit: {error}")
    specs = sorted(files.glob("*.spec"))
    if len(specs) != 1:
        found = ", ".join(path.name for path in specs) or "none"
        where = job.distgit_path or "its top folder"
        return Failed(FailureReason.SPEC, f"the distgit needs one .spec in {where}, not {found}")
    text = specs[0].read_bytes()
    specs[0].unlink()
    return DistgitFiles(files, specs[0].name, text)


def _make_archive(room: Room, job: BuildJob) -> Archive | Failed | Waiting:
    mirror = Mirror(job.upstream)
    mirror.forget_secrets()
    try:
        submodules = fetch_submodules(mirror, job.commit.upstream_hash)
    except OutsideError as error:
        return Failed(FailureReason.NETWORK, str(error))
    except (RefusedError, NotFoundError) as error:
        return Failed(FailureReason.SOURCE, str(error))
    room.root.bind(Bind(job.upstream, "/mirror"))
    for number, one in enumerate(submodules):
        room.root.bind(Bind(one.mirror, f"/submodules/{number}"))
    stamp = str(int(job.commit.source_date.timestamp()))
    room.root.set_environment(SOURCE_DATE_EPOCH=stamp)
    answer = ask_backend(
        room,
        RootProgram.MAKE_SOURCE,
        *("--package", job.commit.package, "--commit", job.commit.upstream_hash),
        *("--version-from", job.version_from or ""),
        *(part for one in submodules for part in ("--submodule", f"{one.commit}:{one.path}")),
    )
    if isinstance(answer, Failed | Waiting):
        return answer
    return Archive(answer["archive"], answer["name"], answer["version"])


def _finish(
    room: Room, job: BuildJob, distgit: DistgitFiles, archive: Archive, numbers: Numbers
) -> PreparedSource | Failed:
    """Give the numbered spec, and have the archive packed under the folder that it unpacks."""
    file_name = numbers.archive(archive.name)
    try:
        text = distgit.text.decode()
    except UnicodeDecodeError as error:
        return Failed(FailureReason.SPEC, f"{distgit.spec} is not UTF-8: {error}")
    numbered = transform(text, numbers, file_name, keep_changelog=job.keep_changelog).encode()
    specs = room.root.folder("specs")
    (specs / distgit.spec).write_bytes(numbered)
    room.root.give(specs, Inside("/builddir/SPECS"))
    inside = f"/builddir/SPECS/{distgit.spec}"
    parsed = room.root.ask("rpmspec", "-P", inside, ok=(0, 1), timeout=120)
    if parsed.returncode:
        return Failed(FailureReason.SPEC, cause_of(parsed.stderr))
    top = top_folder(parsed.stdout) or f"{archive.name}-{archive.version}"
    stamp = str(int(job.commit.source_date.timestamp()))
    try:
        room.root.ask(
            *RootProgram.REPACK.command_on(room.root.base.platform),
            archive.path,
            *(f"/builddir/SOURCES/{file_name}", top, stamp),
            timeout=1800,
        )
    except CommandError as error:
        return Failed(FailureReason.SOURCE, f"cannot repack the archive: {one_line(str(error))}")
    return PreparedSource(distgit.spec, numbered, numbers)
