"""Check which versions of Python projects repositories have, and whether they are sufficient."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from packaging.version import InvalidVersion, Version

from rdo.distgit.requirements.declared import Wanted
from rdo.errors import NotFoundError
from rdo.python_names import pep440_version, rpm_names
from rdo.solver import Listed, packages

_DIST = re.compile(r"python3(?:\.\d+)?dist\(([^)\[]+)\)$")


class AvailabilityState(StrEnum):
    OK = "OK"
    TOO_OLD = "too old"
    TOO_NEW = "too new"
    NOT_PACKAGED = "not packaged"


@dataclass(frozen=True, slots=True)
class Available:
    """A requirement and the best package for it; `nvr` is empty if there is none."""

    wanted: Wanted
    state: AvailabilityState
    version: str = ""
    nvr: str = ""

    def __str__(self) -> str:
        match self.state:
            case AvailabilityState.OK:
                return f"{self.wanted}: OK, {self.nvr}"
            case AvailabilityState.NOT_PACKAGED:
                return f"{self.wanted}: not packaged"
        return f"{self.wanted}: {self.state}, have {self.version} ({self.nvr})"


Have = dict[str, list[tuple[Version, str]]]


def available(wanted: Iterable[Wanted], folders: Sequence[Path]) -> list[Available]:
    """Look up each requirement in folders with repodata; raises NotFoundError for a bad folder.

    Raises CommandError for a folder whose metadata cannot be read.

    >>> available([Wanted("a")], [])[0].state
    <AvailabilityState.NOT_PACKAGED: 'not packaged'>
    """
    projects = {one.key: one.name for one in wanted}
    have: Have = {}
    for folder in folders:
        _read(folder, projects, have)
    return [judge(one, have.get(one.key, [])) for one in wanted]


def judge(one: Wanted, have: Sequence[tuple[Version, str]]) -> Available:
    """Compare a requirement with the available versions, each given with its NVR."""
    if not have:
        return Available(one, AvailabilityState.NOT_PACKAGED)
    fitting = [row for row in have if one.accepts(str(row[0]))]
    version, nvr = max(fitting or have)
    if fitting:
        return Available(one, AvailabilityState.OK, str(version), nvr)
    older = [row for row in have if _is_below(one, row[0])]
    state = AvailabilityState.TOO_OLD if older else AvailabilityState.TOO_NEW
    return Available(one, state, str(version), nvr)


def _is_below(one: Wanted, version: Version) -> bool:
    """Whether a version is too old."""
    lowest = re.findall(r"(?:>=?|==|~=) ([^,*]+)", one.versions)
    try:
        return any(version <= Version(text.rstrip(".")) for text in lowest)
    except InvalidVersion:
        return False


def _read(folder: Path, projects: Mapping[str, str], have: Have) -> None:
    names = {rpm: key for key, name in projects.items() for rpm in rpm_names(name)}
    for package in _packages(folder):
        for key, version in _projects_of(package, projects, names):
            try:
                found = Version(pep440_version(version))
            except InvalidVersion:
                continue
            nvr = f"{package.name}-{package.version}-{package.release}"
            have.setdefault(key, []).append((found, nvr))


def _packages(folder: Path) -> list[Listed]:
    try:
        return packages(folder)
    except NotFoundError as error:
        raise NotFoundError(
            f"{folder} cannot be read as a repository: {error}",
            hint="name a folder with repodata; createrepo_c creates it",
        ) from error


def _projects_of(
    package: Listed, projects: Mapping[str, str], names: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the wanted projects that a package contains, with their versions in rpm's form."""
    seen = set()
    for name, version in package.projects:
        match = _DIST.match(name)
        if match and match[1] in projects:
            seen.add((match[1], version))
    if not seen and package.name in names:
        seen.add((names[package.name], package.version))
    yield from seen
