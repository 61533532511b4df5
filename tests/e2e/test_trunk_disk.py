"""Rounds on a disk that is full: in data, in the mirrors, in the database, in a build."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.errors import OutsideError
from rdo.model.build import Failed, FailureReason
from rdo.store import Store
from rdo.trunk.care import verify
from rdo.trunk.views.report import Report
from tests.conftest import GitRepository
from tests.e2e.distribution import Distribution
from tests.e2e.factory import TARGET, Factory
from tests.e2e.farm import farm
from tests.rpms import make_rpms


class Disk:
    """A file system of its own at a place."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.filler = place / "filler"

    def mount(self, size: str) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(self.place)]
        subprocess.run(command, check=True)

    def fill(self) -> None:
        with self.filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def free(self) -> None:
        self.filler.unlink()


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
    assert factory.name("current") == factory.name("consistent")
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
    subprocess.run(["mount", "-o", "remount,size=200m", disk.place], check=True)
    assert [one.build.package for one in factory.round().built] == ["python-a"]


def test_a_build_without_space_is_tried_again(disk: Disk, factory: Factory) -> None:
    served(factory, "a")
    (factory.folder / "farm/python-a").write_text("fill")

    report = factory.round()

    [ended] = report.to_retry
    assert isinstance(ended.outcome, Failed)
    assert ended.outcome.reason is FailureReason.NO_SPACE
    assert report.ftbfs == ()


WRITES = "dd if=/dev/zero of=noise bs=1M"
FULL_SPEC = """\
Name: NAME
Version: XXX
Release: XXX
Summary: x
License: ASL
BuildArch: noarch
Source0: x.tar.gz
%description
x
%prep
%setup -q -n NAME
%build
ACT
%files
"""


def test_a_root_without_space_is_told_and_the_next_build_works(tmp_path: Path) -> None:
    """Also where the program that fills the disk says nothing of it."""
    if os.geteuid() != 0:
        pytest.skip("build roots need root rights")
    site = Distribution(tmp_path)
    acts = {"a-loud": WRITES, "b-quiet": f"{WRITES} 2>/dev/null || exit 3", "c-good": "true"}
    for name, act in acts.items():
        upstream = GitRepository(tmp_path / "git" / name)
        upstream.commit("one", {"file": name})
        upstream.git("tag", "1.0.0")
        distgit = GitRepository(tmp_path / "git" / f"{name}-distgit", "rpm-master")
        distgit.commit("spec", {"x.spec": FULL_SPEC.replace("NAME", name).replace("ACT", act)})
        site.lines += [f"- project: {name}", f"  name: {name}", f"  upstream: {upstream.url}"]
        site.lines += [f"  distgit: {distgit.url}", "  maintainers: [one@example.test]"]
        site.lines += ["  tags: {master: }"]
    site.write_metadata()
    with (tmp_path / "rdo.toml").open("a") as file:
        file.write("workers = 1\n")
    roots = Disk(tmp_path / "data/roots")
    roots.mount("60m")

    try:
        code, report = site.run()
        left = list(roots.place.iterdir())
    finally:
        subprocess.run(["umount", roots.place], check=True)  # fails if it is in use

    retried = {one["package"]: one["reason"] for one in report["to_retry"]}
    assert retried == {"a-loud": "no-space", "b-quiet": "no-space"}
    assert [one["package"] for one in report["built"]] == ["c-good"]
    assert report["failed"] == report["ftbfs"] == left == []
    assert code == 6
    assert str(roots.place) not in Path("/proc/mounts").read_text()


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
