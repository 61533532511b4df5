"""`srpm`, `prep` and `local`: put files of a build into the distgit's folder."""

import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from rdo.atomic import write_file
from rdo.distgit.verb.desk import Desk
from rdo.errors import RefusedError
from rdo.roots.platform.spec_macros import spec_macros
from rdo.tools.rpm.srpm import SrpmMaker

_NOTES = "rdo/prepared"
"""A file in the git directory with the names of the folders that `prep` made, one per line."""


def make_srpm(desk: Desk, folder: Path, defines: Mapping[str, str]) -> Path:
    """Make the source RPM of the distgit in the sandbox, and return its path in `folder`."""
    maker = SrpmMaker(macros=spec_macros())
    return maker.make(desk.spec.file, folder, desk.spec.sources_folder, defines)


def prepare(desk: Desk, defines: Mapping[str, str]) -> list[Path]:
    """Run %prep in the sandbox, and move the unpacked folders into the distgit.

    A folder may only replace one of an earlier run. Raises RefusedError, and changes nothing, if
    %prep fails or if something else has that name.
    """
    spec = desk.spec
    with tempfile.TemporaryDirectory(prefix=".rdo-prep-", dir=desk.folder) as scratch:
        place = Path(scratch, "build")
        place.mkdir()
        SrpmMaker(macros=spec_macros()).prepare(spec.file, place, spec.sources_folder, defines)
        made = sorted(path.name for path in place.iterdir() if path.name not in _OF_RPM)
        known = _prepared(desk)
        _require_free(desk, made, known)
        for name in made:
            desk.clone.exclude(f"/{name}")
        _note(desk, {*known, *made})
        old = Path(scratch, "old")
        old.mkdir()
        for name in made:
            if (desk.folder / name).exists():
                (desk.folder / name).rename(old / name)
            (place / name).rename(desk.folder / name)
    return [desk.folder / name for name in made]


_OF_RPM = frozenset({"BUILD", "BUILDROOT", "RPMS", "SRPMS", "SOURCES", "SPECS"})
"""Folders that rpmbuild makes in its top folder."""


def _prepared(desk: Desk) -> set[str]:
    file = desk.clone.common_dir / _NOTES
    return set(file.read_text().splitlines()) if file.is_file() else set()


def _note(desk: Desk, names: Collection[str]) -> None:
    file = desk.clone.common_dir / _NOTES
    file.parent.mkdir(exist_ok=True)
    write_file(file, "".join(f"{name}\n" for name in sorted(names)))


def _require_free(desk: Desk, names: Sequence[str], known: Collection[str]) -> None:
    odd = [name for name in names if "\n" in name or name.startswith(".git")]
    if odd:
        raise RefusedError(f"%prep made {odd[0]!r}, which does not belong in a distgit")
    for name in names:
        place = desk.folder / name
        if (place.exists() or place.is_symlink()) and name not in known:
            raise RefusedError(
                f"{name} is in the way of a folder that %prep made", hint="move it away"
            )


def place_results(desk: Desk, results: Path, log: Path, vr: str) -> list[Path]:
    """Move RPMs and log to where fedpkg's `local` puts them; the log is `.build-V-R.log`.

    The SRPM goes into the distgit's folder, other RPMs into one folder per architecture. Raises
    RefusedError if such a folder is a link.
    """
    placed = []
    for pattern in ("/*.src.rpm", "/.build-*.log"):
        desk.clone.exclude(pattern)
    for rpm in sorted(results.glob("*.rpm")):
        is_source = rpm.name.endswith(".src.rpm")
        folder = desk.folder if is_source else desk.folder / rpm.name.split(".")[-2]
        folder.mkdir(exist_ok=True)
        if not is_source:
            desk.clone.exclude(f"/{folder.name}/")
        if folder.is_symlink():
            raise RefusedError(f"{folder.name} is a link", hint="remove it")
        placed.append(Path(shutil.move(rpm, folder / rpm.name)))
    if log.is_file():
        shutil.move(log, desk.folder / f".build-{vr}.log")
    return placed
