"""The lock file of a target: each package that was bridged, by hash, and why it is there."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rdo import atomic
from rdo.errors import ConfigError
from rdo.tools.apt import Deb
from rdo.tools.pip import Resolved


class Origin(StrEnum):
    """Where a bridged package comes from."""

    PYPI = "pypi"
    DEBIAN = "debian"


@dataclass(frozen=True, slots=True)
class Entry:
    """One bridged package; `asked_by` are the RPM dependencies that brought it, none: another.

    `file` is a Debian package's file name, `requires` a wheel's requirements.
    """

    origin: Origin
    name: str
    version: str
    sha256: str
    file: str = ""
    requires: tuple[str, ...] = ()
    asked_by: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[Origin, str]:
        return self.origin, canonicalize_name(self.name)

    @property
    def resolved(self) -> Resolved:
        return Resolved(self.name, self.version, self.sha256, self.requires)

    @property
    def deb(self) -> Deb:
        return Deb(self.name, self.version, self.file, self.sha256)


@dataclass(frozen=True, slots=True)
class LockFile:
    """What the dependency repository holds, in the order of names, and the snapshot of it."""

    entries: tuple[Entry, ...] = ()
    snapshot: str = ""

    @classmethod
    def read(cls, path: Path) -> "LockFile":
        """The lock file at `path`; an empty one when there is none yet."""
        try:
            table = json.loads(path.read_text())
            return cls(tuple(map(_entry, table["packages"])), table["snapshot"])
        except FileNotFoundError:
            return cls()
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path} is damaged: {error}; restore it or remove it") from error

    def write(self, path: Path) -> None:
        table = {"snapshot": self.snapshot, "packages": [asdict(one) for one in self.entries]}
        atomic.write_file(path, json.dumps(table, indent=1) + "\n")

    def of(self, origin: Origin) -> tuple[Entry, ...]:
        return tuple(one for one in self.entries if one.origin is origin)


def _entry(row: dict[str, Any]) -> Entry:
    lists = {key: tuple(row[key]) for key in ("requires", "asked_by")}
    return Entry(**{**row, **lists, "origin": Origin(row["origin"])})


def merged(
    entries: Iterable[Entry], new: Iterable[Entry], *, instead_of: Iterable[Entry] = ()
) -> tuple[Entry, ...]:
    """The entries with the new ones in place of older choices; reasons add up."""
    gone = {one.key for one in instead_of}
    known = {one.key: one for one in entries if one.key not in gone}
    for one in new:
        before = known[one.key].asked_by if one.key in known else ()
        asked_by = tuple(dict.fromkeys((*before, *one.asked_by)))
        known[one.key] = Entry(**{**_fields(one), "asked_by": asked_by})
    return tuple(known[key] for key in sorted(known))


def _fields(one: Entry) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a package is bridged: an RPM dependency of a build, or another bridged package."""

    name: str
    version: str
    because_of: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}: {self.because_of}"


def reasons(entries: Iterable[Entry], name: str) -> list[Reason]:
    """Everything that asks for `name`, nearest first; empty when it is not bridged."""
    known = list(entries)
    found = []
    for one in known:
        if one.key[1] == canonicalize_name(name):
            found += [
                Reason(one.name, one.version, f"a build asks {need}") for need in one.asked_by
            ]
            found += [
                Reason(one.name, one.version, f"{other.name} {other.version} requires {text}")
                for other in known
                for text in other.requires
                if _requires(text, one)
            ]
            if one.origin is Origin.DEBIAN and not one.asked_by:
                found.append(Reason(one.name, one.version, "another Debian package depends on it"))
    return found


def _requires(text: str, one: Entry) -> bool:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return False
    applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    return applies and canonicalize_name(requirement.name) == one.key[1]
