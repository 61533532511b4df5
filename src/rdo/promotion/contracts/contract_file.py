"""Contract files: what one repository takes from others, and what it promises to them.

They are TOML. Another side needs nothing else to check that its next repository breaks nothing.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from rdo.config.faults import parse_toml, sentence, several, where
from rdo.config.lines import key_lines
from rdo.config.section import Line, Name, Section
from rdo.errors import ConfigError

_MOST_BYTES = 1_000_000
_Capability = Annotated[
    str,
    StringConstraints(pattern=r"^[^\s<>=!]\S*( (<|<=|=|>=|>) [^\s<>=]+)?$", max_length=500),
]
_LISTED = {
    "requires": "RPM dependencies such as 'libvirt >= 10.0'",
    "promises": "RPM dependencies such as 'libvirt >= 10.0'",
    "replaces": "names of packages",
}
_RpmName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
_Priority = Annotated[int, Field(ge=1, le=99)]


class _Consumed(Section):
    requires: list[_Capability] = Field(default_factory=list)
    repositories: list[Line] = Field(default_factory=list)
    priority: _Priority = 99


class _ContractSection(Section):
    name: Name
    contact: Line = ""
    repositories: list[Line] = Field(default_factory=list)
    priority: _Priority = 99
    base: list[Line] = Field(default_factory=list)
    promises: list[_Capability] = Field(default_factory=list)
    replaces: list[_RpmName] = Field(default_factory=list)
    consumes: dict[Name, _Consumed] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consumption:
    """What one side takes from another: RPM dependencies, and repositories that provide them."""

    requires: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    priority: int = 99


@dataclass(frozen=True, slots=True)
class Contract:
    """The declaration of one side.

    `repositories` are the URLs or absolute folders of what it has published, which a host has with
    `priority`; `base` are those of the base system. `promises` are what it provides and will keep
    providing, `consumes` what it takes from other sides, by their names, `replaces` the packages of
    others that its own ones replace deliberately.
    """

    name: str
    contact: str = ""
    repositories: tuple[str, ...] = ()
    priority: int = 99
    base: tuple[str, ...] = ()
    promises: tuple[str, ...] = ()
    replaces: frozenset[str] = frozenset()
    consumes: dict[str, Consumption] = field(default_factory=dict)


def read_contract(path: Path) -> Contract:
    """Return the contract in a file; raises ConfigError with all faults if it is not valid.

    Relative folders of repositories start at the folder of the file.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {os.strerror(error.errno or 0)}") from error
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"{path} is larger than {_MOST_BYTES} bytes")
    try:
        return parse_contract(content.decode(), str(path), path.absolute().parent)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8") from error


def parse_contract(text: str, shown: str, folder: Path) -> Contract:
    """Return the contract in a text, as `read_contract` does; errors call the text `shown`.

    >>> parse_contract("name = 'cloud'\\npromise = ['nova']", "cloud.toml", Path("/"))
    Traceback (most recent call last):
    rdo.errors.ConfigError: cloud.toml:2: unknown key "promise"; did you mean "promises"?
    """
    try:
        read = _ContractSection.model_validate(parse_toml(text, shown))
    except ValidationError as error:
        raise ConfigError(several(list(_faults(error, text, shown)))) from error

    def places(listed: list[str]) -> tuple[str, ...]:
        return tuple(one if "://" in one else str(folder / one) for one in listed)

    if read.name in read.consumes:
        raise ConfigError(f"{shown}: {read.name} consumes itself")
    return Contract(
        read.name,
        read.contact,
        places(read.repositories),
        read.priority,
        places(read.base),
        tuple(read.promises),
        frozenset(read.replaces),
        {
            name: Consumption(tuple(one.requires), places(one.repositories), one.priority)
            for name, one in read.consumes.items()
        },
    )


def _faults(error: ValidationError, text: str, shown: str) -> Iterator[str]:
    lines = key_lines(text)
    for detail in error.errors(include_url=False):
        path = tuple(part for part in detail["loc"] if isinstance(part, str) and part != "[key]")
        is_inside = len(path) > 2 and path[0] == "consumes"
        fields = (_Consumed if is_inside else _ContractSection).model_fields
        known = [str(one.alias) for one in fields.values()]
        if detail["type"] == "string_pattern_mismatch" and path[-1] in _LISTED:
            told = f"{'.'.join(path)} must list {_LISTED[path[-1]]}, not {detail['input']!r}"
        else:
            told = sentence(path, detail, known)
        yield f"{where(shown, lines, path)}: {told}"
