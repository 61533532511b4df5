"""`import`: replace the files of the distgit with those of a source RPM."""

import re
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from rdo.atomic import write_file
from rdo.beneath import Beneath, Limits, open_beneath
from rdo.distgit.everyday import sources
from rdo.distgit.everyday.sites import DistgitSite
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.problems import refuse_retired
from rdo.errors import NotFoundError, RefusedError
from rdo.lookaside.sources_file import SOURCES
from rdo.spec.file import SOURCES_FOLDER, SPECS_FOLDER
from rdo.tools.rpm.unpacking import Rpm

_KEPT = (
    *("README.md", "gating.yaml", "tests/*", "*.rpmlintrc", ".fmf/*", "*.fmf", "changelog"),
    *(".gitignore", SOURCES, ".*.metadata"),
)
"""Files that stay in the distgit although the SRPM does not contain them."""

_ANY_NAME = re.compile(r"[^/]+", re.DOTALL)
_OF_DISTGITS = frozenset({".git", ".gitignore", ".gitattributes", ".gitmodules", SOURCES})
_RPMS_OWN = ".rpmdb"
"""What rpm itself writes while it unpacks an SRPM."""
_LIMITS = Limits(files=5_000, file_bytes=2 << 30, total_bytes=4 << 30, depth=0)
_LOOKED_AT = 1 << 20
# Bytes that `file` does not accept in a text: control characters except blanks, bell and escape.
_CONTROL = bytes({*range(7), *range(14, 27), *range(28, 32), 127})


def is_binary(content: bytes) -> bool:
    """Whether a file belongs in the lookaside cache, because it contains bytes that no text has.

    >>> is_binary(b"caf\\xe9\\n"), is_binary(b"\\x1f\\x8b\\x08")
    (False, True)
    """
    return len(content.translate(None, _CONTROL)) != len(content)


@dataclass(frozen=True, slots=True)
class SrpmContent:
    """The files of a source RPM in a folder of ours: its spec, text files, and archives."""

    spec: Path
    texts: tuple[Path, ...]
    archives: tuple[Path, ...]


def take_over(
    desk: Desk,
    srpm: Path,
    site: DistgitSite | None,
    *,
    is_offline: bool = False,
    has_any_name: bool = False,
) -> None:
    """Replace the files of the distgit with those of a source RPM, and stage them.

    Archives go into the lookaside cache. Raises NotFoundError if there is no SRPM, and RefusedError
    for a file that is not an SRPM, that holds what a distgit cannot have, or whose spec has another
    name than the package, unless `has_any_name`.
    """
    refuse_retired(desk.folder)
    with tempfile.TemporaryDirectory(prefix="rdo-import-") as scratch:
        found = _content(srpm, Path(scratch), _tracked_names(desk))
        name = sources.package_of(desk, site).rpartition("/")[2] if site else desk.package
        if found.spec.stem != name and not has_any_name:
            raise RefusedError(
                f"the spec of the SRPM is {found.spec.name}, not {name}.spec",
                hint="--do-not-check-specfile-name imports it anyway",
            )
        if found.archives and not site and not is_offline:
            raise NotFoundError(
                "no lookaside cache is known for the archives of the SRPM",
                hint="name a site with --site, or import without uploading with --offline",
            )
        if found.archives:  # comes first, because a server may refuse it
            known = site or DistgitSite()
            sources.upload(desk, known, found.archives, is_new_list=True, is_offline=is_offline)
        _replace(desk, found)


def _tracked_names(desk: Desk) -> frozenset[str]:
    return frozenset(name.rpartition("/")[2] for name in desk.clone.tracked_files)


def _content(srpm: Path, scratch: Path, tracked: Collection[str]) -> SrpmContent:
    """Unpack a source RPM inside a root, and copy its files out.

    A binary file that is `tracked` stays in git, such as an icon or a keyring.
    """
    if not srpm.is_file():
        raise NotFoundError(f"File not found: {srpm}")
    inside, outside = scratch / "inside", scratch / "files"
    inside.mkdir()
    Rpm().unpack_source(srpm, inside)
    with open_beneath(inside) as door:
        _check(srpm, door)
        door.take(".", _ANY_NAME, outside, _LIMITS, are_sources=True)
    files = sorted(outside.iterdir())
    specs = [file for file in files if file.suffix == ".spec"]
    if len(specs) != 1:
        raise RefusedError(f"{srpm.name} has {len(specs)} specs instead of one")
    others = [file for file in files if file != specs[0]]
    archives = [file for file in others if file.name not in tracked and _is_archive(file)]
    texts = [file for file in others if file not in archives]
    return SrpmContent(specs[0], tuple(texts), tuple(archives))


def _check(srpm: Path, content: Beneath) -> None:
    """Raise RefusedError for a file of an SRPM that a distgit cannot have under its name."""
    for name, mode in content.entries("."):
        if name != _RPMS_OWN and (name in _OF_DISTGITS or not stat.S_ISREG(mode)):
            what = "is a file of the distgit itself" if stat.S_ISREG(mode) else "is no regular file"
            raise RefusedError(f"{srpm.name} holds {name}, which {what}")


def _is_archive(file: Path) -> bool:
    with file.open("rb") as content:
        return is_binary(content.read(_LOOKED_AT))


def _replace(desk: Desk, found: SrpmContent) -> None:
    is_inner = sources.inner_spec(desk.folder) is not None
    top, beside = (f"{SPECS_FOLDER}/", f"{SOURCES_FOLDER}/") if is_inner else ("", "")
    texts = {f"{top}{found.spec.name}": found.spec}
    texts |= {f"{beside}{file.name}": file for file in found.texts}
    desk.clone.remove(list(_gone(desk, texts)))
    for name, file in texts.items():
        content = file.read_bytes()
        (desk.folder / name).parent.mkdir(exist_ok=True)  # git removes an empty folder
        desk.clone.will_write(desk.folder / name, content)
        write_file(desk.folder / name, content)
        (desk.folder / name).chmod(stat.S_IMODE(file.stat().st_mode))
    desk.clone.add(sorted(texts))
    for file in found.archives:
        place = desk.folder / f"{beside}{file.name}"
        place.parent.mkdir(exist_ok=True)
        desk.clone.will_write(place, None)
        new = place.with_name(f".{file.name}.new")
        shutil.copyfile(file, new, follow_symlinks=False)
        new.replace(place)


def _gone(desk: Desk, new: Collection[str]) -> Iterator[str]:
    for name in desk.clone.tracked_files:
        if name not in new and not any(fnmatchcase(name, pattern) for pattern in _KEPT):
            yield name
