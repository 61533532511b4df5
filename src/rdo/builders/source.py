"""The spec and sources of a commit: the upstream's own archive, and DLRN's changes to the spec."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rdo.builders.backend import ask_backend
from rdo.builders.overlay import lay_over
from rdo.builders.room import Room
from rdo.dlrn.spec import transform
from rdo.dlrn.versions import Numbers, version_and_release
from rdo.errors import CommandError
from rdo.log_tail import last_line
from rdo.model.build import BuildJob, Failed, FailureReason, Waiting
from rdo.roots.programs import RootProgram
from rdo.tools.git import Mirror
from rdo.tools.root import Bind


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive made by the upstream's build tools: a file inside the root, name and version."""

    path: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class PreparedSource:
    """A spec in /builddir/SPECS with all its sources beside it in /builddir/SOURCES."""

    spec: str
    numbers: Numbers


def prepare_source(room: Room, job: BuildJob) -> PreparedSource | Failed | Waiting:
    """Lay out spec and sources of a job in the room, as `rpmbuild` expects them."""
    spec = _export_distgit(room, job)
    if isinstance(spec, Failed):
        return spec
    archive = _make_archive(room, job)
    if not isinstance(archive, Archive):
        return archive
    try:
        numbers = version_and_release(archive.version, job.release, archive.path)
    except ValueError as error:
        return Failed(FailureReason.SOURCE, str(error))
    return _finish(room, job, spec, archive, numbers)


def _export_distgit(room: Room, job: BuildJob) -> Path | Failed:
    """Export the distgit's files as sources and return the one .spec among them."""
    sources = room.root.builddir / "SOURCES"
    mirror = Mirror(job.distgit)
    export = room.root.work / "distgit"
    mirror.export(job.spec_hash or job.commit.distgit_hash, export)
    folder = export / job.distgit_path
    if job.overlay:
        lay_over(
            folder,
            job.overlay,
            room.root.work / "overlay",
            path=job.distgit_path,
            keep_changelog=job.keep_changelog,
        )
    specs = sorted(folder.glob("*.spec"))
    if len(specs) != 1:
        found = ", ".join(path.name for path in specs) or "none"
        where = job.distgit_path or "its top folder"
        return Failed(FailureReason.SPEC, f"the distgit needs one .spec in {where}, not {found}")
    for path in folder.iterdir():
        if path.is_file() and not path.is_symlink() and path.name != ".gitignore":
            path.rename(sources / path.name)
    spec = sources / specs[0].name
    room.root.own(sources)
    return spec


def _make_archive(room: Room, job: BuildJob) -> Archive | Failed | Waiting:
    room.root.bind(Bind(job.upstream, "/mirror"))
    stamp = str(int(job.commit.source_date.timestamp()))
    room.root.set_environment(SOURCE_DATE_EPOCH=stamp)
    answer = ask_backend(
        room,
        RootProgram.MAKE_SOURCE,
        *("--package", job.commit.package, "--commit", job.commit.upstream_hash),
        *("--version-from", job.version_from or ""),
    )
    if isinstance(answer, Failed | Waiting):
        return answer
    return Archive(answer["archive"], answer["name"], answer["version"])


def _finish(
    room: Room, job: BuildJob, spec: Path, archive: Archive, numbers: Numbers
) -> PreparedSource | Failed:
    """Write the numbered spec, and repack the archive under the top folder that the spec enters."""
    file_name = numbers.archive(archive.name)
    place = room.root.builddir / "SPECS" / spec.name
    try:
        text = spec.read_text()
        place.write_text(transform(text, numbers, file_name, keep_changelog=job.keep_changelog))
    except UnicodeDecodeError as error:
        return Failed(FailureReason.SPEC, f"{spec.name} is not UTF-8: {error}")
    spec.unlink()
    room.root.own(place)
    inside = f"/builddir/SPECS/{spec.name}"
    parsed = room.root.root.ask("rpmspec", "-P", inside, ok=(0, 1), timeout=120)
    if parsed.returncode:
        return Failed(FailureReason.SPEC, parsed.stderr.strip()[-1000:])
    top = _top_folder(parsed.stdout) or f"{archive.name}-{archive.version}"
    stamp = str(int(job.commit.source_date.timestamp()))
    try:
        room.root.root.ask(
            *RootProgram.REPACK.command,
            archive.path,
            *(f"/builddir/SOURCES/{file_name}", top, stamp),
            timeout=1800,
        )
    except CommandError as error:
        return Failed(FailureReason.SOURCE, f"cannot repack the archive: {last_line(str(error))}")
    return PreparedSource(spec.name, numbers)


def _top_folder(expanded_spec: str) -> str | None:
    """Return the folder that %setup enters after it has unpacked the first source.

    >>> _top_folder("cd '/builddir/BUILD'\\nrm -rf 'a-1'\\ntar -xof -\\ncd 'a-1'\\n")
    'a-1'
    """
    for match in re.finditer(r"^cd '?([^'\n]+?)'?$", expanded_spec, re.MULTILINE):
        path = PurePosixPath(match[1])
        if not path.is_absolute() and ".." not in path.parts:
            return path.parts[0]
    return None
