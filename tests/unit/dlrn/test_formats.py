from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from rdo.dlrn.formats import (
    CommitRecord,
    DlrnStatus,
    VersionsRow,
    aggregate_hash,
    aggregate_repo,
    aggregate_versions,
    commit_yaml,
    delorean_repo,
    installed,
    versions_csv,
)
from rdo.model.build import Built, Failed, FailureReason, Outcome, Waiting
from rdo.model.commit import Commit

GOLDEN = Path(__file__).parent / "golden"
BUILT = datetime.fromtimestamp(1795404231, UTC)
COMMIT = Commit(
    package="python-proj0000",
    upstream_hash="20350a9b" + "1" * 32,
    distgit_hash="84f7143c" + "2" * 32,
    upstream_time=datetime.fromtimestamp(1700172809, UTC),
    distgit_time=datetime.fromtimestamp(1700172810, UTC),
    upstream_branch="master",
)
NVR = "python-proj0000-1.0.0-0.20261123032351.20350a9.el9"
ROW = VersionsRow(
    COMMIT,
    "git://git.example.test/proj0000.git",
    "git://git.example.test/proj0000-distgit.git",
    DlrnStatus.SUCCESS,
    BUILT,
    NVR,
)
URL = "http://trunk.example.test/master/repos/20/35/20350a9b_84f7143c"
REPO = delorean_repo(
    reponame="delorean", project_name="RDO", commit_hash=COMMIT.upstream_hash, url=URL
)


def golden(name: str) -> str:
    return (GOLDEN / name).read_text()


def test_delorean_repo() -> None:
    assert golden("delorean.repo") == REPO


def test_delorean_repo_of_a_component() -> None:
    text = delorean_repo(
        reponame="delorean",
        project_name="RDO",
        commit_hash=COMMIT.upstream_hash,
        url=URL,
        component="network",
    )

    assert text == golden("delorean-component.repo")


def test_versions_csv() -> None:
    extended = replace(COMMIT, component="network", extended_hash="e" * 40)
    second = replace(ROW, commit=extended, status=DlrnStatus.FAILED, nvr="")

    assert versions_csv([ROW, second]) == golden("versions.csv")


def test_a_url_cannot_break_a_row_of_versions_csv() -> None:
    row = str(replace(ROW, source_repo="http://x/a,b\nc"))

    assert row.count(",") == str(ROW).count(",")
    assert row.count("\n") == 1


def test_commit_yaml_of_a_good_build() -> None:
    rpms = ("repos/20/35/h/a-1-1.src.rpm", "repos/20/35/h/a-1-1.noarch.rpm")
    record = CommitRecord(
        7,
        replace(COMMIT, component="network"),
        DlrnStatus.SUCCESS,
        BUILT,
        rpms,
        repo_dir="data/mirrors/proj0000.git",
        distgit_dir="data/mirrors/proj0000-distgit.git",
    )

    assert commit_yaml(record) == golden("commit.yaml")


def test_commit_yaml_of_a_failure_has_19_strings() -> None:
    record = CommitRecord(7, COMMIT, DlrnStatus.FAILED, BUILT, notes="error: no\n\tsuch: 'file'")

    (values,) = yaml.safe_load(commit_yaml(record))["commits"]

    assert len(values) == 19
    assert {type(value) for value in values.values()} == {str}
    assert values["notes"] == "error: no\n\tsuch: 'file'"
    assert values["artifacts"] == "None"


def test_installed() -> None:
    assert installed(COMMIT) == golden("installed")


def test_an_aggregate_is_its_parts_one_after_the_other() -> None:
    text = aggregate_repo([REPO, REPO])

    assert text == golden("aggregate.repo")
    assert aggregate_hash(text) == golden("aggregate.repo.md5")
    assert aggregate_versions([versions_csv([ROW])] * 2) == versions_csv([ROW, ROW])


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Built(()), "SUCCESS"),
        (Failed(FailureReason.COMPILE, ""), "FAILED"),
        (Failed(FailureReason.NETWORK, ""), "RETRY"),
        (Waiting(()), "NO_BUILD"),
        (None, "NO_BUILD"),
    ],
)
def test_status_words(outcome: Outcome | None, status: str) -> None:
    assert DlrnStatus.of(outcome) == status
