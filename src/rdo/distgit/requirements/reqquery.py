"""`query` and `reqquery`: look up packages in the repositories of a release."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pymod2pkg
import yaml
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from rdo.atomic import write_file
from rdo.distgit.requirements.declared import Wanted
from rdo.errors import ConfigError, NotFoundError, OutsideError
from rdo.metadata.queries import DistRepos
from rdo.tools.rpm.repoquery import Found, RepoQuery, compare, newest_first

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PackageAvailability:
    """The versions of a package in a release's repositories on one base OS, newest first."""

    release: str
    dist: str
    rows: tuple[tuple[str, Found], ...]

    def text(self) -> str:
        lines = [f"{self.release}/{self.dist}"]
        lines += [f"    {found.nvr}  @  {repo}" for repo, found in self.rows]
        return "\n".join(lines if self.rows else [*lines, "    not available"])


@dataclass(frozen=True, slots=True)
class Row:
    """A requirement and the best package for it, under the names of rdopkg's dump."""

    package: str
    version_required: str | None = None
    version_available: str | None = None
    nvr_available: str | None = None
    repo_available: str | None = None
    module: str | None = None

    @property
    def is_met(self) -> bool:
        if self.version_available is None:
            return False
        try:
            wanted = SpecifierSet((self.version_required or "").replace(" ", ""))
            return wanted.contains(self.version_available, prereleases=True)
        except InvalidSpecifier:
            return all(map(self._rpm_meets, (self.version_required or "").split(",")))

    def _rpm_meets(self, relation: str) -> bool:
        """Compare versions that rpm understands and Python does not."""
        match = re.match(r"\s*([<>=!]+)\s*(\S+)", relation)
        if not match or self.version_available is None:
            return True
        have = Found("", "", self.version_available, "")
        order = compare(have, Found("", "", match[2], ""))
        return {
            "<": order < 0,
            "<=": order <= 0,
            ">": order > 0,
            ">=": order >= 0,
            "!=": order != 0,
        }.get(match[1], order == 0)

    def text(self) -> str:
        need = (self.version_required or "any version").replace(", ", ",")
        return "\n".join(
            [
                f"  {self.module or self.package}",
                f"    nvr:   {self.nvr_available or f'{self.package} not available'}",
                f"    need:  {need}",
                f"    state: {'OK' if self.is_met else 'not met'}",
            ]
        )


@dataclass(frozen=True, slots=True)
class ReleaseRequirements:
    """The requirements looked up in a release's repositories on one base OS."""

    release: str
    dist: str
    packages: tuple[Row, ...]

    def text(self) -> str:
        return "\n".join(
            ["", f"{self.release}/{self.dist}", *(one.text() for one in self.packages)]
        )


Repos = Sequence[tuple[str, str]]


def repositories(found: DistRepos) -> Repos:
    """Return name and URL of each repository; log and leave out those without a URL."""
    rows = []
    for repo in found.repos:
        if url := repo.get("url"):
            rows.append((str(repo.get("name")), str(url)))
        else:
            log.info("%s: no URL", repo.get("name"))
    return rows


def query(where: Iterable[DistRepos], package: str, ask: RepoQuery) -> list[PackageAvailability]:
    """Look up all versions of one package; raises OutsideError if no repository answers."""
    answers = []
    for one in where:
        have = _ask_all(repositories(one), [package], ask)
        rows = [(repo, found[package]) for repo, found in have if package in found]
        answers.append(PackageAvailability(one.release, one.base_os, tuple(newest_first(rows))))
    return answers


def _ask_all(
    repos: Repos, names: Sequence[str], ask: RepoQuery
) -> list[tuple[str, dict[str, Found]]]:
    """Query every repository once; warn if one fails, and raise if all do."""
    found, faults = [], []
    for name, url in repos:
        try:
            found.append((name, ask.newest(url, names)))
            log.info("%s: %d found", name, len(found[-1][1]))
        except OutsideError as error:
            log.warning("%s: %s", name, error)
            faults.append(error)
    if faults and not found:
        raise faults[0]
    return found


def reqquery(
    wanted: Sequence[Wanted], where: Iterable[DistRepos], ask: RepoQuery, *, is_spec: bool
) -> list[ReleaseRequirements]:
    """Look up the best package for each requirement; with `is_spec` they are package names.

    Raises OutsideError if no repository answers.
    """
    reports = []
    for one in where:
        names = {item.name: _names(item.name, one.base_os, is_spec=is_spec) for item in wanted}
        have = _ask_all(repositories(one), [x for each in names.values() for x in each], ask)
        rows = [_row(item, names[item.name], have, is_spec=is_spec) for item in wanted]
        reports.append(ReleaseRequirements(one.release, one.base_os, tuple(rows)))
    return reports


def _names(name: str, dist: str, *, is_spec: bool) -> list[str]:
    """Return the possible names of a package; Python packages now begin with python3-."""
    package = name if is_spec else str(pymod2pkg.module2package(name, dist))
    return list(dict.fromkeys([re.sub(r"^python-", "python3-", package), package]))


def _row(
    item: Wanted,
    names: Sequence[str],
    have: Sequence[tuple[str, Mapping[str, Found]]],
    *,
    is_spec: bool,
) -> Row:
    rows = [(repo, found[name]) for repo, found in have for name in names if name in found]
    row = Row(names[-1], item.versions or None, module=None if is_spec else item.name)
    if not rows:
        return row
    repo, best = newest_first(rows)[0]
    module = None if is_spec else item.name
    return Row(best.name, item.versions or None, best.version, best.nvr, repo, module)


def dump(reports: Sequence[ReleaseRequirements], file: Path) -> None:
    """Write reports as rdopkg's YAML."""
    write_file(file, yaml.safe_dump(as_rows(reports), sort_keys=False))


def as_rows(reports: Sequence[ReleaseRequirements]) -> list[dict[str, Any]]:
    """Convert reports to the rows of rdopkg's file; packages of a spec have no module."""
    rows = []
    for one in reports:
        packages = [asdict(row) for row in one.packages]
        for row in packages:
            if row["module"] is None:
                del row["module"]
        rows.append({"release": one.release, "dist": one.dist, "packages": packages})
    return rows


def load(file: Path) -> list[ReleaseRequirements]:
    """Load a file that `dump` or rdopkg wrote; raises NotFoundError or ConfigError."""
    try:
        tree = yaml.safe_load(file.read_text())
    except FileNotFoundError as error:
        raise NotFoundError(f"File not found: {file}") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())[:200]
        raise ConfigError(f"cannot read {file}: {why}") from error
    try:
        return [
            ReleaseRequirements(
                str(row["release"]), str(row["dist"]), tuple(map(_read_row, row["packages"]))
            )
            for row in tree
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{file} is not a dump of reqquery: {error}") from error


def _read_row(row: Mapping[str, Any]) -> Row:
    def text(key: str) -> str | None:
        return None if row.get(key) is None else str(row[key])

    return Row(
        str(row["package"]),
        text("version_required"),
        text("version_available"),
        text("nvr_available"),
        text("repo_available"),
        text("module"),
    )


def guess_releases(
    releases: Iterable[Mapping[str, Any]], branch: str
) -> Callable[[], tuple[str, str]]:
    """Return a function that finds the first release and base OS with this distgit branch.

    The function raises NotFoundError if there is none.
    """

    def guess() -> tuple[str, str]:
        for release in releases:
            for repo in release.get("repos") or ():
                if (repo.get("branch") or release.get("branch")) == branch:
                    return str(release["name"]), str(repo["name"])
        raise NotFoundError(
            f"Unable to determine release/dist: no release has the branch {branch}\n\n"
            f"Please select RELEASE(/DIST) filter to query."
        )

    return guess
