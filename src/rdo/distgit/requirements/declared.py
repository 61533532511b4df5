"""Read the requirements that an upstream source declares in its files."""

import ast
import configparser
import logging
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from rdo.model.toml_text import read_toml

log = logging.getLogger(__name__)

TEST_GROUPS = frozenset({"test", "tests", "testing"})
_TEST_FILES = (
    "test-requirements.txt",
    "requirements-test.txt",
    "requirements/test.txt",
    "tests/requirements.txt",
    "test_requirements.txt",
)
_LOWER = re.compile(r"(>=?|~=|===?) *(\S+)")


class RequirementKind(StrEnum):
    """The purpose of a requirement."""

    RUN = "run"
    EXTRA = "extra"
    BUILD = "build"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A requirement on a project, with its versions as written, but evenly spaced."""

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
        """The part of the versions that a spec can express with one `>=`; else all of them."""
        for part in self.versions.split(","):
            if match := _LOWER.fullmatch(part.strip()):
                operator = ">=" if match[1] == "~=" else match[1]
                return f"{operator} {match[2]}" if operator in (">", ">=") else part.strip()
        return self.versions

    def accepts(self, version: str) -> bool:
        """Whether a version meets all parts, including exclusions."""
        specifier = SpecifierSet(self.versions.replace(" ", ""))
        return specifier.contains(version, prereleases=True)

    def __str__(self) -> str:
        return f"{self.name} {self.versions}".rstrip()


class SourceFiles(Protocol):
    """An upstream source whose files can be read; a missing file gives None."""

    def file(self, path: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Python:
    """The interpreter for which environment markers are evaluated."""

    version: str = "3.9"

    @property
    def environment(self) -> dict[str, str]:
        full = self.version if self.version.count(".") > 1 else f"{self.version}.0"
        return {
            "implementation_name": "cpython",
            "implementation_version": full,
            "os_name": "posix",
            "platform_machine": "x86_64",
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": full,
            "python_version": ".".join(full.split(".")[:2]),
            "sys_platform": "linux",
        }

    def applies(self, requirement: Requirement, extra: str = "") -> bool:
        marker = requirement.marker
        return marker is None or marker.evaluate({**self.environment, "extra": extra})


def parse_lines(
    text: str, python: Python, kind: RequirementKind = RequirementKind.RUN
) -> list[Wanted]:
    """Parse the requirements of a requirements.txt for one interpreter, sorted by name.

    >>> [str(one) for one in parse_lines("b!=1.5,>=1  # why\\na;python_version<'3'", Python())]
    ['b != 1.5,>= 1']
    """
    found = []
    for raw in sorted(text.replace("\\\n", " ").splitlines(), key=str.lower):
        line = re.split(r"(?:^|\s)#", raw, maxsplit=1)[0].strip()
        if line and not re.match(r"-|[\w+]+://", line):
            found += list(_one(line, python, kind))
    return found


def _one(text: str, python: Python, kind: RequirementKind, extra: str = "") -> Iterator[Wanted]:
    """Parse one requirement, and keep its versions in the order written."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        log.warning("Failed to parse requirement: %s", text)
        return
    if not python.applies(requirement, extra):
        return
    written = re.sub(r"\[[^\]]*\]", "", text.partition(";")[0].partition("@")[0])
    versions = re.sub(r"[()\s]", "", written.removeprefix(requirement.name))
    spaced = re.sub(r"([<>=!~]+)", r"\1 ", versions)
    extras = tuple(sorted(requirement.extras))
    yield Wanted(requirement.name, spaced, kind, extra, extras)


def read(source: SourceFiles, python: Python) -> list[Wanted]:
    """Return everything that a source requires: at run time, for extras, builds and tests."""
    project = _toml(source.file("pyproject.toml"), "pyproject.toml")
    config = _ini(source.file("setup.cfg"))
    found = runtime(source, python)
    found += _extras(project, config, python)
    build = _table(project, "build-system").get("requires", [])
    found += [one for text in _texts(build) for one in _one(text, python, RequirementKind.BUILD)]
    found += _tests(source, project, python)
    return list(dict.fromkeys(found))


def runtime(source: SourceFiles, python: Python) -> list[Wanted]:
    """Return runtime requirements from requirements.txt, pyproject.toml, setup.cfg or setup.py."""
    text = source.file("requirements.txt")
    if text is not None:
        if not text.strip():
            log.warning("The requirements.txt file is empty")
        return parse_lines(text, python)
    project = _table(_toml(source.file("pyproject.toml"), "pyproject.toml"), "project")
    rows = list(_texts(project.get("dependencies", [])))
    if not rows:
        config = _ini(source.file("setup.cfg"))
        rows = config.get("options", "install_requires", fallback="").splitlines()
    if not rows:
        rows = _setup_requires(source.file("setup.py") or "")
    return parse_lines("\n".join(rows), python)


def _tests(source: SourceFiles, project: dict[str, Any], python: Python) -> list[Wanted]:
    for name in _TEST_FILES:
        if text := source.file(name):
            return parse_lines(text, python, RequirementKind.TEST)
    groups = _table(project, "dependency-groups")
    rows = [
        text
        for name, texts in groups.items()
        if canonicalize_name(name) in TEST_GROUPS
        for text in _texts(texts)
    ]
    return parse_lines("\n".join(rows), python, RequirementKind.TEST)


def _extras(
    project: dict[str, Any], config: configparser.RawConfigParser, python: Python
) -> list[Wanted]:
    optional = _table(_table(project, "project"), "optional-dependencies")
    named = {name: list(_texts(rows)) for name, rows in optional.items()}
    for section in ("options.extras_require", "extras"):
        if config.has_section(section):
            named |= {name: rows.splitlines() for name, rows in config.items(section)}
    found = []
    for name, rows in named.items():
        extra = str(canonicalize_name(name))
        kind = RequirementKind.TEST if extra in TEST_GROUPS else RequirementKind.EXTRA
        for row in rows:
            line = re.sub(r"\s+\(([^)]*)\)\s*$", r" ; \1", row.partition("#")[0].strip())
            if line:
                found += list(_one(line, python, kind, extra))
    return found


def extra_names(source: SourceFiles) -> set[str]:
    """Return the extras that a source declares."""
    project = _toml(source.file("pyproject.toml"), "pyproject.toml")
    config = _ini(source.file("setup.cfg"))
    names = set(_table(_table(project, "project"), "optional-dependencies"))
    for section in ("options.extras_require", "extras"):
        if config.has_section(section):
            names |= set(config.options(section))
    return {str(canonicalize_name(name)) for name in names}


def _setup_requires(text: str) -> list[str]:
    """Return the literal `install_requires` of a setup.py, which is never executed."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    known = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            value = node.value
            if isinstance(value, ast.Name):
                value = known.get(value.id, value)
            if isinstance(value, ast.List | ast.Tuple):
                return [
                    one.value
                    for one in value.elts
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                ]
    return []


def _toml(text: str | None, name: str) -> dict[str, Any]:
    try:
        return read_toml(text or "")
    except tomllib.TOMLDecodeError as error:
        log.warning("cannot read %s: %s", name, error)
        return {}


def _ini(text: str | None) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text or "")
    except configparser.Error as error:
        log.warning("cannot read setup.cfg: %s", error)
    return parser


def _table(value: Any, key: str) -> dict[str, Any]:
    inside = value.get(key, {}) if isinstance(value, dict) else {}
    return inside if isinstance(inside, dict) else {}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, str))


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
