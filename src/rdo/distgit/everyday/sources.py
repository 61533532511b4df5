"""`sources`, `upload` and `new-sources`: the files of a distgit in a lookaside cache."""

import logging
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.atomic import write_file
from rdo.distgit.everyday.identity import branch_of
from rdo.distgit.everyday.sites import DistgitSite
from rdo.distgit.update.sources import sources as spec_sources
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.problems import NothingToDoError, refuse_retired
from rdo.errors import NotFoundError, RefusedError
from rdo.lookaside.hashes import HashType
from rdo.lookaside.sources_file import (
    SOURCES,
    SourceEntry,
    SourcesFile,
    check_file_name,
    parse_sources,
)
from rdo.spec.file import SOURCES_FOLDER, SPECS_FOLDER

log = logging.getLogger(__name__)

_MOST_BYTES = 1 << 20
_IGNORE = ".gitignore"


@dataclass(frozen=True, slots=True)
class SourceList:
    """The list `sources` of a distgit: its file, which may not exist yet, and its entries."""

    file: Path
    content: SourcesFile

    @classmethod
    def read(cls, folder: Path) -> "SourceList":
        """Read `sources`, or `.NAME.metadata` if the distgit has its files in SOURCES.

        Raises ConfigError for a bad line, RefusedError if it is not a regular file, or for a
        retired package.
        """
        refuse_retired(folder)
        file = next((one for one in _lists(folder) if one.is_symlink() or one.exists()), None)
        if file is None:
            return cls(_new_list(folder), SourcesFile())
        if not _is_plain(file) or file.stat().st_size > _MOST_BYTES:
            raise RefusedError(f"{file.name} is not a list of sources")
        return cls(file, parse_sources(file.read_text(errors="surrogateescape")))


def _new_list(folder: Path) -> Path:
    """Return the path of the list for a distgit that has none yet."""
    spec = inner_spec(folder)
    return folder / (f".{spec.stem}.metadata" if spec else SOURCES)


def inner_spec(folder: Path) -> Path | None:
    """Return the spec in the folder SPECS; None if the distgit has it at the top."""
    spec = next((folder / SPECS_FOLDER).glob("*.spec"), None)
    return None if next(folder.glob("*.spec"), None) else spec


def _lists(folder: Path) -> Iterator[Path]:
    yield folder / SOURCES
    yield from sorted(folder.glob(".*.metadata"))


def _is_plain(file: Path) -> bool:
    """Whether this is a regular file and no link, which could point anywhere."""
    try:
        return stat.S_ISREG(os.lstat(file).st_mode)
    except FileNotFoundError:
        return False


@dataclass(frozen=True, slots=True)
class SourcesPlan:
    """What `sources` does with each file of the list."""

    missing: tuple[tuple[SourceEntry, Path], ...] = ()
    present: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def plan(desk: Desk, *, folder: Path | None = None, is_forced: bool = False) -> SourcesPlan:
    """Decide which files of the list are downloaded into `folder` (default: the distgit).

    Files that the spec does not use are skipped unless `is_forced`. Raises RefusedError for a file
    that would replace one that git tracks.
    """
    entries = SourceList.read(desk.folder).content.entries
    used = None if is_forced else _used(desk)
    tracked = set(desk.clone.tracked_files)
    missing, present, unused = [], [], []
    for entry in entries:
        place = _place(folder or desk.folder, entry)
        name = entry.place
        if used is not None and entry.name not in used:
            unused.append(name)
        elif folder is None and name in tracked:
            raise RefusedError(
                f"{name} is in git and in {SOURCES}",
                hint=f"remove it from one of them: git rm {name}",
            )
        elif _is_plain(place) and entry.hash_type.of(place) == entry.digest:
            present.append(name)
        else:
            missing.append((entry, place))
    return SourcesPlan(tuple(missing), tuple(present), tuple(unused))


def _used(desk: Desk) -> frozenset[str] | None:
    """Return the names of files that the spec uses; None if no spec is there or can be read."""
    try:
        return desk.spec.named_files()
    except NotFoundError:
        return None
    except RefusedError as error:  # it may include a file that is not downloaded yet
        log.warning("taking all files of the list: %s", error)
        return None


def _place(folder: Path, entry: SourceEntry) -> Path:
    inside = folder / entry.folder if entry.folder else folder
    if inside.is_symlink():
        raise RefusedError(f"{entry.folder} is a link", hint="make it a folder")
    return inside / entry.name


def take(desk: Desk, site: DistgitSite, wanted: SourcesPlan) -> None:
    """Download what is missing; a file gets its name only after its hash was verified."""
    package, branch = package_of(desk, site), branch_of(desk)
    for entry, place in wanted.missing:
        log.info("Downloading %s", entry.name)
        place.parent.mkdir(parents=True, exist_ok=True)
    site.cache().download_all(package, wanted.missing, branch)


def package_of(desk: Desk, site: DistgitSite) -> str:
    """Return the package under the name it has in the site's cache."""
    return site.package_of(desk.clone.remotes().get("origin", "") or desk.package)


def upload(
    desk: Desk,
    site: DistgitSite,
    files: Sequence[Path],
    *,
    is_new_list: bool,
    is_offline: bool = False,
) -> None:
    """Upload files, and add them to `sources` and `.gitignore`.

    With `is_new_list` the list then contains only these files. Raises NotFoundError for a missing
    file, RefusedError for one that git tracks, NothingToDoError if nothing changes.
    """
    before = SourceList.read(desk.folder)
    tracked = set(desk.clone.tracked_files)
    inner = "" if before.file.name == SOURCES else SOURCES_FOLDER
    entries = [_entry(file, site.hash, inner, tracked) for file in files]
    content = before.content.replaced(entries) if is_new_list else before.content.add(entries)
    sent = 0
    if is_offline:
        log.info("not uploading: --offline")
    elif desk.clone.is_dry:
        log.info("would upload %s to %s", ", ".join(one.name for one in entries), site.upload)
    else:
        sent = _send(desk, site, list(zip(entries, files, strict=True)))
    _write(desk, before.file, str(content))
    _ignore(desk, [entry.place for entry in entries])
    desk.clone.add([before.file.name, *([_IGNORE] if entries else [])])
    if sent or is_offline or desk.clone.is_dry:
        desk.say("Source upload succeeded. Don't forget to commit the sources file")
    elif str(content) == str(before.content):
        raise NothingToDoError("All sources were already uploaded.")
    else:
        desk.say("All sources were already uploaded.")


def _send(desk: Desk, site: DistgitSite, files: Sequence[tuple[SourceEntry, Path]]) -> int:
    cache, package, branch = site.cache(), package_of(desk, site), branch_of(desk)
    sent = 0
    for entry, file in files:
        if cache.upload(package, entry, file, branch):
            log.info("Uploaded %s", entry.name)
            sent += 1
        else:
            log.info("File already uploaded: %s", entry.name)
    return sent


def _entry(file: Path, kind: HashType, folder: str, tracked: Collection[str]) -> SourceEntry:
    if not file.is_file():
        raise NotFoundError(f"File not found: {file}")
    entry = SourceEntry(check_file_name(file.name), kind, kind.of(file), folder)
    if entry.place in tracked:
        raise RefusedError(
            f"{entry.place} is tracked by git",
            hint=f"git rm --cached {entry.place}, then upload it",
        )
    return entry


def _write(desk: Desk, file: Path, text: str) -> None:
    desk.clone.will_write(file, text.encode(errors="surrogateescape"))
    write_file(file, text.encode(errors="surrogateescape"))


def _ignore(desk: Desk, names: Sequence[str]) -> None:
    """Append the files to `.gitignore`, unless git ignores them already."""
    ignored = desk.clone.ignored(names)
    new = [name for name in names if name not in ignored]
    file = desk.folder / _IGNORE
    text = file.read_text(errors="surrogateescape") if _is_plain(file) else ""
    gap = "" if not text or text.endswith("\n") else "\n"
    if new:
        _write(desk, file, f"{text}{gap}" + "".join(f"/{name}\n" for name in new))


def _tracked(desk: Desk) -> set[str]:
    """Return the names of tracked files in the folder of the spec's sources."""
    is_inner = desk.spec.sources_folder != desk.spec.folder
    start = f"{SOURCES_FOLDER}/" if is_inner else ""
    files = (
        name.removeprefix(start) for name in desk.clone.tracked_files if name.startswith(start)
    )
    return {name for name in files if "/" not in name}


def unused(desk: Desk) -> list[str]:
    """Return the patch files in git that the spec does not use under any condition.

    Raises RefusedError if rpm cannot read the spec.
    """
    used = desk.spec.named_files()
    patches = {name for name in _tracked(desk) if name.endswith((".patch", ".diff"))}
    return sorted(patches - used)


def unlisted(desk: Desk) -> list[str]:
    """Return the sources and patches of the spec that are neither in git nor in the list."""
    listed = {entry.name for entry in SourceList.read(desk.folder).content.entries}
    named = {source.file for source in spec_sources(desk)} | set(desk.spec.reading().patches)
    return sorted(named - _tracked(desk) - listed)
