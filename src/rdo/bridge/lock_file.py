"""The lock file of a target: each bridged package with its hash and the reasons for it."""

import json
import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rdo import atomic
from rdo.errors import ConfigError
from rdo.model.python import Python
from rdo.python_names import python_requirement
from rdo.tools.packaging.apt import Deb
from rdo.tools.packaging.pip import Resolved


class PackageOrigin(StrEnum):
    """Where a bridged package comes from."""

    PYPI = "pypi"
    DEBIAN = "debian"


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One bridged package.

    `asked_by` are the RPM dependencies that caused it; empty if only another bridged package
    requires it. `file` is the file name of a Debian package, `requires` the requirements of a
    wheel.
    """

    origin: PackageOrigin
    name: str
    version: str
    sha256: str
    file: str = ""
    requires: tuple[str, ...] = ()
    asked_by: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[PackageOrigin, str]:
        """The origin and canonical name; a lock file contains each pair once."""
        return self.origin, canonicalize_name(self.name)

    @property
    def bare(self) -> "LockedPackage":
        """The entry without the reasons for it."""
        return replace(self, asked_by=())

    @property
    def resolved(self) -> Resolved:
        """The entry as a distribution on PyPI."""
        return Resolved(self.name, self.version, self.sha256, self.requires)

    @property
    def deb(self) -> Deb:
        """The entry as a Debian package."""
        return Deb(self.name, self.version, self.file, self.sha256)


@dataclass(frozen=True, slots=True)
class LockFile:
    """The content of the dependency repository, sorted by name, and the name of its snapshot.

    `made_from` is the hash of everything the snapshot's RPMs were made from; empty in an old file.
    `signed_by` is the key that signed the snapshot; empty if it is not signed. `python` is the
    version of the interpreter for which the wheels were chosen; empty in an old file.
    """

    entries: tuple[LockedPackage, ...] = ()
    snapshot: str = ""
    made_from: str = ""
    signed_by: str = ""
    python: str = ""

    @classmethod
    def read(cls, path: Path) -> "LockFile":
        """Return the lock file at `path`, empty if there is none yet.

        Raise ConfigError if it is damaged.
        """
        try:
            table = json.loads(path.read_text())
            entries = tuple(map(_entry, table["packages"]))
            more = (table.get(key, "") for key in ("made_from", "signed_by", "python"))
            return cls(entries, table["snapshot"], *more)
        except FileNotFoundError:
            return cls()
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path} is damaged: {error}; restore it or remove it") from error

    def write(self, path: Path) -> None:
        """Replace the file at `path` by this content."""
        table = {
            "snapshot": self.snapshot,
            "made_from": self.made_from,
            **({"signed_by": self.signed_by} if self.signed_by else {}),
            **({"python": self.python} if self.python else {}),
            "packages": [asdict(one) for one in self.entries],
        }
        atomic.write_file(path, json.dumps(table, indent=1) + "\n")

    def of(self, origin: PackageOrigin) -> tuple[LockedPackage, ...]:
        """Return the entries from one origin."""
        return tuple(one for one in self.entries if one.origin is origin)


def _entry(row: dict[str, Any]) -> LockedPackage:
    lists = {key: tuple(row[key]) for key in ("requires", "asked_by")}
    return LockedPackage(**{**row, **lists, "origin": PackageOrigin(row["origin"])})


def merged(
    entries: Iterable[LockedPackage],
    new: Iterable[LockedPackage],
    *,
    instead_of: Iterable[LockedPackage] = (),
) -> tuple[LockedPackage, ...]:
    """Return the entries with the new ones in place of older choices, with the reasons of both."""
    gone = {one.key for one in instead_of}
    known = {one.key: one for one in entries if one.key not in gone}
    for one in new:
        before = known[one.key].asked_by if one.key in known else ()
        asked_by = tuple(dict.fromkeys((*before, *one.asked_by)))
        known[one.key] = LockedPackage(**{**_fields(one), "asked_by": asked_by})
    return tuple(known[key] for key in sorted(known))


def _fields(one: LockedPackage) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class VersionChange:
    """A bridged package whose version changed; None for a version if it was added or removed."""

    name: str
    before: str | None
    after: str | None


def version_changes(
    before: Iterable[LockedPackage], after: Iterable[LockedPackage]
) -> list[VersionChange]:
    """Return the packages that were added, removed, or got another version, by name."""
    old = {one.name: one.version for one in before}
    new = {one.name: one.version for one in after}
    changes = (VersionChange(name, old.get(name), new.get(name)) for name in sorted({*old, *new}))
    return [one for one in changes if one.before != one.after]


@dataclass(frozen=True, slots=True)
class BridgeReason:
    """Why a package is bridged: an RPM dependency of a build, or another bridged package."""

    name: str
    version: str
    because_of: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}: {self.because_of}"


def reasons(locked: LockFile, name: str) -> list[BridgeReason]:
    """Return everything that requires `name`, then a shortest path to the requirement of a build.

    `name` may be a project, a Debian package, or a dependency of a build. Empty if it is not
    bridged.
    """
    asked = {one.key: one for one in locked.entries if _is_meant(one, name)}
    found = [reason for one in asked.values() for reason, _ in _askers(one, locked)]
    seen, ways = set(asked), [(one, tuple[BridgeReason, ...]()) for one in asked.values()]
    while ways and not any(one.asked_by for one, _ in ways):
        longer = []
        for one, way in ways:
            for reason, asker in _askers(one, locked):
                if asker and asker.key not in seen:
                    seen.add(asker.key)
                    longer.append((asker, (*way, reason)))
        ways = longer
    for one, way in ways[:1] if not any(one.asked_by for one in asked.values()) else ():
        found += [reason for reason in way if reason not in found]
        found += [reason for reason, asker in _askers(one, locked) if asker is None]
    return found


def _is_meant(one: LockedPackage, name: str) -> bool:
    requirement = python_requirement(name) if one.origin is PackageOrigin.PYPI else None
    names = {canonicalize_name(requirement.name if requirement else name), canonicalize_name(name)}
    return one.key[1] in names or name in {need.split()[0] for need in one.asked_by}


def _askers(
    one: LockedPackage, locked: LockFile
) -> Iterator[tuple[BridgeReason, LockedPackage | None]]:
    """Yield the reasons why `one` is bridged, each with the package that requires it, if any."""
    extras = _wanted_extras(locked.entries)
    python = Python(locked.python) if locked.python else Python(platform.python_version())
    for need in one.asked_by:
        yield BridgeReason(one.name, one.version, f"a build requires {need}"), None
    for other in locked.entries:
        for text in other.requires:
            requirement = _parsed(text)
            if requirement is None or canonicalize_name(requirement.name) != one.key[1]:
                continue
            if python.applies(requirement, *extras.get(other.key[1], ())):
                because = f"{other.name} {other.version} requires {text}"
                yield BridgeReason(one.name, one.version, because), other
    if one.origin is PackageOrigin.DEBIAN and not one.asked_by:
        yield BridgeReason(one.name, one.version, "another Debian package depends on it"), None


def _wanted_extras(known: Iterable[LockedPackage]) -> dict[str, set[str]]:
    """Return the extras of each project that the entries require."""
    extras: dict[str, set[str]] = {}
    for one in known:
        needs = map(python_requirement, one.asked_by)
        for requirement in (*needs, *map(_parsed, one.requires)):
            if requirement:
                extras.setdefault(canonicalize_name(requirement.name), set()).update(
                    requirement.extras
                )
    return extras


def _parsed(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:  # an old release wrote it
        return None
