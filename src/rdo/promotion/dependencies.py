"""What a repository of a target takes from its dependency repositories: what, why, since when."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rdo.bridge.lock_file import PackageOrigin
from rdo.checks.across import SidePackage, SideUse
from rdo.config.depending import BRIDGED
from rdo.promotion.checking import Subject
from rdo.promotion.contracts.of_target import TargetSides, consumed
from rdo.publish.references import REPOMD
from rdo.solver import Listed, SolverRepository, packages

_PYPI = ".pypi"
"""A part of the Release of every RPM made from a package on PyPI."""


@dataclass(frozen=True, slots=True)
class TakenPackage:
    """A package of a dependency repository.

    `side` is its side's name in rdo.toml or in the repository, `origin` where it is from: `pypi`,
    `debian` or another target. `since` is when a snapshot first had this version; with
    `at_the_latest`, earlier snapshots that were removed may have had it too. `uses` are the
    requirements of the target's own packages that it meets; if there are none, another dependency
    needs it.
    """

    name: str
    version: str
    side: str
    origin: str
    since: datetime
    at_the_latest: bool
    uses: tuple[SideUse, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenChange:
    """A package whose version differs between two dependency repositories."""

    name: str
    before: str | None
    after: str | None


def taken(sides: TargetSides) -> tuple[TakenPackage, ...]:
    """Return the packages of the dependency repositories that a repository of a target names.

    Packages that the target's own packages require come first. Raises CommandError for repodata
    that cannot be read.
    """
    uses: dict[tuple[str, str], list[SideUse]] = {}
    for use in sides.uses:
        uses.setdefault((use.of.side, use.of.name), []).append(use)
    others = {one.folder(sides.settings.data): one.target for one in sides.neighbours}
    found = []
    for side, repositories in sides.known.repositories.items():
        for repository in repositories if side != sides.own.name else ():
            other = others.get(repository.folder, "")
            history = {} if other else _since(repository.folder)
            made = _creation_time(repository.folder)
            for one in packages(repository.folder):
                bridged = PackageOrigin.PYPI if _PYPI in one.release else PackageOrigin.DEBIAN
                part = sides.known.divided(SidePackage(side, one.name, _label(one))).side
                since, at_the_latest = history.get(_label(one), (made, True))
                used = tuple(uses.get((part, one.name), ()))
                version, origin = f"{one.version}-{one.release}", other or str(bridged)
                found.append(
                    TakenPackage(one.name, version, part, origin, since, at_the_latest, used)
                )
    return tuple(sorted(found, key=lambda one: (not one.uses, one.side, one.name)))


def changes(before: Subject, after: Subject) -> tuple[TakenChange, ...]:
    """Return the differences between the dependency repositories that two repositories name."""
    return package_changes(before.dependencies, after.dependencies)


def package_changes(
    before: Sequence[SolverRepository], after: Sequence[SolverRepository]
) -> tuple[TakenChange, ...]:
    """Return the packages that differ between two states of some repositories."""
    old, new = _versions(before), _versions(after)
    names = sorted({*old, *new})
    found = (TakenChange(name, old.get(name), new.get(name)) for name in names)
    return tuple(one for one in found if one.before != one.after)


def contract_text(sides: TargetSides) -> str:
    """Return a contract of a target that lists what it takes from its dependency repositories."""
    url = sides.settings.tree_url(sides.target)
    lines = [
        f"name = {json.dumps(sides.own.name)}",
        f"repositories = [{_quoted(f'{url}/current')}]",
    ]
    for side, one in consumed(sides.uses).items():
        lines += ["", f"[consumes.{side}]"]
        if place := _place(sides, side):
            lines.append(f"repositories = [{_quoted(place)}]")
        lines += ["requires = [", *(f"    {_quoted(need)}," for need in one.requires), "]"]
    return "\n".join(lines)


def _place(sides: TargetSides, side: str) -> str:
    """Return where a side is published; empty for a side that another target depends on."""
    section = sides.settings.target(sides.target).neighbours.get(side)
    if section and section.target:
        return f"{sides.settings.tree_url(section.target)}/{section.leads}"
    is_bridged = side in {BRIDGED, *sides.known.parts}
    return f"{sides.settings.tree_url(sides.target)}/deps/current" if is_bridged else ""


def _quoted(text: str) -> str:
    return json.dumps(text)


def _versions(repositories: Sequence[SolverRepository]) -> Mapping[str, str]:
    return {
        one.name: f"{one.version}-{one.release}"
        for repository in repositories
        for one in packages(repository.folder)
    }


def _label(one: Listed) -> str:
    return f"{one.name}-{one.version}-{one.release}"


def _since(snapshot: Path) -> Mapping[str, tuple[datetime, bool]]:
    """Return since when snapshots have had each RPM of this one, without interruption.

    A snapshot never changes, so its index is as old as it is. True means that the oldest snapshot
    has it too.
    """
    made = sorted(_snapshots(snapshot.parent))
    older = [(when, folder) for when, folder in made if when <= _creation_time(snapshot)]
    found: dict[str, tuple[datetime, bool]] = {}
    left = _rpms(snapshot)
    for when, folder in reversed(older):
        left &= _rpms(folder)
        found |= dict.fromkeys(left, (when, folder == older[0][1]))
    return found


def _snapshots(folder: Path) -> Iterator[tuple[datetime, Path]]:
    for one in folder.iterdir():
        if not one.is_symlink() and (one / REPOMD).is_file():
            yield _creation_time(one), one


def _creation_time(snapshot: Path) -> datetime:
    return datetime.fromtimestamp((snapshot / REPOMD).stat().st_mtime, UTC)


def _rpms(snapshot: Path) -> set[str]:
    """Return the RPMs of a snapshot without their architecture."""
    return {path.name.rsplit(".", 2)[0] for path in snapshot.glob("*.rpm")}
