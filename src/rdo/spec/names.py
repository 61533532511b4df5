"""Find the names of the packages that a spec defines, if they do not depend on the platform."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from rdo.errors import RefusedError
from rdo.spec.definitions import Definition, all_definitions
from rdo.spec.text import PREAMBLE, SpecText
from rdo.tools.rpm.rpmspec import Rpmspec

_T = TypeVar("_T")
_MOST, _LONGEST = 64, 200
_NAME_TAG = re.compile(r"\s*name\s*:\s*(?P<name>\S+)\s*$", re.IGNORECASE)
_PACKAGE = re.compile(r"%package\s+(?P<whole>-n\s+)?(?P<name>[^\s-]\S*)\s*$", re.IGNORECASE)
_MACRO = re.compile(r"%(?:\{(?P<ask>\??)(?P<braced>\w+)\}|(?P<bare>\w+))")
_UNKNOWN = re.compile(r"\s*%(?P<word>\{?[?!]*\w+)")
_DIRECTIVES = frozenset(
    (
        *("artifact", "attr", "caps", "config", "defattr", "dir", "doc", "docdir", "exclude"),
        *("ghost", "lang", "license", "missingok", "pubkey", "readme", "verify", "package"),
        *("description", "files", "endif", "else", "if", "elif"),
    )
)
_WITHOUT_SCRIPTS = frozenset((PREAMBLE, "package", "description", "files"))


def package_names(content: bytes, folder: Path, rpmspec: Rpmspec) -> frozenset[str] | None:
    """Return the names of a spec's binary packages: those in its text, and those that rpm reads.

    `folder` has its sources. None if the names depend on the platform that builds it: on macros
    that the spec does not define, or that the rpm of this machine does not know.
    """
    written = written_names(SpecText.parse(content))
    if written is None:
        return None
    try:
        read, parsed = rpmspec.packages(content, folder), rpmspec.parse(content, folder)
    except RefusedError:
        return None
    if _has_unknown_macros(parsed) or any("%" in name for name in read):
        return None
    return written.union(read)


def written_names(text: SpecText) -> frozenset[str] | None:
    """Return the names that a spec gives its packages, under any conditions.

    None if one depends on a macro that the spec itself does not define, or if there are too many.

    >>> text = SpecText.parse(b"%global x foo\\nName: py-%{x}\\n%package -n py3-%x\\n%package doc")
    >>> sorted(written_names(text))
    ['py-foo', 'py-foo-doc', 'py3-foo']
    >>> written_names(SpecText.parse(b"Name: %{?scl_prefix}foo"))
    """
    try:
        return frozenset(_Written(text).names())
    except _UnknownNameError:
        return None


class _UnknownNameError(Exception):
    """A name in a spec depends on a macro that the spec does not define."""


class _Written:
    """The names in the text of one spec; each macro is looked up once."""

    def __init__(self, text: SpecText) -> None:
        self._given: dict[str, list[Definition]] = {}
        for one in all_definitions(text):
            self._given.setdefault(one.name, []).append(one)
        self._lines = [line for line in text.read() if not line.continues]
        self._macros: dict[str, list[str]] = {}

    def names(self) -> Iterator[str]:
        """Yield the name of each package; raises _UnknownNameError."""
        main = self._main()
        self._macros["name"] = main
        yield from main
        for value, is_whole in self._packages():
            for name in self._expanded(value):
                yield from [name] if is_whole else [f"{one}-{name}" for one in main]

    def _main(self) -> list[str]:
        """Return the values of the Name tags in the preamble; conditions may give several."""
        lines = [line.text for line in self._lines if line.section == PREAMBLE]
        tags = [match["name"] for line in lines if (match := _NAME_TAG.match(line))]
        if not tags:
            raise _UnknownNameError
        return _few([name for tag in _few(tags) for name in self._expanded(tag)])

    def _packages(self) -> list[tuple[str, bool]]:
        """Return the text of each %package line, and whether it is a whole name."""
        said = [
            line.text.strip() for line in self._lines if line.text.lower().startswith("%package")
        ]
        found = [_PACKAGE.match(line) for line in _few(said)]
        if not all(found):
            raise _UnknownNameError
        return [(match["name"], bool(match["whole"])) for match in found if match]

    def _expanded(self, value: str) -> list[str]:
        """Return the texts that a value may become by the spec's own definitions of macros."""
        if len(value) > _LONGEST:
            raise _UnknownNameError
        found, done = [""], 0
        for match in _MACRO.finditer(value):
            name = match["braced"] or match["bare"]
            values = self._values(name)
            if match["ask"] and name != "name":  # it may be defined under a condition
                values = ["", *values]
            between = value[done : match.start()]
            found = _few([f"{one}{between}{more}" for one in found for more in values])
            done = match.end()
        found = [f"{one}{value[done:]}" for one in found]
        if any("%" in one for one in found):
            raise _UnknownNameError
        return found

    def _values(self, name: str) -> list[str]:
        """Return the values of a macro in a spec; a platform must not be able to change it."""
        if name not in self._macros:
            given = _few(self._given.get(name, []))
            self._macros[name] = []  # for a macro that is defined by itself
            _few([*self._macros])
            if any(one.head.lstrip().startswith("%{") for one in given):
                raise _UnknownNameError
            self._macros[name] = _few([x for one in given for x in self._expanded(one.value)])
        if not self._macros[name]:
            raise _UnknownNameError
        return self._macros[name]


def _few(found: list[_T]) -> list[_T]:
    """Return a list if it is not too long to process; no real spec has such a long one."""
    if len(found) > _MOST:
        raise _UnknownNameError
    return found


def _has_unknown_macros(parsed: str) -> bool:
    """Whether rpm has left a macro unexpanded where it could add packages."""
    return any(
        match["word"] not in _DIRECTIVES
        for line in SpecText.parse(parsed.encode(errors="surrogateescape")).read()
        if line.section in _WITHOUT_SCRIPTS and (match := _UNKNOWN.match(line.text))
    )
