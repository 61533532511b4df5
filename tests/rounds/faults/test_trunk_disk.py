"""Rounds on a full disk: the data folder, the mirrors, the database or a build."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.errors import OutsideError
from rdo.model.build import Failed, FailureReason
from rdo.store import Store
from rdo.trunk.care import verify
from rdo.trunk.views.report import Report, summary
from tests.disk import Disk
from tests.rounds.factory import TARGET, Factory
from tests.rounds.farm import farm
from tests.rpms import make_rpms


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    made = Disk(tmp_path / "data")
    made.mount("20m")
    yield made
    subprocess.run(["umount", "--lazy", made.place], check=True)


def served(factory: Factory, *names: str) -> None:
    """Packages that a farm copies from a shelf."""
    factory.add(*names)
    for name in names:
        make_rpms(factory.folder / "farm/shelf" / f"python-{name}", f"python-{name}")
    factory.other_builder = farm(factory.folder / "farm")


def test_a_full_data_folder_is_said_and_nothing_is_lost(disk: Disk, factory: Factory) -> None:
    served(factory, "a", "b")
    factory.round(["python-a"])
    disk.fill()

    try:  # whoever comes first meets it: a lock, the database, the build, the tree
        full: Report | None = factory.round()
    except (OutsideError, OSError) as error:
        full = None
        assert "no space left" in str(error).lower()  # noqa: PT017 - there may be none
    assert full is None or full.exit_code == 6
    disk.free()
    report = factory.round()

    assert report.exit_code == 0
    assert report.ftbfs == ()
    assert [one.build.package for one in report.built] == ["python-b"]
    assert factory.name("current") == factory.name("consistent")
    assert verify.verify(factory.trunk).is_clean


def test_a_full_disk_takes_no_try_and_space_is_used_at_once(disk: Disk, factory: Factory) -> None:
    served(factory, "a", "b")
    factory.round(["python-a"])
    for name in ("a", "b"):
        (factory.folder / f"farm/python-{name}").write_text("fill")
    factory.upstreams["a"].commit("two")
    disk.fill(but=600_000)  # the database and the plan have room, a build has none

    full = [factory.round() for _ in range(4)]
    disk.free()
    for name in ("a", "b"):
        (factory.folder / f"farm/python-{name}").unlink()
    report = factory.round()

    assert [one.exit_code for one in full] == [6] * 4
    assert [one.ended for one in full] == [()] * 4
    assert all("is full" in summary(one) for one in full)
    assert {one.build.package for one in report.built} == {"python-a", "python-b"}
    assert report.exit_code == 0


def test_a_data_folder_that_is_read_only_is_said_and_nothing_is_lost(
    disk: Disk, factory: Factory
) -> None:
    served(factory, "a", "b")
    factory.round(["python-a"])
    disk.remount("ro")

    with pytest.raises(OSError, match="Read-only file system"):
        factory.round()

    disk.remount("rw")
    report = factory.round()
    assert [one.build.package for one in report.built] == ["python-b"]
    assert report.exit_code == 0
    assert verify.verify(factory.trunk).is_clean


def test_a_mirror_without_space_makes_its_package_stale_and_no_other(
    disk: Disk, factory: Factory
) -> None:
    served(factory, "a", "b")
    noise = os.urandom(40_000_000)
    factory.upstreams["a"].path.joinpath("noise").write_bytes(noise)
    factory.upstreams["a"].commit("big")

    report = factory.round()

    [(package, [problem])] = report.plan.problems.items()
    assert package == "python-a"
    assert "No space left" in problem
    assert [one.build.package for one in report.built] == ["python-b"]
    assert report.exit_code == 6
    disk.remount("size=200m")
    assert [one.build.package for one in factory.round().built] == ["python-a"]


def test_a_build_without_space_is_tried_again(disk: Disk, factory: Factory) -> None:
    served(factory, "a")
    (factory.folder / "farm/python-a").write_text("fill")

    report = factory.round()

    [ended] = report.to_retry
    assert isinstance(ended.outcome, Failed)
    assert ended.outcome.reason is FailureReason.NO_SPACE
    assert report.ftbfs == ()


def test_a_database_without_space_is_one_clear_error(disk: Disk) -> None:
    with Store(f"sqlite:///{disk.place}/rdo.sqlite") as store:
        disk.fill()

        with (
            pytest.raises(OutsideError, match="no space left for the database"),
            store.write() as at,
        ):
            at.holds.pause(TARGET, now=Factory(disk.place, store).clock(), by="me", why="x" * 10**6)

        disk.free()
        with store.write() as at:
            at.holds.pause(TARGET, now=Factory(disk.place, store).clock(), by="me", why="x")
