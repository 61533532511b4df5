"""Combine the files of a distgit with files of a followed instance's distgit that replace them."""

import re
import tempfile
from pathlib import Path

from rdo.beneath import Beneath, Limits, open_beneath
from rdo.errors import RefusedError
from rdo.model.build import LaidOver
from rdo.tools.git.mirror import Mirror, link_target

_CHANGELOG = re.compile(r"^%changelog\b.*", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_ALL_BUT_GIT = re.compile(r"(?!\.gitignore$)[^/]+", re.DOTALL)
_SHOWN = re.compile(r"[^/.][^/]*", re.DOTALL)
_TOP = Limits(depth=0)


def export_folder(
    mirror: Mirror, commit: str, path: str, place: Path, names: re.Pattern[str] = _ALL_BUT_GIT
) -> None:
    """Copy the regular files in folder `path` of a commit to `place`.

    A link to a regular file of the same commit is copied as that file. Other links are left out,
    and so is a second name of a .spec in the folder.

    Raises RefusedError if `path` is not a folder of the commit itself, such as a link.
    """
    with tempfile.TemporaryDirectory(prefix=".export-", dir=place.parent) as scratch:
        mirror.export(commit, Path(scratch))
        with open_beneath(Path(scratch)) as exported:
            copies = exported.take(path or ".", names, place, _TOP, are_sources=True)
            taken = {file.name for file in copies}
            for name, target in exported.links(path or "."):
                if names.fullmatch(name) and not (name.endswith(".spec") and target in taken):
                    _copy_linked(exported, path, target, place / name)


def _copy_linked(exported: Beneath, path: str, target: str, place: Path) -> None:
    leads_to = link_target(path, target)
    if not leads_to:
        return
    try:
        exported.copy(leads_to, place, limit=_TOP.file_bytes, is_source=True)
    except (FileNotFoundError, RefusedError):  # it leads nowhere, to a folder, or to another link
        return


def lay_over(folder: Path, overlay: LaidOver, *, path: str, keep_changelog: bool) -> None:
    """Copy the files in `path` of the other distgit into `folder`, and change specs by its rules.

    DLRN's downstream driver does the same. Only regular files that are not hidden are taken. With
    `keep_changelog`, a replaced spec of ours keeps its changelog. `folder` contains only regular
    files of ours.
    """
    changelogs = {spec.name: _changelog(spec) for spec in folder.glob("*.spec")}
    with tempfile.TemporaryDirectory(prefix=".overlay-", dir=folder.parent) as laid:
        export_folder(Mirror(overlay.mirror), overlay.commit, path, Path(laid), _SHOWN)
        for file in Path(laid).iterdir():
            file.replace(folder / file.name)
    for spec in folder.glob("*.spec"):
        lines = _text(spec).split("\n")
        for rule in overlay.rules:
            lines = [rule.apply(line) for line in lines]
        text = "\n".join(lines)
        if keep_changelog and changelogs.get(spec.name):
            text = _CHANGELOG.sub("", text) + changelogs[spec.name]
        spec.write_text(text, "utf-8", "surrogateescape")


def _changelog(spec: Path) -> str:
    found = _CHANGELOG.search(_text(spec))
    return found[0] if found else ""


def _text(spec: Path) -> str:
    return spec.read_text("utf-8", "surrogateescape")  # bytes that are not UTF-8 survive
