"""Read how other instances describe their builds: commit.yaml and versions.csv."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import yaml

from rdo.dlrn.layout import hash_directory
from rdo.errors import RefusedError, in_short
from rdo.model.commit import Commit
from rdo.publish.contents import DEBUG
from rdo.trunk.context import Trunk

_MOST_COMMITS, _MOST_RPMS, _MOST_ROWS = 10, 500, 20_000
_RPM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^-]*\.rpm")
_TEXTS = ("project_name", "commit_hash", "distro_hash", "status")
_COLUMNS = ("Project", "Source Sha", "Dist Sha")


@dataclass(frozen=True, slots=True)
class RemoteCommit:
    """A commit described in another instance's commit.yaml, in the directory at `address`.

    `rpms` are the files of the build in that directory.
    """

    address: str
    commit: Commit
    status: str
    built: datetime
    rpms: tuple[str, ...]
    notes: str

    @property
    def is_good(self) -> bool:
        """Whether it has RPMs."""
        return self.status == "SUCCESS"


@dataclass(frozen=True, slots=True)
class VersionsLine:
    """A package in a versions.csv: the hashes of its last good build."""

    package: str
    upstream_hash: str
    distgit_hash: str
    extended_hash: str | None

    def is_of(self, commit: Commit) -> bool:
        """Whether the line is about this commit."""
        return commit.key == (
            self.package,
            self.upstream_hash,
            self.distgit_hash,
            self.extended_hash,
        )

    @property
    def directory(self) -> str:
        """Its hash directory; ValueError if the hashes are invalid."""
        never = datetime.fromtimestamp(0, UTC)
        hashes = (self.package, self.upstream_hash, self.distgit_hash)
        return str(hash_directory(Commit(*hashes, never, never, "", self.extended_hash)))


def read_versions(content: bytes, url: str) -> list[VersionsLine]:
    """Return the lines of a versions.csv; raises RefusedError for any other file."""
    try:
        found = [_line(row) for row in _table(content)]
        for one in found:
            one.directory  # noqa: B018 - its hashes are checked
    except (csv.Error, KeyError, TypeError, ValueError) as error:
        raise RefusedError(f"{url} is not DLRN's: {_why(error)}") from error
    if not 0 < len(found) <= _MOST_ROWS:
        raise RefusedError(f"{url} names {len(found)} packages")
    return found


def read_commits(trunk: Trunk, content: bytes, address: str) -> Iterator[RemoteCommit]:
    """Yield the commits in a commit.yaml; raises RefusedError if it is not one for this target."""
    try:
        found = [_remote(row, address) for row in _rows(content)]
    except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise RefusedError(f"{address}/commit.yaml cannot be imported: {_why(error)}") from error
    for one in found:
        package = trunk.packages.get(one.commit.package)
        if package is None:
            raise RefusedError(f"{trunk.name} has no package {one.commit.package}")
        try:
            component = trunk.tree.site.component(package.name, package.component)
            hash_directory(one.commit, component)
        except ValueError as error:
            raise RefusedError(f"{address}/commit.yaml: {error}") from error
        upstream = package.only_upstream
        yield replace(
            one,
            commit=replace(one.commit, component=package.component, upstream=upstream),
        )


def _table(content: bytes) -> "csv.DictReader[str]":
    rows = csv.DictReader(io.StringIO(content.decode()), strict=True)
    if lacking := [name for name in _COLUMNS if name not in (rows.fieldnames or ())]:
        raise ValueError(f"it has no column {lacking[0]}")
    return rows


def _line(row: Mapping[str, str]) -> VersionsLine:
    package, upstream, distgit = (row[name] for name in _COLUMNS)
    extended = row.get("Extended Sha") or "None"
    return VersionsLine(package, upstream, distgit, None if extended == "None" else extended)


def _rows(content: bytes) -> list[Any]:
    whole = yaml.safe_load(content)
    rows = whole.get("commits") if isinstance(whole, dict) else None
    if not isinstance(rows, list) or not 0 < len(rows) <= _MOST_COMMITS:
        raise ValueError("it has no list of commits")
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("its commits have no keys")
    return rows


def _remote(row: Mapping[str, Any], address: str) -> RemoteCommit:
    """Convert a row. Raises KeyError, TypeError or ValueError for an invalid one."""
    package, upstream, distgit, status = (str(row[name]) for name in _TEXTS)
    extended = str(row.get("extended_hash") or "None")
    artifacts = str(row.get("artifacts") or row.get("rpms") or "None")
    rpms = () if artifacts == "None" else tuple(map(_in_directory, artifacts.split(",")))
    names = {one.rpartition("/")[2] for one in rpms}
    is_good = status == "SUCCESS" and bool(rpms)
    if not (is_good or status == "FAILED"):
        raise ValueError(f"{package} is neither built nor failed for good: its status is {status}")
    if len(rpms) > _MOST_RPMS:
        raise ValueError(f"{package} has {len(rpms)} RPMs")
    if not all(map(_RPM.fullmatch, names)) or len(names) != len(rpms):
        raise ValueError("artifacts are not RPMs")
    commit = Commit(
        package=package,
        upstream_hash=upstream,
        distgit_hash=distgit,
        upstream_time=_moment(row["dt_commit"]),
        distgit_time=_moment(row["dt_distro"]),
        upstream_branch=str(row.get("commit_branch") or "master"),
        extended_hash=None if extended == "None" else extended,
    )
    notes = " ".join(str(row.get("notes") or "").split())[:1000]
    built = _moment(row["dt_build"])
    return RemoteCommit(address, commit, status, built, rpms if is_good else (), notes)


def _why(error: Exception) -> str:
    """Return in one line what is wrong with a file of another instance."""
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return in_short(error).removeprefix("ValueError: ")


def _in_directory(artifact: str) -> str:
    """Return the path of an RPM in its hash directory; only debuginfo has a subfolder there."""
    folder, _, name = artifact.rpartition("/")
    return f"{DEBUG}/{name}" if folder.endswith(f"/{DEBUG}") else name


def _moment(text: object) -> datetime:
    try:
        return datetime.fromtimestamp(int(float(str(text))), UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{text!r} is not a time") from error
