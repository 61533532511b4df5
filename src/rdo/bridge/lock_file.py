"""The lock file of a target: each package that was bridged, by hash, and why it is there."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rdo import atomic
from rdo.errors import ConfigError
from rdo.python_names import python_requirement
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
    """Everything that asks for `name`, then a shortest way on to what a build asked for.

    `name` may be a project, a Debian package, or a dependency that a build asked for. Empty when
    it is not bridged.
    """
    known = list(entries)
    asked = {one.key: one for one in known if _is_meant(one, name)}
    found = [reason for one in asked.values() for reason, _ in _askers(one, known)]
    seen, ways = set(asked), [(one, tuple[Reason, ...]()) for one in asked.values()]
    while ways and not any(one.asked_by for one, _ in ways):
        longer = []
        for one, way in ways:
            for reason, asker in _askers(one, known):
                if asker and asker.key not in seen:
                    seen.add(asker.key)
                    longer.append((asker, (*way, reason)))
        ways = longer
    for one, way in ways[:1] if not any(one.asked_by for one in asked.values()) else ():
        found += [reason for reason in way if reason not in found]
        found += [reason for reason, asker in _askers(one, known) if asker is None]
    return found


def _is_meant(one: Entry, name: str) -> bool:
    requirement = python_requirement(name) if one.origin is Origin.PYPI else None
    names = {canonicalize_name(requirement.name if requirement else name), canonicalize_name(name)}
    return one.key[1] in names or name in {need.split()[0] for need in one.asked_by}


def _askers(one: Entry, known: Sequence[Entry]) -> Iterator[tuple[Reason, Entry | None]]:
    """Why `one` is there, and the bridged package that asks, if it is one."""
    extras = _wanted_extras(known)
    for need in one.asked_by:
        yield Reason(one.name, one.version, f"a build asks {need}"), None
    for other in known:
        for text in other.requires:
            if _requires(text, one, extras.get(other.key[1], ())):
                because = f"{other.name} {other.version} requires {text}"
                yield Reason(one.name, one.version, because), other
    if one.origin is Origin.DEBIAN and not one.asked_by:
        yield Reason(one.name, one.version, "another Debian package depends on it"), None


def _wanted_extras(known: Iterable[Entry]) -> dict[str, set[str]]:
    """The extras that anybody asks of a project."""
    extras: dict[str, set[str]] = {}
    for one in known:
        needs = map(python_requirement, one.asked_by)
        for requirement in (*needs, *map(_parsed, one.requires)):
            if requirement:
                extras.setdefault(canonicalize_name(requirement.name), set()).update(
                    requirement.extras
                )
    return extras


def _requires(text: str, one: Entry, extras: Iterable[str]) -> bool:
    requirement = _parsed(text)
    if requirement is None or canonicalize_name(requirement.name) != one.key[1]:
        return False
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _parsed(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:  # of an old release
        return None
