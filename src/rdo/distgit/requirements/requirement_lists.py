"""Read files with lists of requirements, each as the program does that makes metadata of it.

The files look alike, but what pip accepts as a requirement or an option is an error for setuptools,
and nothing at all for hatch's plugin. If a line would end a build with an error, its known part is
used, and the reason why there may be more is kept.
"""

import posixpath
import re
from collections.abc import Iterator
from typing import Protocol
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement

_CONTINUED = re.compile(r"\\[ \t]*\r?\n")
_COMMENT = re.compile(r"(?:^|\s)#(?!egg=).*")
_INCLUDE = re.compile(r"(?:-r\s*|--requirement[\s=]\s*)(?P<name>\S+)")
_PBR_IGNORES = re.compile(r"\s*(?:-i|--index-url|--extra-index-url|--find-links|-f\s)")
_PBR_EGG = re.compile(r"egg=(?P<egg>[^&]+).*$")
_EGG = re.compile(r"#(?:[^#]*&)?egg=(?P<name>[\w.-]+)")
_EGG_VERSION = re.compile(r"-(?=\d+\.\d+\.\d)")
_OPTIONS = re.compile(r"(?<=\S)\s+(?:-[A-Za-z]\b|--[A-Za-z]).*")
_URL = re.compile(r"[\w+]+://")
_DEEPEST = 10


class SourceFiles(Protocol):
    """Reads files of an upstream source; a missing file is None."""

    def file(self, path: str) -> str | None: ...


def is_requirement(line: str) -> bool:
    """Whether a line is a requirement by PEP 508.

    >>> [is_requirement(x) for x in ("six>=1 ; python_version>'3'", "./six", "six --pre")]
    [True, False, False]
    """
    try:
        Requirement(line)
    except InvalidRequirement:
        return False
    return True


def setuptools_lines(text: str, name: str, unknown: list[str]) -> Iterator[str]:
    """Yield the requirements in a file that `dynamic` or `file:` names for setuptools.

    The file may contain only requirements, comments and continued lines.
    """
    for line in _lines(text):
        yield from _checked(line, name, "setuptools", unknown)


def hatch_lines(text: str, name: str, unknown: list[str]) -> Iterator[str]:
    """Yield the requirements in a file for hatch-requirements-txt, which ignores options."""
    for line in _lines(text):
        if not line.startswith("-"):
            yield from _checked(_OPTIONS.sub("", line), name, "hatch-requirements-txt", unknown)


def pbr_lines(
    files: SourceFiles, text: str, name: str, unknown: list[str], depth: int = 0
) -> Iterator[str]:
    """Yield the requirements that pbr reads in a file, and in the files it includes.

    An included file is searched in the top folder. Of a URL, only the egg is used.
    """
    for line in _lines(text):
        if line.startswith("-r "):
            included = line.removeprefix("-r ").strip()
            yield from _included(files, included, name, unknown, depth)
        elif not _PBR_IGNORES.match(line):
            address = re.sub(r"^-e\s+", "", line)
            if urlsplit(address).scheme and not is_requirement(address):
                address = _PBR_EGG.sub(_egg, urlsplit(address).fragment)
            if address:
                yield from _checked(address, name, "pbr", unknown, line)


def _included(
    files: SourceFiles, included: str, name: str, unknown: list[str], depth: int
) -> Iterator[str]:
    path = posixpath.normpath(included)
    inside = None if path.startswith(("..", "/")) else files.file(path)
    if inside is None or depth >= _DEEPEST:
        unknown.append(f"{name} includes {included}, which cannot be read")
    else:
        yield from pbr_lines(files, inside, path, unknown, depth + 1)


def _egg(match: re.Match[str]) -> str:
    """Return pbr's reading of `egg=nova-1.2.3`: `nova>=1.2.3`."""
    name, *version = _EGG_VERSION.split(match["egg"], maxsplit=1)
    return f"{name}>={version[0]}" if version else name


def pip_lines(files: SourceFiles, text: str, name: str, depth: int = 0) -> Iterator[str]:
    """Yield the requirements that pip reads in a file, and in the files it includes.

    Of a URL only the name after `#egg=` is used; a URL without a name is left out.
    """
    for line in _lines(text):
        if include := _INCLUDE.match(line):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), include["name"]))
            inside = None if path.startswith(("..", "/")) else files.file(path)
            if inside is not None and depth < _DEEPEST:
                yield from pip_lines(files, inside, path, depth + 1)
        elif (egg := _EGG.search(line)) and re.match(r"(-e|--editable|[\w+]+:)", line):
            yield egg["name"]
        elif not line.startswith("-") and not _URL.match(line):
            begins = _OPTIONS.sub("", line)
            if is_requirement(begins):
                yield begins


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of a file without comments, each with its continuation lines."""
    for raw in _CONTINUED.sub(" ", text).splitlines():
        if line := _COMMENT.sub("", raw).strip():
            yield line


def _checked(
    line: str, name: str, reader: str, unknown: list[str], written: str = ""
) -> Iterator[str]:
    """Yield a requirement; if the line is not one, record that, and yield its valid beginning.

    `written` is the line as the file has it, if `line` was derived from it.
    """
    if is_requirement(line):
        yield line
        return
    unknown.append(f"{name} has the line `{written or line}`, which {reader} refuses")
    begins = _OPTIONS.sub("", line)
    if is_requirement(begins):
        yield begins
