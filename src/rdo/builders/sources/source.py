"""Prepare the spec and sources of a commit: upstream's own archive, DLRN's changes of the spec."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from rdo import atomic
from rdo.builders.rooms.backend import ask_backend
from rdo.builders.rooms.room import Room
from rdo.builders.sources.overlay import export_folder, lay_over
from rdo.builders.sources.shelf import ArchiveShelf, key_of
from rdo.builders.sources.submodules import fetch_submodules
from rdo.checksum import sha256_of
from rdo.dlrn.spec import transform
from rdo.dlrn.versions import Numbers, version_and_release
from rdo.errors import CommandError, NotFoundError, OutsideError, RefusedError
from rdo.logs.reader import cause_of, one_line
from rdo.model.build import BuildJob, Failed, FailureReason, Waiting
from rdo.model.packed_archive import KeptArchive, PackedArchive, SharedArchives
from rdo.model.text.spec_text import top_folder
from rdo.roots.door import Inside
from rdo.roots.programs import RootProgram
from rdo.tools.git.mirror import Mirror
from rdo.tools.walls.entry import Bind

log = logging.getLogger(__name__)

ARCHIVE = "source-archive"
"""The file in a build's folder with the archive that another build made, if it was used."""
_NAMELESS = "UNKNOWN"
"""The name that setuptools gives a source if it is too old to read its metadata; never shared."""


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive made by the upstream's build tools: a file inside the root, name and version.

    If it is packed already, `top` is the folder that it unpacks to, and `file` its original name.
    """

    path: str
    name: str
    version: str
    top: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class DistgitFiles:
    """The files of a distgit's folder, copied to a folder of ours; the spec is kept separately."""

    files: Path
    spec: str
    text: bytes


@dataclass(frozen=True, slots=True)
class PreparedSource:
    """A spec in /builddir/SPECS, with its text, and its sources in /builddir/SOURCES.

    `file` is the name of the `archive` there.
    """

    spec: str
    text: bytes
    numbers: Numbers
    file: str
    archive: PackedArchive


def prepare_source(room: Room, job: BuildJob) -> PreparedSource | Failed | Waiting:
    """Put spec and sources of a job into the room, where `rpmbuild` expects them."""
    distgit = export_distgit(job, room.root.folder("distgit"))
    if isinstance(distgit, Failed):
        return distgit
    room.root.give(distgit.files, Inside("/builddir/SOURCES"))
    if job.given:
        return _take(room, job, distgit, job.given)
    if job.shared:
        return _share(room, job, distgit, job.shared)
    return _make(room, job, distgit)


def _share(
    room: Room, job: BuildJob, distgit: DistgitFiles, shared: SharedArchives
) -> PreparedSource | Failed | Waiting:
    """Take the archive that a build of another target has made, or make it for all of them."""
    shelf, key = ArchiveShelf.of(shared, job.commit.package), key_of(job)
    place = job.folder / ARCHIVE
    place.parent.mkdir(parents=True, exist_ok=True)
    with shelf.turn(room.bounds.is_cancelled):
        if archive := shelf.find(key, place):
            return _take(room, job, distgit, KeptArchive(place, archive))
        prepared = _make(room, job, distgit)
        if isinstance(prepared, PreparedSource):
            packed = Inside(f"/builddir/SOURCES/{prepared.file}")
            (file,) = room.root.door.take_files([packed], room.root.folder("packed"))
            prepared = replace(prepared, archive=_described(room, job, prepared.archive, file))
            if prepared.archive.name.upper() != _NAMELESS:
                shelf.put(key, file, prepared.archive)
    return prepared


def _described(room: Room, job: BuildJob, archive: PackedArchive, file: Path) -> PackedArchive:
    """Return the data of an archive that has just been packed."""
    return replace(
        archive,
        sha256=sha256_of(file),
        build=job.id,
        target=job.shared.target if job.shared else "",
        platform=room.root.base.platform.name,
        required=tuple(sorted(room.wanted)),
    )


def _take(
    room: Room, job: BuildJob, distgit: DistgitFiles, kept: KeptArchive
) -> PreparedSource | Failed:
    """Use an archive that another build has made."""
    archive = kept.archive
    room.note("source archive", [f"{archive.sha256}, which {archive.maker} has made"])
    if archive.build != job.id:  # else it is from an earlier try of the same build
        log.info("takes the source archive that %s has made", archive.maker)
    folder = room.root.folder("archive")
    atomic.link_or_copy(kept.path, folder / ARCHIVE)
    room.root.give(folder, Inside("/builddir/archive"))
    inside = f"/builddir/archive/{ARCHIVE}"
    found = Archive(inside, archive.name, archive.version, archive.top, archive.file)
    prepared = _number(room, job, distgit, found)
    return replace(prepared, archive=archive) if isinstance(prepared, PreparedSource) else prepared


def _make(room: Room, job: BuildJob, distgit: DistgitFiles) -> PreparedSource | Failed | Waiting:
    archive = _make_archive(room, job)
    return _number(room, job, distgit, archive) if isinstance(archive, Archive) else archive


def _number(
    room: Room, job: BuildJob, distgit: DistgitFiles, archive: Archive
) -> PreparedSource | Failed:
    try:
        numbers = version_and_release(archive.version, job.release, archive.file)
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
    path = str(answer["archive"])
    return Archive(path, answer["name"], answer["version"], file=path.rpartition("/")[2])


def _finish(
    room: Room, job: BuildJob, distgit: DistgitFiles, archive: Archive, numbers: Numbers
) -> PreparedSource | Failed:
    """Write the numbered spec, and pack the archive with the folder name that the spec unpacks."""
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
    place = f"/builddir/SOURCES/{file_name}"
    repack = RootProgram.REPACK.command_on(room.root.base.platform)
    stamp = str(int(job.commit.source_date.timestamp()))
    packed = PackedArchive(archive.file, archive.name, archive.version, top, "")
    try:
        if top == archive.top:
            room.root.ask("mv", "--", archive.path, place)
        else:
            room.root.ask(*repack, archive.path, place, top, stamp, timeout=1800)
    except CommandError as error:
        return Failed(FailureReason.SOURCE, f"cannot repack the archive: {one_line(str(error))}")
    return PreparedSource(distgit.spec, numbered, numbers, file_name, packed)
