"""Read the requirements that a Python source declares in its files, without running any of it.

This is a prediction, made before the source's own build backend and tox can be installed and asked.
What is not declared in a known file is left out.
"""

import configparser
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from rdo.roots.inside.building.requirement_files import requirement_lines

_MAX_BYTES = 2_000_000
_MAX_DEPTH = 5
_REFERENCE = re.compile(r"\{\[([^\]{}]+)\]([^{}]+)\}")
_FACTORS = re.compile(r"([\w!,{}.-]+):\s+(.*)")
_HERE = re.compile(r"\{(?:toxinidir|tox_root)\}/?")
_DEFAULT_BUILD = ("setuptools >= 40.8", "wheel")


class DeclaredFiles:
    """The files of a source that declare requirements, in the current folder."""

    def __init__(self) -> None:
        self.project = _toml(Path("pyproject.toml"))
        self._setup = _ini(Path("setup.cfg"))
        self._tox = _ini(Path("tox.ini"))
        if not self._tox.sections():
            self._tox.read_string(_legacy_tox(self.project))

    def build(self) -> Iterator[Requirement]:
        """Yield build requirements, from pyproject.toml, setup.cfg and the words of setup.py."""
        system = _table(self.project, "build-system")
        yield from _readable(system.get("requires") or _DEFAULT_BUILD)
        yield from _readable(self._lines("options", "setup_requires"))
        yield from _readable(re.findall(r"""["'](pbr[^"']*)["']""", _text(Path("setup.py"))))

    def runtime(self) -> Iterator[Requirement]:
        """Yield the runtime requirements of the project."""
        yield from _readable(_table(self.project, "project").get("dependencies") or ())
        yield from _readable(self._lines("options", "install_requires"))
        uses_pbr = any(one.name == "pbr" for one in self.build())
        if uses_pbr and Path("requirements.txt").is_file():
            yield from _readable(_file("requirements.txt"))

    def tox(self, environments: Iterable[str]) -> Iterator[Requirement]:
        """Yield the deps of tox environments."""
        for environment in environments:
            section = f"testenv:{environment}"
            own = section if self._tox.has_option(section, "deps") else "testenv"
            factors = set(environment.split("-"))
            text = self._value(own, "deps")
            lines = (_of_factors(line.strip(), factors) for line in text.splitlines())
            yield from _readable(_followed(_HERE.sub("", line) for line in lines if line))

    def _lines(self, section: str, option: str) -> list[str]:
        return self._setup.get(section, option, fallback="").splitlines()

    def _value(self, section: str, option: str, depth: int = 0) -> str:
        text = self._tox.get(section, option, fallback="")
        if depth == _MAX_DEPTH:
            return text
        return _REFERENCE.sub(lambda one: self._value(one[1], one[2], depth + 1), text)


def _of_factors(line: str, factors: set[str]) -> str:
    """Return a line of `deps` without its condition on factors; empty if that is not met.

    >>> _of_factors("py311,docs: sphinx", {"docs"}), _of_factors("py27: mock", {"docs"})
    ('sphinx', '')
    """
    match = _FACTORS.fullmatch(line)
    if match is None:
        return line
    return match[2] if any(set(one.split("-")) <= factors for one in match[1].split(",")) else ""


def _followed(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        try:
            yield from requirement_lines([line], Path())
        except (
            SystemExit,
            OSError,
            ValueError,
            RecursionError,
        ):  # the file does not exist
            continue


def _file(name: str) -> Iterator[str]:
    return _followed([f"-r {name}"])


def _readable(texts: Iterable[Any]) -> Iterator[Requirement]:
    """Yield the texts that are requirements; the build will report the others."""
    for text in texts:
        try:
            yield Requirement(str(text).strip())
        except InvalidRequirement:
            continue


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    table = document.get(name)
    return table if isinstance(table, dict) else {}


def _legacy_tox(project: dict[str, Any]) -> str:
    return str(_table(_table(project, "tool"), "tox").get("legacy_tox_ini", ""))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError:
        return {}


def _ini(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(_text(path))
    except configparser.Error:
        parser.clear()
    return parser


def _text(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > _MAX_BYTES:
        return ""
    return path.read_text(errors="replace")
