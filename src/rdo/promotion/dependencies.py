"""What a repository of a target takes from its dependency repository: what, why, since when."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rdo.bridge.lock_file import PackageOrigin
from rdo.checks.across import SideRepositories, SideUse, look_across
from rdo.promotion.checking import Subject
from rdo.publish.references import REPOMD
from rdo.solver import Listed, packages

_OWN, _DEPENDENCIES, _BASE = "own", "deps", "base"
_PYPI = ".pypi"
"""What is in the Release of every RPM that was made of a package from PyPI."""


@dataclass(frozen=True, slots=True)
class TakenPackage:
    """A package of a dependency repository.

    `since` is when a snapshot first had this version; with `at_the_latest` there may have been
    earlier ones, which are removed. `uses` are the requirements of the target's own packages that
    it meets; without any, another package of the dependency repository needs it.
    """

    name: str
    version: str
    origin: PackageOrigin
    since: datetime
    at_the_latest: bool
    uses: tuple[SideUse, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenChange:
    """A package that one dependency repository has in another version than a second one."""

    name: str
    before: str | None
    after: str | None


def taken(subject: Subject) -> tuple[TakenPackage, ...]:
    """Return the packages of the dependency repository that a repository of a target names.

    Those that the target's packages require come first. Raises CommandError for repodata that
    cannot be read.
    """
    uses: dict[str, list[SideUse]] = {}
    for use in _uses(subject):
        uses.setdefault(use.of.name, []).append(use)
    found = []
    for snapshot in subject.dependencies:
        history = _since(snapshot.folder)
        for one in packages(snapshot.folder):
            since, at_the_latest = history[_label(one)]
            used = tuple(uses.get(one.name, ()))
            origin = PackageOrigin.PYPI if _PYPI in one.release else PackageOrigin.DEBIAN
            version = f"{one.version}-{one.release}"
            found.append(TakenPackage(one.name, version, origin, since, at_the_latest, used))
    return tuple(sorted(found, key=lambda one: (not one.uses, one.name)))


def changes(before: Subject, after: Subject) -> tuple[TakenChange, ...]:
    """Return what differs between the dependency repositories that two repositories name."""
    old, new = _versions(before), _versions(after)
    names = sorted({*old, *new})
    found = (TakenChange(name, old.get(name), new.get(name)) for name in names)
    return tuple(one for one in found if one.before != one.after)


def contract_text(name: str, tree_url: str, found: Iterable[TakenPackage]) -> str:
    """Return the contract of a target with what it requires of its dependency repository."""
    needs = sorted({use.need for one in found for use in one.uses})
    plain = [need for need in needs if not need.startswith("(")]  # no rich ones in a contract
    lines = [
        f"name = {json.dumps(name)}",
        f"repositories = [{json.dumps(f'{tree_url}/current')}]",
        "",
        f"[consumes.{_DEPENDENCIES}]",
        f"repositories = [{json.dumps(f'{tree_url}/deps/current')}]",
        "requires = [",
        *(f"    {json.dumps(need)}," for need in plain),
        "]",
    ]
    return "\n".join(lines)


def _uses(subject: Subject) -> Sequence[SideUse]:
    sides = (
        SideRepositories(_OWN, subject.own),
        SideRepositories(_DEPENDENCIES, subject.dependencies),
        SideRepositories(_BASE, subject.around.base),
    )
    given = [one for one in sides if one.repositories]
    effects = look_across(given, [_OWN], arch=subject.around.arch, givers=[_DEPENDENCIES])
    return effects.uses


def _versions(subject: Subject) -> Mapping[str, str]:
    return {
        one.name: f"{one.version}-{one.release}"
        for snapshot in subject.dependencies
        for one in packages(snapshot.folder)
    }


def _label(one: Listed) -> str:
    return f"{one.name}-{one.version}-{one.release}"


def _since(snapshot: Path) -> Mapping[str, tuple[datetime, bool]]:
    """Return since when snapshots have had each RPM of this one, without a break.

    A snapshot never changes, so its index is as old as it is. True: also the oldest one has it.
    """
    made = sorted(_snapshots(snapshot.parent))
    older = [(when, folder) for when, folder in made if when <= _made(snapshot)]
    found: dict[str, tuple[datetime, bool]] = {}
    left = _rpms(snapshot)
    for when, folder in reversed(older):
        left &= _rpms(folder)
        found |= dict.fromkeys(left, (when, folder == older[0][1]))
    return found


def _snapshots(folder: Path) -> Iterator[tuple[datetime, Path]]:
    for one in folder.iterdir():
        if not one.is_symlink() and (one / REPOMD).is_file():
            yield _made(one), one


def _made(snapshot: Path) -> datetime:
    return datetime.fromtimestamp((snapshot / REPOMD).stat().st_mtime, UTC)


def _rpms(snapshot: Path) -> set[str]:
    """Return the RPMs of a snapshot without their architecture."""
    return {path.name.rsplit(".", 2)[0] for path in snapshot.glob("*.rpm")}
