"""Files of a followed instance's distgit put over our own, as DLRN's downstream driver does it."""

import re
from pathlib import Path

from rdo.model.build import LaidOver
from rdo.tools.git import Mirror

_CHANGELOG = re.compile(r"^%changelog\b.*", re.MULTILINE | re.DOTALL)


def lay_over(
    folder: Path, overlay: LaidOver, scratch: Path, *, path: str, keep_changelog: bool
) -> None:
    """Copy the other distgit's files from `path` over `folder`, and change the specs by its rules.

    Skips hidden files and anything that is not a regular file. With `keep_changelog` a spec
    of ours keeps its changelog when it is replaced.
    """
    Mirror(overlay.mirror).export(overlay.commit, scratch)
    changelogs = {spec.name: _changelog(spec) for spec in folder.glob("*.spec")}
    folder.mkdir(parents=True, exist_ok=True)
    for file in (scratch / path).glob("*"):
        if file.is_file() and not file.is_symlink() and not file.name.startswith("."):
            file.replace(folder / file.name)
    for spec in folder.glob("*.spec"):
        if not spec.is_symlink():
            lines = _text(spec).split("\n")
            for rule in overlay.rules:
                lines = [rule.apply(line) for line in lines]
            text = "\n".join(lines)
            if keep_changelog and changelogs.get(spec.name):
                text = _CHANGELOG.sub("", text) + changelogs[spec.name]
            spec.write_text(text, "utf-8", "surrogateescape")


def _changelog(spec: Path) -> str:
    found = None if spec.is_symlink() else _CHANGELOG.search(_text(spec))
    return found[0] if found else ""


def _text(spec: Path) -> str:
    return spec.read_text(
        "utf-8", "surrogateescape"
    )  # bytes that are not UTF-8 come back unchanged
