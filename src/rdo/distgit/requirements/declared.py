"""Read the requirements that an upstream source declares in its files."""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from rdo.distgit.requirements.backends import Declarations, declarations
from rdo.distgit.requirements.requirement_lists import SourceFiles, pip_lines
from rdo.model.python import Python
from rdo.upstream_versions import as_spec_version

log = logging.getLogger(__name__)

TEST_GROUPS = frozenset({"test", "tests", "testing"})
_TEST_FILES = (
    "test-requirements.txt",
    "requirements-test.txt",
    "requirements/test.txt",
    "tests/requirements.txt",
    "test_requirements.txt",
)
_BOUND = re.compile(r"(>=?|~=|===?|<=?) *(\S+)")


class RequirementKind(StrEnum):
    """What a requirement is for."""

    RUN = "run"
    EXTRA = "extra"
    BUILD = "build"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A requirement on a project, with its versions as written, but with uniform blanks."""

    name: str
    versions: str = ""
    kind: RequirementKind = RequirementKind.RUN
    extra: str = ""
    extras: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return str(canonicalize_name(self.name))

    @property
    def lower(self) -> str:
        """The versions that one relation of rpm can express: the lower bound, else the upper.

        If there is neither, all of them, as upstream writes them.

        >>> [Wanted("x", v).lower for v in (">= 1.0rc1, != 1.1", "== 1.*", "!= 1.5, < 2.dev0")]
        ['>= 1.0~rc1', '>= 1', '< 2~~dev0']
        """
        parts = [match for x in self.versions.split(",") if (match := _BOUND.fullmatch(x.strip()))]
        parts.sort(key=lambda match: match[1].startswith("<"))
        for operator, version in (match.groups() for match in parts[:1]):
            is_least = operator == "~=" or version.endswith(".*")
            bound = as_spec_version(version.removesuffix(".*"))
            return f"{'>=' if is_least else operator.replace('===', '==')} {bound}"
        return self.versions

    def accepts(self, version: str) -> bool:
        """Whether a version meets all parts, including exclusions."""
        specifier = SpecifierSet(self.versions.replace(" ", ""))
        return specifier.contains(version, prereleases=True)

    def __str__(self) -> str:
        return f"{self.name} {self.versions}".rstrip()


def parse_lines(
    text: str, python: Python, kind: RequirementKind = RequirementKind.RUN
) -> list[Wanted]:
    """Parse the requirements of a requirements.txt for one interpreter, sorted by name.

    >>> [str(one) for one in parse_lines("b!=1.5,>=1  # why\\na;python_version<'3'", Python())]
    ['b != 1.5,>= 1']
    """
    found = []
    for raw in sorted(text.replace("\\\n", " ").splitlines(), key=str.lower):
        line = _without_comment(raw)
        if line and not re.match(r"-|[\w+]+://", line):
            found += list(_one(line, python, kind))
    return found


def _without_comment(line: str) -> str:
    return re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()


def _one(
    text: str,
    python: Python,
    kind: RequirementKind,
    extra: str = "",
    unknown: list[str] | None = None,
) -> Iterator[Wanted]:
    """Parse one requirement, and keep its versions in the order written.

    If it is not a requirement, record why something is unknown.
    """
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        log.warning("Failed to parse requirement: %s", text)
        if unknown is not None:
            unknown.append(f"`{text}` is not a requirement")
        return
    if not python.applies(requirement, extra):
        return
    written = re.sub(r"\[[^][]*\]", "", text.partition(";")[0].partition("@")[0])
    versions = re.sub(r"[()\s]", "", written.removeprefix(requirement.name))
    spaced = re.sub(r"(===|[<>=!~]=|[<>])", r"\1 ", versions)
    extras = tuple(sorted(requirement.extras))
    yield Wanted(requirement.name, spaced, kind, extra, extras)


@dataclass(frozen=True, slots=True)
class Declared:
    """The requirements of a source; `unknown` has reasons why there may be more requirements."""

    wanted: tuple[Wanted, ...]
    unknown: tuple[str, ...] = ()


def declared(source: SourceFiles, python: Python) -> Declared:
    """Return everything that a source requires: at run time, and for extras, builds and tests."""
    lines = declarations(source)
    unknown = list(lines.unknown)
    found = _rows(lines.run, python, RequirementKind.RUN, unknown)
    for name, rows in lines.extras.items():
        found += _of_extra(name, rows, python, unknown)
    for text in lines.build:
        found += _one(text, python, RequirementKind.BUILD, unknown=unknown)
    found += _tests(source, lines, python)
    return Declared(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(unknown)))


def read(source: SourceFiles, python: Python) -> list[Wanted]:
    """Return the known requirements of a source, without the reasons for unknown ones."""
    return list(declared(source, python).wanted)


def runtime(source: SourceFiles, python: Python) -> list[Wanted]:
    """Return the known runtime requirements of a source."""
    return _rows(declarations(source).run, python, RequirementKind.RUN, [])


def _rows(
    lines: Iterable[str], python: Python, kind: RequirementKind, unknown: list[str]
) -> list[Wanted]:
    """Parse the requirements that a backend gets, sorted by name."""
    rows = sorted(filter(None, map(_without_comment, lines)), key=str.lower)
    return [one for row in rows for one in _one(row, python, kind, unknown=unknown)]


def _tests(source: SourceFiles, lines: Declarations, python: Python) -> list[Wanted]:
    for name in _TEST_FILES:
        if text := source.file(name):
            rows = pip_lines(source, text, name)
            return _rows(rows, python, RequirementKind.TEST, [])
    grouped = [
        row
        for name, rows in lines.groups.items()
        if canonicalize_name(name) in TEST_GROUPS
        for row in rows
    ]
    return _rows(grouped, python, RequirementKind.TEST, [])


def _of_extra(name: str, rows: Iterable[str], python: Python, unknown: list[str]) -> list[Wanted]:
    """Parse the requirements of an extra, whose name may end with a marker after a colon."""
    name, _, marker = name.partition(":")
    extra = str(canonicalize_name(name))
    kind = RequirementKind.TEST if extra in TEST_GROUPS else RequirementKind.EXTRA
    kind = kind if extra else RequirementKind.RUN
    found: list[Wanted] = []
    for row in rows:
        line = _without_comment(row)
        if line and marker:
            need, _, own = line.partition(";")
            line = f"{need} ; ({own}) and ({marker})" if own.strip() else f"{need} ; {marker}"
        if line:
            found += _one(line, python, kind, extra, unknown)
    return found


def extra_names(source: SourceFiles) -> set[str]:
    """Return the extras that a source declares."""
    names = (name.partition(":")[0] for name in declarations(source).extras)
    return {str(canonicalize_name(name)) for name in names if name}


@dataclass(frozen=True, slots=True)
class RequirementChange:
    """A requirement that differs between two commits; `before` is None if it is new."""

    before: Wanted | None
    after: Wanted | None

    def __str__(self) -> str:
        one = self.after or self.before
        shown = str(one)
        if self.before and self.after:
            shown += f"  (was {self.before.versions or 'not capped'})"
        if one is None or one.kind is RequirementKind.RUN:
            return shown
        return f"{shown}  ({one.kind}{f' {one.extra}' if one.extra else ''})"


@dataclass(frozen=True, slots=True)
class Difference:
    """The differences between the requirements of two commits."""

    added: tuple[RequirementChange, ...]
    changed: tuple[RequirementChange, ...]
    removed: tuple[RequirementChange, ...]
    unknown: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the differences in rdopkg's layout."""
        lines = []
        for title, rows in (
            ("ADDED", self.added),
            ("CHANGED", self.changed),
            ("REMOVED", self.removed),
        ):
            if rows:
                lines += ["", f"{title}:", *(f"  {row}" for row in rows)]
        if self.unknown:
            lines += ["", "NOT KNOWN:", *(f"  {why}" for why in self.unknown)]
        return "\n".join([*(lines or ["", "no requirements changed"]), ""])


def difference(old: Iterable[Wanted], new: Iterable[Wanted]) -> Difference:
    """Compare requirements by project and purpose."""
    before: Mapping[tuple[str, ...], Wanted] = {_identity(one): one for one in old}
    after = {_identity(one): one for one in new}
    return Difference(
        added=tuple(
            RequirementChange(None, one) for key, one in after.items() if key not in before
        ),
        changed=tuple(
            RequirementChange(before[key], one)
            for key, one in after.items()
            if key in before and before[key].versions != one.versions
        ),
        removed=tuple(
            RequirementChange(one, None) for key, one in before.items() if key not in after
        ),
    )


def _identity(one: Wanted) -> tuple[str, ...]:
    return one.key, one.kind, one.extra
