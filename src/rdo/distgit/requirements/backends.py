"""What a source's build backend would write as its requirements, read from files alone.

Each backend has its own place: `[project]`, poetry's and flit's tables, setup.cfg, setup.py, pbr's
requirements.txt. What only running the source could tell is not known: the reason is kept, and
nobody may take it for "nothing is required".
"""

import ast
import configparser
import logging
import posixpath
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rdo.distgit.requirements import poetry
from rdo.model.text.toml_text import read_toml

log = logging.getLogger(__name__)

_PBR_FILES = ("requirements-py3.txt", "requirements.txt", "tools/pip-requires")
_INCLUDE = re.compile(r"(?:-r\s*|--requirement[\s=]\s*)(?P<name>\S+)")
_EGG = re.compile(r"#(?:[^#]*&)?egg=(?P<name>[\w.-]+)")
_OPTION = re.compile(r"\s--(?:hash|config-settings|global-option|install-option)\b.*")
_DEEPEST = 10


class SourceFiles(Protocol):
    """An upstream source whose files can be read; a missing file gives None."""

    def file(self, path: str) -> str | None: ...


@dataclass(slots=True)
class Declarations:
    """The lines with requirements of a source; the reasons in `unknown` say what is missing."""

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
            or "pbr" in self.config.get("global", "setup-hooks", fallback="")
            or any(self.config.has_section(name) for name in ("files", "pbr", "extras"))
        )

    @property
    def is_poetry(self) -> bool:
        """Whether poetry builds it; without a build system, its table says so."""
        has_backend = bool(table(self.pyproject, "build-system"))
        return "poetry" in self.backend or bool(not has_backend and _of_tool(self, "poetry"))

    @property
    def is_declared(self) -> bool:
        """Whether any file says how the source is built."""
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
        found.unknown.append(f"{source.backend} declares them in no file that is read here")
    _groups(source, found)
    return found


def _from_project(source: _Source, project: Mapping[str, Any], found: Declarations) -> None:
    """Read `[project]`; what it calls dynamic comes from the backend."""
    dynamic = {str(one) for one in project.get("dynamic") or [] if isinstance(one, str)}
    found.run = list(texts(project.get("dependencies", [])))
    found.extras = _lists(table(project, "optional-dependencies"))
    run = "dependencies" in dynamic and "dependencies" not in project
    extras = "optional-dependencies" in dynamic and "optional-dependencies" not in project
    if not run and not extras:
        return
    hatch = table(_of_tool(source, "hatch"), "metadata")
    hook = table(table(hatch, "hooks"), "requirements_txt")
    if "poetry" in source.backend:
        _from_poetry(source, found, run=run)
    elif hook:
        _from_files(source, hook.get("files") if run else (), found)
        for name, value in table(hook, "optional-dependencies").items():
            found.extras[name] = list(_lines_of(source.files, _names(value), found))
    elif source.backend.startswith(("setuptools", "pbr")):
        _from_dynamic(source, found, run=run, extras=extras)
    else:
        names = " and ".join(sorted(dynamic & {"dependencies", "optional-dependencies"}))
        found.unknown.append(f"pyproject.toml calls {names} dynamic, for {source.backend}")


def _from_dynamic(source: _Source, found: Declarations, *, run: bool, extras: bool) -> None:
    """Read the files that setuptools is told to read, else what setup.py and setup.cfg say."""
    dynamic = table(_of_tool(source, "setuptools"), "dynamic")
    by_file = table(dynamic, "dependencies")
    if run and by_file:
        _from_files(source, by_file.get("file"), found)
    elif run:
        old = Declarations()
        _from_setuptools(source, old)
        found.run, found.unknown = old.run, [*found.unknown, *old.unknown]
        found.extras = {**old.extras, **found.extras}
    for name, value in table(dynamic, "optional-dependencies").items() if extras else ():
        names = _names(value.get("file") if isinstance(value, dict) else value)
        found.extras[name] = list(_lines_of(source.files, names, found))


def _from_poetry(source: _Source, found: Declarations, *, run: bool) -> None:
    tool = _of_tool(source, "poetry")
    rows = table(tool, "dependencies")
    if run:
        found.run = list(poetry.dependencies(rows))
    optional = list(poetry.dependencies(rows, optional=None))
    for extra, names in table(tool, "extras").items():
        wanted = {_key(name) for name in texts(names)}
        found.extras[extra] = [one for one in optional if _key(_name(one)) in wanted]


def _from_setuptools(source: _Source, found: Declarations) -> None:
    """Read setup.py and setup.cfg, or pbr's files; setup.py counts first, as in setuptools."""
    if source.is_pbr or not source.is_declared:
        _from_pbr(source, found)
    else:
        rows, reason = literal_argument(source.setup, "install_requires")
        if reason:
            found.unknown.append(reason)
        found.run = rows
        if not rows and not reason:
            text = source.config.get("options", "install_requires", fallback="")
            found.run = list(_of_option(source, text, found))
    for section in ("options.extras_require", "extras"):
        for name, text in (
            source.config.items(section) if source.config.has_section(section) else ()
        ):
            found.extras[name] = list(_of_option(source, text, found))
    if re.search(r"\bextras_require\b", source.setup):
        named, reason = _literal_extras(source.setup)
        found.extras = {**found.extras, **named}
        if reason:
            found.unknown.append(reason)
    tests = source.config.get("options", "tests_require", fallback="")
    if tests:
        found.groups["test"] = list(_of_option(source, tests, found))


def _from_pbr(source: _Source, found: Declarations) -> None:
    for name in _PBR_FILES:
        text = source.files.file(name)
        if text is None:
            continue
        if not text.strip():
            log.warning("The %s file is empty", name)
        found.run = list(requirement_lines(source.files, text, name, found.unknown))
        return


def _of_option(source: _Source, text: str, found: Declarations) -> Iterator[str]:
    """Yield the requirements of an option of setup.cfg: its lines, or those of `file:`."""
    if text.strip().startswith("file:"):
        names = [one.strip() for one in text.strip().removeprefix("file:").split(",")]
        yield from _lines_of(source.files, names, found)
        return
    yield from (line for line in text.splitlines() if line.strip())


def _from_files(source: _Source, names: Any, found: Declarations) -> None:
    found.run = list(_lines_of(source.files, _names(names), found))


def _lines_of(files: SourceFiles, names: Iterable[str], found: Declarations) -> Iterator[str]:
    for name in names:
        text = files.file(name)
        if text is None:
            found.unknown.append(f"{name}, which they are to be read from, does not exist")
        else:
            yield from requirement_lines(files, text, name, found.unknown)


def requirement_lines(
    files: SourceFiles, text: str, name: str, unknown: list[str], depth: int = 0
) -> Iterator[str]:
    """Yield the requirements of a file in pip's format, and of the files that it includes.

    Of a URL only the name after `#egg=` is used. A file that is missing is added to `unknown`.
    """
    for raw in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.split(r"(?:^|\s)#(?!egg=)", raw, maxsplit=1)[0].strip()
        if include := _INCLUDE.match(line):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), include["name"]))
            inside = None if path.startswith(("..", "/")) else files.file(path)
            if inside is None or depth >= _DEEPEST:
                unknown.append(f"{name} includes {include['name']}, which cannot be read")
            else:
                yield from requirement_lines(files, inside, path, unknown, depth + 1)
        elif (egg := _EGG.search(line)) and re.match(r"(-e|--editable|[\w+]+:)", line):
            yield egg["name"]
        elif line and not re.match(r"-|[\w+]+://", line):
            yield _OPTION.sub("", line)


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


def literal_argument(text: str, name: str) -> tuple[list[str], str]:
    """Return a list that setup.py gives to setup() literally, else why it is not known.

    setup.py is never executed.

    >>> literal_argument("a = ['x']\\nsetup(install_requires=a + ['y>1'])", "install_requires")
    (['x', 'y>1'], '')
    >>> literal_argument("setup(install_requires=read('r.txt'))", "install_requires")
    ([], 'setup.py computes install_requires')
    """
    value, reason = _argument(text, name)
    if value is None or reason:
        return [], reason
    if isinstance(value, str):
        value = value.splitlines()
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return list(value), ""
    return [], f"setup.py computes {name}"


def _literal_extras(text: str) -> tuple[dict[str, list[str]], str]:
    value, reason = _argument(text, "extras_require")
    if not isinstance(value, dict):
        return {}, reason or ("" if value is None else "setup.py computes extras_require")
    rows = {key: [one] if isinstance(one, str) else one for key, one in value.items()}
    is_plain = all(
        isinstance(key, str) and isinstance(one, list | tuple) and all(map(_is_text, one))
        for key, one in rows.items()
    )
    if not is_plain:
        return {}, "setup.py computes extras_require"
    return {key: list(one) for key, one in rows.items()}, ""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _argument(text: str, name: str) -> tuple[object, str]:
    """Return the value of a keyword of setup(), else the reason why it is not known."""
    if not text.strip():
        return None, ""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None, "setup.py cannot be parsed"
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and _is_setup(one.func)]
    if not calls:
        return None, "setup.py does not call setup() itself"
    values = [key for call in calls for key in call.keywords if key.arg in (name, None)]
    named = [key.value for key in values if key.arg == name]
    if not named:
        return None, "setup.py computes the arguments of setup()" if values else ""
    try:
        return _value(named[0], _Names.of(tree)), ""
    except ValueError:
        return None, f"setup.py computes {name}"


def _is_setup(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "setup"


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of a module that are assigned once, and never changed."""

    values: Mapping[str, ast.expr]

    @classmethod
    def of(cls, tree: ast.Module) -> "_Names":
        assigned: dict[str, list[ast.expr]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    assigned.setdefault(_root(target), []).append(node.value)
            elif isinstance(node, ast.AnnAssign) and node.value:
                assigned.setdefault(_root(node.target), []).append(node.value)
            elif isinstance(node, ast.AugAssign):
                assigned.setdefault(_root(node.target), []).extend([node.value] * 2)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assigned.setdefault(_root(node.func), []).extend([node] * 2)
        once = {name: values[0] for name, values in assigned.items() if len(values) == 1}
        return cls({name: value for name, value in once.items() if name})


def _root(node: ast.expr) -> str:
    """Return the name at the beginning of `name.attribute[index]`."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _value(node: ast.expr, names: _Names, depth: int = 0) -> object:
    """Evaluate literals, names of literals, and sums of lists; anything else is a ValueError."""
    if depth > _DEEPEST:
        raise ValueError
    match node:
        case ast.Constant():
            return node.value
        case ast.List() | ast.Tuple():
            return [_value(one, names, depth + 1) for one in node.elts]
        case ast.Dict() if None not in node.keys:
            keys = [_value(key, names, depth + 1) for key in node.keys if key is not None]
            return dict(
                zip(keys, [_value(one, names, depth + 1) for one in node.values], strict=True)
            )
        case ast.Name() if node.id in names.values:
            return _value(names.values[node.id], names, depth + 1)
        case ast.BinOp(op=ast.Add()):
            left, right = (_value(one, names, depth + 1) for one in (node.left, node.right))
            if isinstance(left, list) and isinstance(right, list):
                return [*left, *right]
            if isinstance(left, str) and isinstance(right, str):
                return left + right
    raise ValueError


def _toml(text: str | None, unknown: list[str]) -> dict[str, Any]:
    try:
        return read_toml(text or "")
    except tomllib.TOMLDecodeError as error:
        unknown.append(f"cannot read pyproject.toml: {error}")
        return {}


def _ini(text: str | None, unknown: list[str]) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
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
