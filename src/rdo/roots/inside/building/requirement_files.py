"""Read requirement files in pip's format. Runs inside the root."""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_INCLUDE = re.compile(r"^(?:-r\s*|--requirement[\s=]\s*)(?P<name>\S+)")
_EGG = re.compile(r"#(?:[^#]*&)?egg=(?P<name>[\w.-]+)")


def read_requirements(path: Path) -> list[str]:
    """Return all requirements of a file and of the files that it includes."""
    if not path.is_file():
        sys.exit(f"%pyproject_buildrequires: requirement file {path} does not exist")
    return list(requirement_lines(path.read_text().splitlines(), path.parent))


def requirement_lines(lines: Iterable[str], folder: Path) -> Iterator[str]:
    """Yield one requirement after another; `-r` is followed, other options are ignored.

    Of a URL, only the name after `#egg=` is used.

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
