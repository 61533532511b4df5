"""The keys of an answer file: packstack's names, options and defaults, with help texts of ours."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from typing import Any

PLACEHOLDER = "PW_PLACEHOLDER"
"""Stands for a password that was not given; one is generated."""

RANDOM = "@random"
"""The default of a generated secret that packstack does not call a password."""


class Kind(StrEnum):
    """The kind of a key's value; `rdo.deploy.value_checks` has a check for each."""

    ADDRESS = "address"
    CHOICE = "choice"
    CHOICES = "choices"
    DEVICES = "devices"
    ENCRYPTION_KEY = "encryption-key"
    EXPORTS = "exports"
    FLOAT = "float"
    HOST = "host"
    HOSTS = "hosts"
    INTEGER = "integer"
    JSON_LIST = "json-list"
    LDAP_DN = "ldap-dn"
    LDAP_URL = "ldap-url"
    NETWORK = "network"
    NETWORKS = "networks"
    PATH = "path"
    PORT = "port"
    PUBLIC_KEY = "public-key"
    SIZE = "size"
    TEXT = "text"
    WORKERS = "workers"
    YES_NO = "yes-no"


class Support(StrEnum):
    """How rdo treats a key: uses it, does not support it yet, or refuses it."""

    USED = "used"
    LATER = "not here yet"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the answer file; its value may be empty unless it is `required`.

    A `default` that begins with `@` is taken from the machine, or generated. `refused` is why any
    value but the default is refused. `old` are former names of the key.
    """

    name: str
    option: str
    default: str
    kind: Kind
    help: str
    choices: tuple[str, ...] = ()
    required: bool = False
    secret: bool = False
    hidden: bool = False
    used: bool = False
    refused: str = ""
    old: tuple[str, ...] = ()

    @property
    def is_made(self) -> bool:
        """Whether a value is generated if none is given."""
        return self.default in {PLACEHOLDER, RANDOM}

    @property
    def support(self) -> Support:
        """How rdo treats the key."""
        if self.refused:
            return Support.REFUSED
        return Support.USED if self.used else Support.LATER


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """Keys that belong together.

    `when` is the condition under which they matter: for each key that it names, one item of the
    value must be among these, or there must be any value for `*`.
    """

    name: str
    title: str
    keys: tuple[Key, ...]
    when: Mapping[str, tuple[str, ...]]

    def is_active(self, values: Mapping[str, str]) -> bool:
        """Whether the keys matter, given the values of all keys."""
        return not self.switched_off_by(values)

    def switched_off_by(self, values: Mapping[str, str]) -> str:
        """Return the first key whose value switches the keys off; empty if none does."""
        for key, wanted in self.when.items():
            items = filter(None, values[key].split(","))
            if not any(item in wanted or "*" in wanted for item in items):
                return key
        return ""


@dataclass(frozen=True)
class KeyTable:
    """All keys, in packstack's order."""

    groups: tuple[KeyGroup, ...]

    @cached_property
    def keys(self) -> dict[str, Key]:
        """The keys by name."""
        return {key.name: key for group in self.groups for key in group.keys}

    @cached_property
    def renamed(self) -> dict[str, str]:
        """The current key for each old name."""
        return {old: key.name for key in self.keys.values() for old in key.old}

    def __iter__(self) -> Iterator[Key]:
        return iter(self.keys.values())


def load_keys() -> KeyTable:
    """Return the table of keys that comes with rdo."""
    content = tomllib.loads((files("rdo.deploy") / "keys.toml").read_text())
    return KeyTable(tuple(_group(one) for one in content["groups"]))


def _group(table: dict[str, Any]) -> KeyGroup:
    when = {
        key: (wanted,) if isinstance(wanted, str) else tuple(wanted)
        for key, wanted in table.get("when", {}).items()
    }
    return KeyGroup(table["name"], table["title"], tuple(map(_key, table["keys"])), when)


def _key(table: dict[str, Any]) -> Key:
    lists = {name: tuple(table.get(name, ())) for name in ("choices", "old")}
    return Key(**{**table, **lists, "kind": Kind(table["kind"])})
