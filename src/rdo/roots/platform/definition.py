"""A platform's definition: the TOML file that describes its base layer."""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from rdo.config.faults import parse_toml, sentence, several, where
from rdo.config.lines import key_lines
from rdo.config.section import Line, Section
from rdo.errors import ConfigError, NotFoundError, did_you_mean
from rdo.model.platform import BaseRepository, Family, Interpreter, Platform

_MODULE = re.compile(r"python3-|libapache2-mod-wsgi-py3$")
"""Debian packages that only the base's own Python can use."""

_EL_PARTS = ("devel", "pip", "setuptools", "wheel")
"""The packages that EL has for each of its Pythons, after its name and a dash."""

_DEFINITIONS = resources.files("rdo.roots") / "definitions"


def _address(text: str) -> str:
    if not re.fullmatch(r"(https?|file)://\S+", text):
        raise ValueError("must be a URL with http://, https:// or file://")
    return text


def _constraint(text: str) -> str:
    try:
        Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(
            f"must be a line of a constraints file, such as setuptools<81: {error}"
        ) from error
    return text


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


Url = Annotated[str, AfterValidator(_address)]
Urls = Annotated[list[Url], BeforeValidator(_one_or_more)]
Word = Annotated[str, StringConstraints(pattern=r"^[^\s%(){}\x00-\x1f\x7f]+$")]
# dnf would take a leading dash for an option.
Package = Annotated[str, StringConstraints(pattern=r"^[^\s-]\S*$")]
RepositoryName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
Macro = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Unit = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]*\.[a-z]+$")]
Names = dict[Line, list[Word]]
# A name with parentheses, as in rubygem(rexml) or libfoo.so.1()(64bit).
Capability = Annotated[
    str,
    StringConstraints(pattern=r"^[^\s%(){}\x00-\x1f\x7f]+(\([^\s%(){}\x00-\x1f\x7f]*\)){0,2}$"),
]
Capabilities = dict[Line, list[Capability]]
Python = Annotated[str, StringConstraints(pattern=r"^3\.\d+$")]
Constraint = Annotated[str, AfterValidator(_constraint)]


class _Repository(Section):
    """A section `[repositories.NAME]`; its keys mean the same as in a .repo file."""

    baseurl: Urls = Field(default_factory=list)
    metalink: Url | None = None
    mirrorlist: Url | None = None
    gpgkey: Urls = Field(default_factory=list)
    gpgcheck: bool = True
    priority: Annotated[int, Field(ge=1, le=99)] = 99
    exclude: list[Word] = Field(default_factory=list)
    module_hotfixes: bool = False

    @model_validator(mode="after")
    def _is_complete(self) -> "_Repository":
        if sum(map(bool, (self.baseurl, self.metalink, self.mirrorlist))) != 1:
            raise ValueError("must have one of baseurl, metalink, mirrorlist")
        if self.gpgcheck and not self.gpgkey:
            raise ValueError("must have a gpgkey, or gpgcheck = false")
        return self

    def value(self, name: str) -> BaseRepository:
        return BaseRepository(
            name=name,
            baseurl=tuple(self.baseurl),
            metalink=self.metalink or "",
            mirrorlist=self.mirrorlist or "",
            gpgkey=tuple(self.gpgkey),
            gpgcheck=self.gpgcheck,
            priority=self.priority,
            exclude=tuple(self.exclude),
            module_hotfixes=self.module_hotfixes,
        )


class _Definition(Section):
    """The keys that every platform's definition has."""

    family: str
    arch: Word
    dist: Annotated[str, StringConstraints(pattern=r"^\.[A-Za-z0-9._~]+$")]
    releasever: Word
    python: Python
    glibc: Annotated[str, StringConstraints(pattern=r"^2\.\d+$")]
    packages: Annotated[list[Package], Field(min_length=1)]
    python_packages: list[Word] = Field(default_factory=list)
    python_constraints: list[Constraint] = Field(default_factory=list)
    macros: dict[Macro, Line] = Field(default_factory=dict)

    def value(self, name: str) -> Platform:
        """Return the platform that the file defines."""
        return Platform(
            name=name,
            family=Family(self.family),
            arch=self.arch,
            dist=self.dist,
            releasever=self.releasever,
            suite="",
            python=self.python,
            glibc=self.glibc,
            packages=tuple(self.packages),
            python_packages=tuple(self.python_packages),
            python_constraints=tuple(self.python_constraints),
            macros=self.macros,
        )


class _Interpreter(Section):
    """The section `[interpreter]`: a Python that the base does not have."""

    python: Python


class _DebianDefinition(_Definition):
    suite: Word
    mirror: Url = "http://deb.debian.org/debian"
    provides: Capabilities = Field(default_factory=dict)
    bridged: Capabilities = Field(default_factory=dict)
    users: Names = Field(default_factory=dict)
    sdist_requires: Names = Field(default_factory=dict)
    spec_requires: dict[Line, list[Line]] = Field(default_factory=dict)
    sets: dict[Word, list[Capability]] = Field(default_factory=dict)
    units: dict[Line, dict[Unit, Unit]] = Field(default_factory=dict)
    interpreter: _Interpreter | None = None

    @field_validator("interpreter")
    @classmethod
    def _can_be_made(cls, found: _Interpreter, info: ValidationInfo) -> _Interpreter:
        base = info.data.get("python", "3.0")
        newer = {one: suite for one, suite in _suites().items() if _minor(one) > _minor(base)}
        if found.python not in newer:
            known = ", ".join(f"{one} ({suite})" for one, suite in newer.items()) or "none"
            raise ValueError(
                f"must name a Python that is newer than {base} and that a Debian suite has: {known}"
            )
        return found

    def value(self, name: str) -> Platform:
        plain, bridged = super().value(name), _tuples(self.bridged)
        if self.interpreter:
            bridged = {key: names for key, names in bridged.items() if not _MODULE.match(key)}
            own = self.interpreter.python
            origin = Interpreter(_suites()[own], self.python)
            plain = replace(plain, python=own, interpreter=origin)
        return replace(
            plain,
            suite=self.suite,
            mirror=self.mirror,
            provides=_tuples(self.provides),
            bridged=bridged,
            users=_tuples(self.users),
            sdist_requires=_tuples(self.sdist_requires),
            spec_requires=_tuples(self.spec_requires),
            sets=_tuples(self.sets),
            units=self.units,
        )


class _DnfDefinition(_Definition):
    module_platform_id: Word | None = None
    interpreter: _Interpreter | None = None
    repositories: Annotated[dict[RepositoryName, _Repository], Field(min_length=1)]

    @field_validator("interpreter")
    @classmethod
    def _is_newer(cls, found: _Interpreter, info: ValidationInfo) -> _Interpreter:
        base = info.data.get("python", "3.0")
        if _minor(found.python) <= _minor(base):
            raise ValueError(f"must name a Python that is newer than the base's {base}")
        return found

    def value(self, name: str) -> Platform:
        plain = super().value(name)
        if self.interpreter:
            plain = _beside_the_base(plain, self.interpreter.python)
        return replace(
            plain,
            module_platform_id=self.module_platform_id or "",
            repositories=tuple(one.value(key) for key, one in self.repositories.items()),
        )


def _beside_the_base(platform: Platform, python: str) -> Platform:
    """Return a dnf platform with a second Python, the package that EL has of it.

    A spec that requires headers or tools of Python 3 also gets those of this Python.
    """
    parts = {f"python3-{part}": f"python{python}-{part}" for part in _EL_PARTS}
    return replace(
        platform,
        python=python,
        interpreter=Interpreter("", platform.python),
        packages=(*platform.packages, f"python{python}"),
        spec_requires={name: (own,) for name, own in parts.items()},
    )


_CLASSES: dict[str, type[_Definition]] = {
    Family.DEBIAN: _DebianDefinition,
    Family.DNF: _DnfDefinition,
}


def built_in_platforms() -> list[str]:
    """Return the names of the platforms that come with rdo."""
    return sorted(file.name.removesuffix(".toml") for file in _DEFINITIONS.iterdir())


def built_in_platform(name: str) -> Platform:
    """Return a platform that comes with rdo; raises NotFoundError for any other name."""
    if name not in built_in_platforms():
        raise NotFoundError(f"rdo does not come with a platform {name!r}")
    return parse_platform(name, _text_of(name), f"{name}.toml")


def unknown_platform(name: str, known: Iterable[str]) -> NotFoundError:
    """Return the error for a platform that does not exist; it suggests the nearest name."""
    names = sorted(known)
    return NotFoundError(
        f"there is no platform {name!r}{did_you_mean(name, names)}",
        hint=f"known: {', '.join(names)}",
    )


def with_sets(platform: Platform, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names with each `@NAME` replaced by the platform's set of that name.

    Raises NotFoundError for a set that the platform does not have.
    """
    found: list[str] = []
    for name in names:
        if not name.startswith("@"):
            found.append(name)
        elif name[1:] in platform.sets:
            found += platform.sets[name[1:]]
        else:
            known = ", ".join(f"@{one}" for one in platform.sets)
            raise NotFoundError(
                f"platform {platform.name} has no set {name}"
                f"{did_you_mean(name[1:], platform.sets)}",
                hint=f"its sets: {known or 'none'}",
            )
    return tuple(dict.fromkeys(found))


def read_definition(name: str, file: Path) -> Platform:
    """Return the platform `name` as defined in `file`; raises ConfigError that lists all faults."""
    try:
        text = file.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"{file}: {os.strerror(error.errno or 0)}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8") from error
    return parse_platform(name, text, str(file))


def parse_platform(name: str, text: str, shown: str) -> Platform:
    """Return a platform from the text of its definition; raises ConfigError that lists all faults.

    `shown` is the file's name in errors.
    """
    table = _extended(parse_toml(text, shown), text, shown)
    kind = table.get("family")
    if kind not in _CLASSES:
        said = f"family must be one of {', '.join(_CLASSES)}"
        raise ConfigError(f"{where(shown, key_lines(text), ('family',))}: {said}")
    try:
        return _CLASSES[kind].model_validate(table).value(name)
    except ValidationError as error:
        raise ConfigError(several(list(_faults(error, _CLASSES[kind], text, shown)))) from error


def _extended(table: dict[str, Any], text: str, shown: str) -> dict[str, Any]:
    """Return the keys of a definition together with those of the platform that it extends.

    A key replaces that of the other platform. Tables are merged, and an empty entry removes the
    other's entry. Raises ConfigError if it extends a platform that does not come with rdo.
    """
    if "extends" not in table:
        return table
    other = table["extends"]
    if other not in built_in_platforms():
        told = (
            f"extends must name a platform that comes with rdo: {', '.join(built_in_platforms())}"
        )
        raise ConfigError(f"{where(shown, key_lines(text), ('extends',))}: {told}")
    base = _extended(parse_toml(_text_of(other), other), _text_of(other), other)
    own = {key: _joined(base.get(key), value) for key, value in table.items() if key != "extends"}
    return base | own


def _suites() -> dict[str, str]:
    """Return the Debian suite of each Python that an interpreter can be made from."""
    texts = (_text_of(name) for name in built_in_platforms())
    tables = (tomllib.loads(text) for text in texts)
    return {one["python"]: one["suite"] for one in tables if "suite" in one and "python" in one}


def _minor(python: str) -> int:
    return int(python.partition(".")[2])


def _joined(other: object, own: object) -> object:
    if isinstance(other, dict) and isinstance(own, dict):
        return {key: value for key, value in (other | own).items() if value not in ([], {})}
    return own


def _text_of(name: str) -> str:
    return (_DEFINITIONS / f"{name}.toml").read_text()


def _faults(
    error: ValidationError, kind: type[_Definition], text: str, shown: str
) -> Iterator[str]:
    lines = key_lines(text)
    for detail in error.errors(include_url=False):
        path = tuple(part for part in detail["loc"] if isinstance(part, str) and part != "[key]")
        inside = len(path) > 2 and path[0] == "repositories"
        fields = (_Repository if inside else kind).model_fields.values()
        known = [str(field.alias) for field in fields]
        told = sentence(path, detail, known)
        yield f"{where(shown, lines, path)}: {told}"


def _tuples(names: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(value) for key, value in names.items()}
