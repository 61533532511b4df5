"""The files of a hash repository and of an aggregate, byte for byte as DLRN writes them."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import yaml

from rdo.model.build import Built, Failed, FailureReason, Outcome
from rdo.model.commit import Commit
from rdo.model.repo_file import NOT_SIGNED, RepoSection, RepoTrust

VERSIONS_HEADER = (
    "Project,Source Repo,Source Sha,Dist Repo,Dist Sha,Status,"
    "Last Success Timestamp,Component,Extended Sha,Pkg NVR\n"
)
_BREAKS_A_ROW = re.compile(r"[,\x00-\x1f]")


class DlrnStatus(StrEnum):
    """DLRN's word for how a commit's build ended."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    RETRY = "RETRY"
    NO_BUILD = "NO_BUILD"

    @classmethod
    def of(cls, outcome: Outcome | None) -> "DlrnStatus":
        """Translate an outcome; a failure not caused by the package is RETRY."""
        match outcome:
            case Built():
                return cls.SUCCESS
            case Failed(reason):
                return cls.of_failure(reason)
        return cls.NO_BUILD

    @classmethod
    def of_failure(cls, reason: FailureReason | None) -> "DlrnStatus":
        """Translate the reason of a failure; None means success."""
        if reason is None:
            return cls.SUCCESS
        return cls.RETRY if reason.is_spurious else cls.FAILED


@dataclass(frozen=True, slots=True)
class VersionsRow:
    """One package in versions.csv.

    `commit`, `built` (the release date) and `nvr` belong to its last good build, `status` to its
    last outcome.
    """

    commit: Commit
    source_repo: str
    dist_repo: str
    status: DlrnStatus
    built: datetime
    nvr: str

    def __str__(self) -> str:
        cells = (
            self.commit.package,
            self.source_repo,
            self.commit.upstream_hash,
            self.dist_repo,
            self.commit.distgit_hash,
            self.status,
            str(int(self.built.timestamp())),
            str(self.commit.component),
            str(self.commit.extended_hash),
            self.nvr,
        )
        return ",".join(map(_cell, cells)) + "\n"


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """The content of commit.yaml for one build; `repo_dir` and `distgit_dir` are git folders.

    `rpms` are paths as DLRN stores them, `repos/<hash directory>/<file>`; `notes` is `OK` or
    the error.
    """

    id: int
    commit: Commit
    status: DlrnStatus
    built: datetime
    rpms: tuple[str, ...] = ()
    notes: str = "OK"
    repo_dir: str = ""
    distgit_dir: str = ""


def delorean_repo(
    *,
    reponame: str,
    project_name: str,
    commit_hash: str,
    url: str,
    component: str | None = None,
    trust: RepoTrust = NOT_SIGNED,
) -> str:
    """Return the .repo file of one hash repository at `url`.

    Pass `component` if the target uses components; it becomes part of the id.
    """
    section = f"{reponame}-component-{component}" if component else reponame
    name = f"{reponame}-{project_name}-{commit_hash}"
    return str(RepoSection(section, name, (url,), priority=1).trusting(trust))


def versions_csv(rows: Iterable[VersionsRow]) -> str:
    """Return versions.csv for these rows."""
    return VERSIONS_HEADER + "".join(map(str, rows))


def commit_yaml(record: CommitRecord) -> str:
    """Return commit.yaml for one commit: every value is a string, unset ones are `None`."""
    commit = record.commit
    values: dict[str, object] = {
        "artifacts": ",".join(record.rpms) or None,
        "commit_branch": commit.upstream_branch,
        "commit_hash": commit.upstream_hash,
        "component": commit.component,
        "distgit_dir": record.distgit_dir,
        "distro_hash": commit.distgit_hash,
        "dt_build": _stamp(record.built),
        "dt_commit": _stamp(commit.upstream_time),
        "dt_distro": _stamp(commit.distgit_time),
        "dt_extended": _stamp(commit.extended_time) if commit.extended_time else 0,
        "extended_hash": commit.extended_hash,
        "flags": 0,
        "id": record.id,
        "notes": record.notes,
        "project_name": commit.package,
        "repo_dir": record.repo_dir,
        "status": record.status.value,
        "type": "rpm",
        "versions_csv": None,
    }
    data = {"commits": [{key: str(value) for key, value in values.items()}]}
    text: str = yaml.dump(data, default_flow_style=False)
    return text


def installed(commit: Commit) -> str:
    """Return the file `installed`: the package and its two hashes, without a final newline."""
    return f"{commit.package} {commit.upstream_hash} {commit.distgit_hash}"


def aggregate_repo(repo_files: Sequence[str]) -> str:
    """Join .repo files, sorted by component, into one; an empty line follows each."""
    return "".join(f"{text}\n" for text in repo_files)


def aggregate_versions(versions: Sequence[str]) -> str:
    """Join several versions.csv into one: the header once, then all rows."""
    return VERSIONS_HEADER + "".join(text.removeprefix(VERSIONS_HEADER) for text in versions)


def aggregate_hash(repo_file: str) -> str:
    """Return the hash that names an aggregate."""
    return hashlib.md5(repo_file.encode(), usedforsecurity=False).hexdigest()


def _stamp(when: datetime) -> int:
    return int(when.timestamp())


def _cell(text: str) -> str:
    """Escape, as in a URL, the characters that would break a row: the format has no quoting."""
    return _BREAKS_A_ROW.sub(lambda match: f"%{ord(match[0]):02X}", text)
