"""Which packages a build root or a repository requires, and which requirements cannot be met."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from rdo.errors import NotFoundError
from rdo.tools.solv import Solv


@dataclass(frozen=True, slots=True)
class SolverRepository:
    """A folder with repodata. Repositories with a lower priority number are preferred, as in dnf.

    `visible` is a file with the NEVRAs that may be chosen, one per line; without it all may.
    `cache` is for libsolv's own form of the metadata, if the metadata never changes.
    """

    name: str
    folder: Path
    priority: int = 99
    installed: bool = False
    visible: Path | None = None
    cache: Path | None = None


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
    """A dependency that no repository provides; `by` is the package with it, if not the caller."""

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
    """The requirements that nothing provides, in the whole closure of the question."""

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
    """Return what must be added to the installed repository so that every dependency is met.

    Raises NotFoundError for a repository without repodata.
    """
    for one in repositories:
        if not (one.cache and one.cache.exists()):
            _check_repodata(one.folder)
    answer = (solv or Solv()).ask(_question(repositories, arch) | {"install": sorted(set(install))})
    if answer["missing"]:
        return Missing(tuple(MissingRequirement(**row) for row in answer["missing"]))
    if answer["problems"]:
        return Conflict(tuple(answer["problems"]))
    return Solution(
        tuple(
            Chosen(row["name"], row["nevra"], row["repository"], Path(row["path"]), row["checksum"])
            for row in answer["packages"]
        )
    )


def provided(
    repositories: Sequence[SolverRepository], *, arch: str, solv: Solv | None = None
) -> dict[str, list[tuple[str, str]]]:
    """Return what provides each capability and each program: names of RPMs with their versions.

    All packages of the repositories are listed, also those that are not `visible`. Raises
    NotFoundError for a repository without repodata.
    """
    for one in repositories:
        _check_repodata(one.folder)
    answer = (solv or Solv()).ask(_question(repositories, arch) | {"lists": True})
    return {name: [(rpm, evr) for rpm, evr in rows] for name, rows in answer["provided"].items()}


def _question(repositories: Sequence[SolverRepository], arch: str) -> dict[str, Any]:
    rows = [
        {
            "name": one.name,
            "folder": str(one.folder),
            "priority": one.priority,
            "installed": one.installed,
            "visible": str(one.visible or ""),
            "cache": str(one.cache or ""),
        }
        for one in repositories
    ]
    return {"arch": arch, "lists": False, "repositories": rows}


def _check_repodata(folder: Path) -> None:
    if (folder / "repodata/repomd.xml").is_file():
        return
    if not folder.is_dir():
        raise NotFoundError(f"there is no repository at {folder}")
    raise NotFoundError(f"{folder} has no repodata", hint=f"createrepo_c {folder}")
