"""What a target takes from its dependency repository: which version, why, and since when."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rdo.promotion.checking import Subject, Surroundings
from rdo.promotion.compositions import find
from rdo.promotion.contracts.contract_file import parse_contract
from rdo.promotion.dependencies import TakenChange, changes, contract_text, taken
from tests.publishing import Factory, open_target
from tests.rpms import make_package

CEPH: dict[str, Any] = {"name": "ceph-common", "version": "18", "requires": ["librados2 = 18"]}
FIRST, SECOND, THIRD = "0123456789abcde1", "0123456789abcde2", "0123456789abcde3"


def snapshot(made: Factory, name: str, day: int, *packages: dict[str, Any]) -> None:
    """Make a snapshot of dependencies as it was made on a day of November, and name it."""
    folder = made.tree.repos / "deps" / name
    for one in packages:
        make_package(folder, **one)
    subprocess.run(["createrepo_c", "--quiet", folder], check=True)
    when = datetime(2026, 11, day, tzinfo=UTC).timestamp()
    os.utime(folder / "repodata/repomd.xml", (when, when))
    url = f"http://127.0.0.1/master-deb12/repos/deps/{name}"
    (made.tree.repos / "delorean-deps.repo").write_text(f"[deps]\nbaseurl={url}\n")


def subject(made: Factory, repository: str) -> Subject:
    target = open_target(made)
    return Subject(target, find(target, repository), Surroundings("x86_64"))


@pytest.fixture
def cloud(made: Factory) -> Factory:
    """A target whose two packages take Ceph, OVN and MariaDB from three snapshots."""
    old = {"name": "ovn", "version": "22"}
    database = {"name": "mariadb-server", "version": "10.11"}
    rados = {"name": "librados2", "version": "18"}
    snapshot(made, FIRST, 1, old, database)
    made.publish("python-b", "b1", requires=("ovn >= 22", "mariadb-server"))
    snapshot(made, SECOND, 2, old, database, CEPH, rados)
    snapshot(made, THIRD, 3, {"name": "ovn", "version": "24"}, database, CEPH, rados)
    made.publish("python-a", "a1", requires=("ceph-common >= 16", "ovn", "python3-b"))
    return made


def test_each_package_has_a_reason_and_the_time_since_when(cloud: Factory) -> None:
    found = taken(subject(cloud, "current"))

    assert [
        (one.name, one.version, f"{one.since:%d}", one.at_the_latest, len(one.uses))
        for one in found
    ] == [
        ("ceph-common", "18-1", "02", False, 1),
        ("mariadb-server", "10.11-1", "01", True, 1),
        ("ovn", "24-1", "03", False, 2),
        ("librados2", "18-1", "02", False, 0),
    ]
    [use] = found[0].uses
    assert (use.need, use.by.name) == ("ceph-common >= 16", "python3-a")


def test_two_repositories_differ_by_their_snapshots(cloud: Factory) -> None:
    first = next(
        str(path.parent.relative_to(cloud.tree.repos))
        for path in cloud.tree.repos.glob("*/*/*/versions.csv")
        if str(path.parent.relative_to(cloud.tree.repos)) != cloud.leads("current")
    )

    found = changes(subject(cloud, first), subject(cloud, "current"))

    assert found == (
        TakenChange("ceph-common", None, "18-1"),
        TakenChange("librados2", None, "18-1"),
        TakenChange("ovn", "22-1", "24-1"),
    )


def test_its_contract_can_be_read_and_says_what_is_required(cloud: Factory) -> None:
    found = taken(subject(cloud, "current"))

    text = contract_text("master-deb12", "http://127.0.0.1/master-deb12/repos", found)

    read = parse_contract(text, "master-deb12.toml", Path("/"))
    assert read.consumes["deps"].requires == (
        "ceph-common >= 16",
        "mariadb-server",
        "ovn",
        "ovn >= 22",
    )
    assert read.consumes["deps"].repositories == (
        "http://127.0.0.1/master-deb12/repos/deps/current",
    )
