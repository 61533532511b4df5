"""The answer of `rdo why` for a bridged package: where it came from, and what requires it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from packaging.utils import canonicalize_name

from rdo.bridge.lock_file import LockedPackage, LockFile, PackageOrigin, reasons
from rdo.model.package import Package
from rdo.python_names import own_projects, python_requirement
from rdo.trunk.order.providers import needed_names
from rdo.trunk.views.state import PackageState, PackageView
from rdo.trunk.views.why import Known, Why

_PLACES = {PackageOrigin.PYPI: "PyPI", PackageOrigin.DEBIAN: "Debian"}


def explain_bridged(known: Known, text: str, locked: LockFile) -> Why | None:
    """Explain a bridged package, given by its name or by a dependency; None if it is not one."""
    entry = _named(text, locked.entries)
    if entry is None:
        return None
    above = list(_requirers(entry, locked))
    asked = [need for one in (entry, *above) for need in one.asked_by]
    return Why(
        known.view.target,
        _view(entry, locked),
        tuple(_view(one, locked) for one in above),
        tuple(sorted(_askers(known, asked))),
    )


def with_beginning(found: Why, package: Package, entries: Iterable[LockedPackage]) -> Why:
    """Add a note to the answer if an outside package was used to bootstrap this one."""
    names = own_projects(package.python_projects)
    notes = (
        f"bootstrap builds used version {one.version} from {_PLACES[one.origin]}, to break a cycle"
        for one in entries
        if one.origin is PackageOrigin.PYPI and one.key[1] in names
    )
    return replace(found, notes=(*found.notes, *notes))


def _named(text: str, entries: Iterable[LockedPackage]) -> LockedPackage | None:
    requirement = python_requirement(text)
    name = canonicalize_name(requirement.name if requirement else text)
    for entry in entries:
        if entry.key[1] == name or text in entry.asked_by:
            return entry
    return None


def _view(entry: LockedPackage, locked: LockFile) -> PackageView:
    because = dict.fromkeys(reason.because_of for reason in reasons(locked, entry.name))
    why = f"{entry.version} came from {_PLACES[entry.origin]}: {'; '.join(because)}"
    return PackageView(entry.name, PackageState.BRIDGED, why)


def _requirers(entry: LockedPackage, locked: LockFile) -> Iterator[LockedPackage]:
    """Yield the bridged packages that require `entry`, also indirectly, nearest first."""
    seen, todo = {entry.key}, [entry]
    while todo:
        for other in _direct_requirers(todo.pop(0), locked):
            if other.key not in seen:
                seen.add(other.key)
                todo.append(other)
                yield other


def _direct_requirers(entry: LockedPackage, locked: LockFile) -> Iterator[LockedPackage]:
    said = {reason.because_of for reason in reasons(locked, entry.name)}
    for other in locked.entries:
        if any(f"{other.name} {other.version} requires {text}" in said for text in other.requires):
            yield other


def _askers(known: Known, needs: Iterable[str]) -> set[str]:
    """Return the packages of the release whose builds require one of these dependencies."""
    names = frozenset().union(*(needed_names(need) for need in needs))
    return {
        package
        for package, asked in known.build_requires.items()
        if any(needed_names(one) & names for one in asked)
    }
