"""Requirements in pip's file format, as far as they say what is needed. Runs inside the root."""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_INCLUDE = re.compile(r"^(?:-r\s*|--requirement[\s=]\s*)(?P<name>\S+)")
_EGG = re.compile(r"#(?:.*&)?egg=(?P<name>[\w.-]+)")


def read_requirements(path: Path) -> list[str]:
    """All requirements of a file and of those that it includes."""
    if not path.is_file():
        sys.exit(f"%pyproject_buildrequires: there is no requirement file {path}")
    return list(requirement_lines(path.read_text().splitlines(), path.parent))


def requirement_lines(lines: Iterable[str], folder: Path) -> Iterator[str]:
    """One requirement after the other; `-r` is followed, other options are left out.

    Of a URL only the name counts that it says behind `#egg=`.

    >>> list(requirement_lines(["a>=1 # why", "--pre", "git+https://x.test/b#egg=b"], Path()))
    ['a>=1', 'b']
    """
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    for raw in joined:
        line = re.split(r"(?:^|\s)#", raw, maxsplit=1)[0].strip()
        if include := _INCLUDE.match(line):
            yield from read_requirements(folder / include["name"])
        elif egg := _EGG.search(line):
            yield egg["name"]
        elif line and not line.startswith("-"):
            yield re.split(r"\s--(?:hash|config-settings|global-option)", line)[0].strip()
