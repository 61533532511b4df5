"""Find out which packages a root or a repository requires, and which requirements cannot be met."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from rdo.errors import CommandError, NotFoundError
from rdo.tools.rpm.solv import Solv, checker, holder

_PROJECT = re.compile(
    r"(?P<name>python3(?:\.\d{1,3})?dist\([^()\s]+\)) = (?:\d{1,9}:)?(?P<version>[^-:\s]+)(?:-\S+)?"
)
_CHECKSUM = re.compile(r"[0-9a-f]{0,128}")


@dataclass(frozen=True, slots=True)
class SolverRepository:
    """A folder with repodata. As in dnf, repositories with a lower priority number are preferred.

    `visible` is a file with the NEVRAs that may be chosen, one per line; without it, all may be.
    """

    name: str
    folder: Path
    priority: int = 99
    installed: bool = False
    visible: Path | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A package to install.

    `path` is its RPM, `sha256` its checksum in the repository's metadata.
    """

    name: str
    nevra: str
    repository: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class MissingRequirement:
    """A dependency that no repository provides; `by` is the package with it, unless the caller."""

    need: str
    by: str = ""

    def __str__(self) -> str:
        return f"{self.need} (required by {self.by})" if self.by else self.need


@dataclass(frozen=True, slots=True)
class Solution:
    """The packages to install in addition to those installed already."""

    packages: tuple[Chosen, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """The requirements that nothing provides, including indirect ones."""

    requirements: tuple[MissingRequirement, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """The missing dependencies without the packages that have them."""
        return tuple(dict.fromkeys(one.need for one in self.requirements))


@dataclass(frozen=True, slots=True)
class Conflict:
    """Providers exist but cannot be installed together; the sentences are libsolv's own."""

    problems: tuple[str, ...]


Answer: TypeAlias = Solution | Missing | Conflict


def solve(
    install: Iterable[str],
    repositories: Sequence[SolverRepository],
    *,
    arch: str,
    solv: Solv | None = None,
) -> Answer:
    """Return the packages to add to the installed repository so that every dependency is met.

    Raises NotFoundError for a repository without repodata, CommandError for one that libsolv cannot
    read.
    """
    for one in repositories:
        check_repodata(one.folder)
    answer = (solv or Solv()).ask(_question(repositories, arch) | {"install": sorted(set(install))})
    try:
        return _checked(answer, repositories)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CommandError("libsolv gave an impossible answer") from error


def _checked(answer: Mapping[str, Any], repositories: Sequence[SolverRepository]) -> Answer:
    """Convert an answer of the child; raises ValueError and the like if it is invalid."""
    if answer["missing"]:
        rows = (
            MissingRequirement(_text(row["need"]), _text(row["by"])) for row in answer["missing"]
        )
        return Missing(tuple(rows))
    if answer["problems"]:
        return Conflict(tuple(map(_text, answer["problems"])))
    return Solution(tuple(chosen(row, repositories) for row in answer["packages"]))


def chosen(row: Mapping[str, Any], repositories: Sequence[SolverRepository]) -> Chosen:
    """Return a package, whose RPM must be in the repository that lists it.

    Raises ValueError and the like for an invalid answer of the child.
    """
    location, sha256 = _text(row["location"]), _text(row["checksum"])
    repository = repositories[_index(row["number"], repositories)]
    place = PurePosixPath(location)
    if "\0" in location or place.is_absolute() or ".." in place.parts:
        raise ValueError("the location of a package is outside its repository")
    if not _CHECKSUM.fullmatch(sha256):
        raise ValueError("not a checksum")
    return Chosen(
        _text(row["name"]),
        _text(row["nevra"]),
        repository.name,
        repository.folder / place,
        sha256,
    )


def _index(value: object, repositories: Sequence[SolverRepository]) -> int:
    if not isinstance(value, int) or not 0 <= value < len(repositories):
        raise ValueError("no such repository")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def provided(
    repositories: Sequence[SolverRepository], *, arch: str, solv: Solv | None = None
) -> dict[str, list[tuple[str, str]]]:
    """Return what provides each capability and each program: names of RPMs with their versions.

    All packages of the repositories are listed, even those that are not `visible`. Raises
    NotFoundError for a repository without repodata, CommandError for one that libsolv cannot read.
    """
    for one in repositories:
        check_repodata(one.folder)
    answer = (solv or Solv()).ask(_question(repositories, arch) | {"lists": "provided"})
    try:
        return {
            name: [(_text(rpm), _text(evr)) for rpm, evr in rows]
            for name, rows in answer["provided"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CommandError("libsolv gave an impossible answer") from error


@dataclass(frozen=True, slots=True)
class Lack:
    """A requirement that nothing provides, the NEVRA that has it, and what provided it before."""

    need: str
    by: str
    was: str = ""


@dataclass(frozen=True, slots=True)
class Uninstallable:
    """A package that cannot be installed.

    `chain` are sentences that lead from this package to what it fails on; without `missing` there
    are providers, but they conflict.
    """

    name: str
    nevra: str
    chain: tuple[str, ...]
    missing: tuple[Lack, ...]


def uninstallable(
    repositories: Sequence[SolverRepository],
    checked: Iterable[str],
    *,
    arch: str,
    before: Sequence[SolverRepository] = (),
    solv: Solv | None = None,
) -> tuple[Uninstallable, ...]:
    """Return the binary packages of the repositories named `checked` that cannot be installed.

    `before` are older repositories, which show what provided the missing requirements. Raises
    NotFoundError for a repository without repodata, CommandError for one that libsolv cannot read.
    """
    for one in (*repositories, *before):
        check_repodata(one.folder)
    question = _question(repositories, arch) | {
        "checked": sorted(checked),
        "before": _question(before, arch)["repositories"],
    }
    answer = (solv or checker()).ask(question)
    try:
        return tuple(
            Uninstallable(
                _text(row["name"]),
                _text(row["nevra"]),
                tuple(map(_text, row["chain"])),
                tuple(
                    Lack(_text(lack["need"]), _text(lack["by"]), _text(lack["was"]))
                    for lack in row["missing"]
                ),
            )
            for row in answer["uninstallable"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CommandError("libsolv gave an impossible answer") from error


@dataclass(frozen=True, slots=True)
class TwoBuilds:
    """Repositories that have packages at two builds, of which one is chosen for each package.

    `newer` and `older` are names of repositories; `owners` are the packages to choose for, by the
    NEVRA of each of their RPMs, as libsolv writes it. RPMs without an owner are always there.
    """

    newer: tuple[str, ...]
    older: tuple[str, ...]
    newer_owners: Mapping[str, str]
    older_owners: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FewestHeld:
    """The packages to keep at their older build so that all RPMs can be installed.

    `held` is None if there is no such set, or none was found in time. At least `at_least` packages
    must be held, whichever they are; `is_proven`: the answer is final.
    """

    held: frozenset[str] | None
    at_least: int
    is_proven: bool


def fewest_held(
    repositories: Sequence[SolverRepository],
    two: TwoBuilds,
    *,
    arch: str,
    never: Iterable[Mapping[str, bool]] = (),
    seconds: float = 60,
    solv: Solv | None = None,
) -> FewestHeld:
    """Choose the fewest packages to hold back, so that every binary RPM can be installed.

    `never` are choices that must not be made together: True holds a package back. Raises
    NotFoundError for a repository without repodata, CommandError for one that libsolv cannot read.
    """
    for one in repositories:
        check_repodata(one.folder)
    never = tuple(never)
    names = sorted({*two.newer_owners.values(), *two.older_owners.values()}.union(*never))
    numbers = {name: number for number, name in enumerate(names, 1)}
    question = _question(repositories, arch) | {
        "newer": two.newer,
        "older": two.older,
        "owners": {
            "newer": {nevra: numbers[name] for nevra, name in two.newer_owners.items()},
            "older": {nevra: numbers[name] for nevra, name in two.older_owners.items()},
        },
        "clauses": [
            [numbers[name] if is_held else -numbers[name] for name, is_held in choice.items()]
            for choice in never
        ],
        "seconds": seconds,
    }
    answer = (solv or holder()).ask(question)
    try:
        held, at_least = answer["held"], int(answer["at_least"])
        found = None if held is None else frozenset(names[int(one) - 1] for one in held)
        return FewestHeld(found, at_least, is_proven=answer["proven"] is True)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CommandError("libsolv gave an impossible answer") from error


@dataclass(frozen=True, slots=True)
class Listed:
    """A package of a repository.

    `projects` are the Python projects in it, each with the name and version that rpm uses.
    """

    name: str
    version: str
    release: str
    projects: tuple[tuple[str, str], ...]


def packages(folder: Path, *, solv: Solv | None = None) -> list[Listed]:
    """Return every package of a repository.

    Raises NotFoundError for a folder without repodata, CommandError for repodata that libsolv
    cannot read.
    """
    check_repodata(folder)
    question = _question([SolverRepository("asked", folder)], "noarch") | {"lists": "packages"}
    answer = (solv or Solv()).ask(question)
    try:
        return [_listed(*row) for row in answer["packages"]]
    except (KeyError, TypeError, ValueError) as error:
        raise CommandError("libsolv gave an impossible answer") from error


def checksums(folder: Path, *, solv: Solv | None = None) -> dict[str, str]:
    """Return the checksum that a repository names for each of its RPMs, by the location.

    Raises NotFoundError for a folder without repodata, CommandError for repodata that libsolv
    cannot read.
    """
    check_repodata(folder)
    question = _question([SolverRepository("asked", folder)], "noarch") | {"lists": "files"}
    answer = (solv or Solv()).ask(question)
    try:
        return {_text(location): _text(checksum) for location, checksum in answer["files"]}
    except (KeyError, TypeError, ValueError) as error:
        raise CommandError("libsolv gave an impossible answer") from error


def _listed(name: object, evr: object, provides: Iterable[object]) -> Listed:
    version, _, release = _text(evr).rpartition("-")
    found = (_PROJECT.fullmatch(_text(text)) for text in provides)
    projects = tuple((match["name"], match["version"]) for match in found if match)
    return Listed(_text(name), version.rpartition(":")[2], release, projects)


def _question(repositories: Sequence[SolverRepository], arch: str) -> dict[str, Any]:
    return {"arch": arch, "lists": "", "repositories": list(map(repository_row, repositories))}


def repository_row(one: SolverRepository) -> dict[str, Any]:
    """Return a repository in the form that our child processes read."""
    return {
        "name": one.name,
        "folder": str(one.folder),
        "priority": one.priority,
        "installed": one.installed,
        "visible": str(one.visible or ""),
    }


def check_repodata(folder: Path) -> None:
    """Raise NotFoundError for a folder without repodata."""
    if (folder / "repodata/repomd.xml").is_file():
        return
    if not folder.is_dir():
        raise NotFoundError(f"there is no repository at {folder}")
    raise NotFoundError(f"{folder} has no repodata", hint=f"createrepo_c {folder}")
