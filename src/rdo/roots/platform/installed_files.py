"""Read from the RPM database of a base layer what its packages say about their files."""

import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from rdo.roots.platform.platforms import BaseLayer
from rdo.tools.rpm.many_headers import FileEntry
from rdo.tools.walls.root import Root

_GHOST = 1 << 6
_FORMAT = (
    r"[%{=NAME}\t%{FILENAMES}\t%{FILEMODES}\t%{FILEUSERNAME}\t%{FILEGROUPNAME}\t%{FILEDIGESTS}\t"
    r"%{FILELINKTOS}\t%{FILECOLORS}\t%{FILEFLAGS}\n]"
)


def installed_files(
    base: BaseLayer, names: Collection[str], paths: Collection[str]
) -> Mapping[tuple[str, str], FileEntry]:
    """Return those of the paths that packages of the base layer own, by package and path."""
    if not names:
        return {}
    with tempfile.TemporaryDirectory(prefix="rdo-base-files-") as folder:
        root = Root(base.layers, Path(folder) / "work")
        done = root.ask("rpm", "-q", "--qf", _FORMAT, "--", *sorted(names), ok=range(256))
        found = {}
        for line in done.stdout.splitlines():
            words = line.split("\t")
            if len(words) == 9 and words[1] in paths and not int(words[8]) & _GHOST:
                name, path, mode, user, group, digest, link, color, _ = words
                entry = FileEntry(int(mode), user, group, digest or link, int(color or 0))
                found[name, path] = entry
        return found
