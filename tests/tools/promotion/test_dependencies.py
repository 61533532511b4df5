"""What a target takes from its dependency repository: which version, why, and since when."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rdo.app import App
from rdo.errors import ConfigError, NotFoundError
from rdo.promotion.checking import Subject, Surroundings
from rdo.promotion.compositions import find
from rdo.promotion.contracts.contract_check import ContractAnswer
from rdo.promotion.contracts.contract_file import parse_contract
from rdo.promotion.contracts.of_target import TargetSides
from rdo.promotion.dependencies import TakenChange, changes, contract_text, taken
from tests.publishing import Factory, open_target
from tests.rpms import make_package

CEPH: dict[str, Any] = {"name": "ceph-common", "version": "18", "requires": ["librados2 = 18"]}
TOML = """\
data = "data"
base-url = "http://127.0.0.1"
[targets.master-deb12]
release = "master"
platform = "deb12-x86_64"
"""
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


def sides(made: Factory, tmp_path: Path, more: str = "") -> TargetSides:
    """The dependency repositories of what `current` leads to, with further lines of rdo.toml."""
    (tmp_path / "rdo.toml").write_text(TOML + more)
    return TargetSides(App(tmp_path).settings, subject(made, "current"))


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


def test_each_package_has_a_reason_and_the_time_since_when(cloud: Factory, tmp_path: Path) -> None:
    found = taken(sides(cloud, tmp_path))

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


def test_its_contract_can_be_read_and_says_what_is_required(cloud: Factory, tmp_path: Path) -> None:
    text = contract_text(sides(cloud, tmp_path))

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


PARTS = """
[targets.master-deb12.dependencies.ceph]
packages = ["ceph*", "librados2"]
contract = "ceph.toml"
[targets.master-deb12.dependencies.ovn]
packages = ["ovn*"]
contract = "ovn.toml"
[targets.master-deb12.dependencies.mariadb]
packages = ["mariadb*"]
contract = "mariadb.toml"
"""
PROMISES = {
    "ceph": ("ceph-common >= 17", "librados2"),
    "ovn": ("ovn >= 22",),
    "mariadb": ("mariadb-server",),
}


@pytest.fixture
def parts(cloud: Factory, tmp_path: Path) -> TargetSides:
    """Ceph's client, OVN and MariaDB with a contract each, all brought by the bridge."""
    for side, promised in PROMISES.items():
        (tmp_path / f"{side}.toml").write_text(
            f'name = "{side}"\ncontact = "{side}@example.test"\npromises = {list(promised)}\n'
        )
    return sides(cloud, tmp_path, PARTS)


def candidate(parts: TargetSides, tmp_path: Path, *packages: dict[str, Any]) -> ContractAnswer:
    """What the next snapshot breaks if it has these packages."""
    for one in packages:
        make_package(tmp_path / "next", **one)
    subprocess.run(["createrepo_c", "--quiet", tmp_path / "next"], check=True)
    given = parts.candidate("deps", str(tmp_path / "next"), tmp_path)
    return parts.check(tmp_path, given)


OVN = {"name": "ovn", "version": "24"}
DATABASE = {"name": "mariadb-server", "version": "11"}
RADOS = {"name": "librados2", "version": "18"}


def test_each_dependency_repository_has_a_contract_that_holds(
    parts: TargetSides, tmp_path: Path
) -> None:
    answer = parts.check(tmp_path)

    assert answer.breaches == ()
    assert set(answer.sides) == {"master-deb12", "deps", "ceph", "ovn", "mariadb"}
    assert parts.sides == ("ceph", "ovn", "mariadb", "deps")
    consumed = {one.name: one.consumes for one in parts.contracts()}["master-deb12"]
    assert {side: one.requires for side, one in consumed.items()} == {
        "ceph": ("ceph-common >= 16",),
        "mariadb": ("mariadb-server",),
        "ovn": ("ovn", "ovn >= 22"),
    }


def test_the_next_snapshot_is_checked_by_the_contract_of_each(
    parts: TargetSides, tmp_path: Path
) -> None:
    answer = candidate(parts, tmp_path, DATABASE, {"name": "ovn", "version": "21"}, CEPH, RADOS)

    assert {(one.kind.value, one.fault, one.harmed) for one in answer.breaches} == {
        ("promise", "ovn", ("master-deb12",)),
        ("requirement", "ovn", ("master-deb12",)),
        ("packages", "ovn", ("master-deb12",)),
    }
    [broken] = [one for one in answer.breaches if one.kind.value == "packages"]
    assert {one.name for one in broken.packages} == {"python3-b", "python3-a"}
    assert broken.chain[-1] == (
        "nothing provides ovn >= 22, which master-deb12: python3-b-1.0-1.noarch requires"
    )


def test_a_snapshot_that_keeps_all_promises_passes(parts: TargetSides, tmp_path: Path) -> None:
    newer = {"name": "ceph-common", "version": "19", "requires": ["librados2"]}

    assert candidate(parts, tmp_path, DATABASE, OVN, newer, RADOS).breaches == ()


def test_what_a_part_itself_needs_is_its_own_fault(parts: TargetSides, tmp_path: Path) -> None:
    answer = candidate(parts, tmp_path, DATABASE, OVN, CEPH)

    assert {one.fault for one in answer.breaches} == {"ceph"}


def test_what_nobody_takes_from_a_dependency_repository_may_be_broken(
    parts: TargetSides, tmp_path: Path
) -> None:
    extra = {"name": "python3-x+test", "requires": ["python3dist(nobody-has-this)"]}

    answer = candidate(parts, tmp_path, DATABASE, OVN, CEPH, RADOS, extra)

    assert answer.breaches == ()


def test_without_contracts_what_the_target_takes_is_checked_all_the_same(
    cloud: Factory, tmp_path: Path
) -> None:
    answer = candidate(sides(cloud, tmp_path), tmp_path, OVN, CEPH, RADOS)

    assert ("requirement", "deps") in {(one.kind.value, one.fault) for one in answer.breaches}


@pytest.mark.parametrize(
    ("side", "place", "told"),
    [
        ("cephh", "next", 'no dependency repository cephh; did you mean "ceph"?'),
        ("deps", "0123456789abcdff", "is not a folder, a URL or a snapshot of master-deb12"),
    ],
)
def test_a_candidate_that_there_is_not_is_one_clear_error(
    parts: TargetSides, tmp_path: Path, side: str, place: str, told: str
) -> None:
    with pytest.raises(NotFoundError) as error:
        parts.candidate(side, place, tmp_path)

    assert told in str(error.value)


def test_a_contract_of_another_side_is_one_clear_error(parts: TargetSides, tmp_path: Path) -> None:
    (tmp_path / "ovn.toml").write_text('name = "neutron"\n')

    with pytest.raises(ConfigError, match=r"ovn\.toml is the contract of neutron, and stands for"):
        parts.check(tmp_path)
