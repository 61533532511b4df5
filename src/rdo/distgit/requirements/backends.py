"""Read the requirements that a source's build backend would write, from files alone.

Each backend reads its own place: `[project]`, poetry's and flit's tables, setup.cfg, setup.py,
pbr's requirements.txt. If only running the source could show the requirements, they are unknown.
The reason is kept, because unknown must not be taken for "nothing is required".
"""

import configparser
import logging
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rdo.distgit.requirements import poetry
from rdo.distgit.requirements.requirement_lists import (
    SourceFiles,
    hatch_lines,
    pbr_lines,
    setuptools_lines,
)
from rdo.distgit.requirements.setup_py import literal_argument, literal_extras
from rdo.model.text.toml_text import read_toml

log = logging.getLogger(__name__)

_PBR_FILES = ("requirements-py3.txt", "requirements.txt", "tools/pip-requires")
_MARKER = re.compile(r"\s*(?:python_|os_name|sys_platform|platform_|implementation_|extra\b)")

_Reader = Callable[[str, str, list[str]], Iterator[str]]
"""Reads a file with requirements; takes text, name, and a list for reasons of unknown ones."""


@dataclass(slots=True)
class Declarations:
    """The requirement lines of a source; `unknown` has the reasons why some are missing."""

    run: list[str] = field(default_factory=list)
    extras: dict[str, list[str]] = field(default_factory=dict)
    build: list[str] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Source:
    """A source with its parsed declaration files."""

    files: SourceFiles
    pyproject: dict[str, Any]
    config: configparser.RawConfigParser
    setup: str

    @property
    def name(self) -> str:
        """The name of the project, as far as a file says it literally."""
        named = (
            table(self.pyproject, "project").get("name"),
            _of_tool(self, "poetry").get("name"),
            _option(self.config, "metadata", "name"),
        )
        return next((one for one in named if isinstance(one, str) and one), "")

    @property
    def backend(self) -> str:
        return str(table(self.pyproject, "build-system").get("build-backend") or "setuptools")

    @property
    def is_pbr(self) -> bool:
        """Whether pbr fills in the requirements."""
        build = texts(table(self.pyproject, "build-system").get("requires", []))
        return (
            self.backend.startswith("pbr")
            or any(_key(_name(one)) == "pbr" for one in build)
            or re.search(r"\bpbr\s*=\s*True\b", self.setup) is not None
            or "pbr" in _option(self.config, "global", "setup-hooks")
            or any(self.config.has_section(name) for name in ("files", "pbr", "extras"))
        )

    @property
    def is_poetry(self) -> bool:
        """Whether poetry builds it; without build system and setup.py, its table decides."""
        has_other = bool(table(self.pyproject, "build-system")) or bool(self.setup)
        return "poetry" in self.backend or bool(not has_other and _of_tool(self, "poetry"))

    @property
    def is_declared(self) -> bool:
        """Whether any file declares how the source is built."""
        return bool(self.pyproject or self.config.sections() or self.setup)


def declarations(files: SourceFiles) -> Declarations:
    """Return what a source declares, for all purposes."""
    found = Declarations()
    pyproject = _toml(files.file("pyproject.toml"), found.unknown)
    config = _ini(files.file("setup.cfg"), found.unknown)
    source = _Source(files, pyproject, config, files.file("setup.py") or "")
    found.build = list(texts(table(source.pyproject, "build-system").get("requires", [])))
    project = table(source.pyproject, "project")
    if project:
        _from_project(source, project, found)
    elif source.is_poetry:
        _from_poetry(source, found, run=True)
    elif "flit" in source.backend:
        metadata = table(_of_tool(source, "flit"), "metadata")
        found.run = list(texts(metadata.get("requires", [])))
        found.extras = _lists(table(metadata, "requires-extra"))
    elif source.backend.startswith(("setuptools", "pbr")):
        _from_setuptools(source, found)
    else:
        found.unknown.append(f"{source.backend} does not declare them in a file that rdo reads")
    _groups(source, found)
    for rows in (found.extras, found.groups):
        for name in rows:
            rows[name] = list(_own_expanded(rows[name], source.name, found.extras, ()))
    return found


def _own_expanded(
    rows: Iterable[str], project: str, extras: Mapping[str, list[str]], above: tuple[str, ...]
) -> Iterator[str]:
    """Yield requirements, with `demo[x]` of the project demo replaced by those of its extra x."""
    known = {_key(name): name for name in extras}
    for row in rows:
        own = re.fullmatch(r"\s*(?P<name>[\w.-]+)\s*\[(?P<extras>[^\]]*)\]\s*", row)
        if not own or not project or _key(own["name"]) != _key(project):
            yield row
            continue
        for name in map(_key, map(str.strip, own["extras"].split(","))):
            if name in known and name not in above:
                inside = extras[known[name]]
                yield from _own_expanded(inside, project, extras, (*above, name))


def _from_project(source: _Source, project: Mapping[str, Any], found: Declarations) -> None:
    """Read `[project]`; fields that it calls dynamic come from the backend."""
    dynamic = {str(one) for one in project.get("dynamic") or [] if isinstance(one, str)}
    found.run = list(texts(project.get("dependencies", [])))
    found.extras = _lists(table(project, "optional-dependencies"))
    run = "dependencies" in dynamic and "dependencies" not in project
    extras = "optional-dependencies" in dynamic and "optional-dependencies" not in project
    if "poetry" in source.backend:  # it takes empty lists for missing ones
        run = not found.run
        extras = run and not any(found.extras.values())
    if not run and not extras:
        return
    hatch = table(_of_tool(source, "hatch"), "metadata")
    hook = table(table(hatch, "hooks"), "requirements_txt")
    if "poetry" in source.backend:
        _from_poetry(source, found, run=run, extras=extras)
    elif "requirements_txt" in table(hatch, "hooks"):
        names = _names(hook.get("files", hook.get("filename", "requirements.txt"))) if run else []
        found.run = found.run or list(_lines_of(source, names, found, hatch_lines))
        for extra, value in table(hook, "optional-dependencies").items():
            found.extras[extra] = list(_lines_of(source, _names(value), found, hatch_lines))
    elif source.backend.startswith(("setuptools", "pbr")):
        _from_dynamic(source, found, run=run, extras=extras)
    else:
        both = " and ".join(sorted(dynamic & {"dependencies", "optional-dependencies"}))
        found.unknown.append(f"pyproject.toml calls {both} dynamic, for {source.backend}")


def _from_dynamic(source: _Source, found: Declarations, *, run: bool, extras: bool) -> None:
    """Read the files that pyproject.toml names for setuptools, else setup.py and setup.cfg."""
    dynamic = table(_of_tool(source, "setuptools"), "dynamic")
    if run and "dependencies" in dynamic:
        found.run = list(_of_directive(source, "dependencies", dynamic["dependencies"], found))
        run = False
    for name, value in table(dynamic, "optional-dependencies").items() if extras else ():
        found.extras[name] = list(_of_directive(source, f"the extra {name}", value, found))
        extras = False
    if not run and not extras:
        return
    old = Declarations()
    _from_setuptools(source, old)
    found.unknown += old.unknown
    if run:
        found.run = old.run
    if extras:
        found.extras |= old.extras


def _of_directive(source: _Source, what: str, value: Any, found: Declarations) -> Iterator[str]:
    """Yield the requirements of the files that a table of `tool.setuptools.dynamic` names."""
    names = _names(value.get("file") if isinstance(value, dict) else value)
    if not names:
        found.unknown.append(f"pyproject.toml names no file with {what}")
    yield from _lines_of(source, names, found, setuptools_lines)


def _from_poetry(source: _Source, found: Declarations, *, run: bool, extras: bool = True) -> None:
    tool = _of_tool(source, "poetry")
    rows = table(tool, "dependencies")
    if run:
        found.run = list(poetry.dependencies(rows))
    optional = list(poetry.dependencies(rows, optional=None))
    for extra, names in table(tool, "extras").items() if extras else ():
        wanted = {_key(name) for name in texts(names)}
        found.extras[extra] = [one for one in optional if _key(_name(one)) in wanted]


def _from_setuptools(source: _Source, found: Declarations) -> None:
    """Read setup.py and setup.cfg, or pbr's files; setup.py wins, as in setuptools."""
    if source.is_pbr or not source.is_declared:
        _from_pbr(source, found)
    else:
        rows, reason = literal_argument(source.setup, "install_requires")
        if reason:
            found.unknown.append(reason)
        found.run = rows
        if not rows and not reason:
            text = _option(source.config, "options", "install_requires")
            found.run = list(_of_option(source, text, found))
    for section in ("options.extras_require", "extras"):
        for name in source.config[section] if source.config.has_section(section) else ():
            of_extra = list(_of_option(source, _option(source.config, section, name), found))
            is_pbr = section == "extras"
            found.extras[name] = [_pbr_marker(row) for row in of_extra] if is_pbr else of_extra
    if re.search(r"\bextras_require\b", source.setup):
        named, reason = literal_extras(source.setup)
        found.extras = {**found.extras, **named}
        if reason:
            found.unknown.append(reason)
    tests = _option(source.config, "options", "tests_require")
    if tests:
        found.groups["test"] = list(_of_option(source, tests, found))


def _from_pbr(source: _Source, found: Declarations) -> None:
    for name in _PBR_FILES:
        text = source.files.file(name)
        if text is None:
            continue
        if not text.strip():
            log.warning("The %s file is empty", name)
        found.run = list(pbr_lines(source.files, text, name, found.unknown))
        return


def _option(config: configparser.RawConfigParser, section: str, name: str) -> str:
    """Return an option of setup.cfg as setuptools reads it: also `install-requires`, `%(name)s`."""
    dashed = name.replace("_", "-")
    key = dashed if config.has_option(section, dashed) else name
    try:
        return config.get(section, key, fallback="")
    except configparser.InterpolationError:
        return config.get(section, key, raw=True)


def _pbr_marker(row: str) -> str:
    """Return a requirement of pbr's `[extras]` with its marker behind a semicolon.

    >>> [_pbr_marker(x) for x in ("six:(python_version=='3.9')", "six>=1", "a @ http://b")]
    ["six ; python_version=='3.9'", 'six>=1', 'a @ http://b']
    """
    text = row.partition(" #")[0].strip()
    need, joint, marker = text.partition(":" if ":" in text else " (")
    marker = marker.strip().removeprefix("(").removesuffix(")")
    if not joint or {";", "@"} & set(need) or not _MARKER.match(marker):
        return row
    return f"{need} ; {marker}"


def _of_option(source: _Source, text: str, found: Declarations) -> Iterator[str]:
    """Yield the requirements in an option of setup.cfg, or in the files it names.

    A value on one line is a list separated by semicolons, so a marker in it is read as a
    requirement.
    """
    if text.startswith("file:"):
        names = [one.strip() for one in text.removeprefix("file:").split(",")]
        yield from _lines_of(source, names, found, setuptools_lines)
        return
    rows = text.splitlines() if "\n" in text else text.split(";")
    if "\n" not in text and any(_MARKER.match(row) for row in rows[1:]):
        found.unknown.append(
            f"setup.cfg has `{text}` in one line, and setuptools divides it at `;`"
        )
        rows = [text]
    yield from (row.strip() for row in rows if row.strip() and not row.strip().startswith("#"))


def _lines_of(
    source: _Source, names: Iterable[str], found: Declarations, reader: _Reader
) -> Iterator[str]:
    for name in names:
        text = source.files.file(name)
        if text is None:
            found.unknown.append(f"{name}, from which they are read, does not exist")
        else:
            yield from reader(text, name, found.unknown)


def _groups(source: _Source, found: Declarations) -> None:
    """Read the groups of PEP 735, poetry, pdm and hatch."""
    groups = table(source.pyproject, "dependency-groups")
    for name in groups:
        found.groups[name] = list(_group(groups, name, ()))
    tool = _of_tool(source, "poetry")
    for name, value in table(tool, "group").items():
        found.groups[name] = list(poetry.dependencies(table(value, "dependencies"), optional=None))
    found.groups |= _lists(table(_of_tool(source, "pdm"), "dev-dependencies"))
    for name, value in table(_of_tool(source, "hatch"), "envs").items():
        env = value if isinstance(value, dict) else {}
        rows = [*texts(env.get("dependencies")), *texts(env.get("extra-dependencies"))]
        if rows:
            found.groups[name.removeprefix("hatch-")] = rows


def _group(groups: Mapping[str, Any], name: str, above: tuple[str, ...]) -> Iterator[str]:
    known = {_key(one): one for one in groups}
    if _key(name) in map(_key, above) or _key(name) not in known:
        return
    rows = groups[known[_key(name)]]
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, str):
            yield row
        elif isinstance(row, dict) and isinstance(row.get("include-group"), str):
            yield from _group(groups, row["include-group"], (*above, name))


def _toml(text: str | None, unknown: list[str]) -> dict[str, Any]:
    try:
        return read_toml(text or "")
    except tomllib.TOMLDecodeError as error:
        unknown.append(f"cannot read pyproject.toml: {error}")
        return {}


def _ini(text: str | None, unknown: list[str]) -> configparser.RawConfigParser:
    parser = configparser.ConfigParser(strict=False)
    try:
        parser.read_string(text or "")
    except configparser.Error as error:
        unknown.append(f"cannot read setup.cfg: {str(error).splitlines()[0]}")
    return parser


def table(value: Any, key: str) -> dict[str, Any]:
    """Return a table inside a table; empty if there is none."""
    inside = value.get(key, {}) if isinstance(value, dict) else {}
    return inside if isinstance(inside, dict) else {}


def _of_tool(source: _Source, name: str) -> dict[str, Any]:
    return table(table(source.pyproject, "tool"), name)


def texts(value: Any) -> Iterator[str]:
    """Yield the texts of a list."""
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, str))


def _lists(value: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: list(texts(rows)) for name, rows in value.items()}


def _names(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(texts(value))


def _name(requirement: str) -> str:
    return re.split(r"[\s\[<>=!~;(]", requirement, maxsplit=1)[0]


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
