"""Wheels and the RPMs made from them, read by the programs that a round uses."""

import shutil
from pathlib import Path
from typing import cast

import pytest

from rdo.bridge.wheels import RELEASE, WheelRefusedError, WheelStore
from rdo.roots.content import ContentStore
from rdo.roots.kept_products import kept_files
from rdo.roots.platform.definition import built_in_platform
from rdo.roots.platform.platforms import BaseLayer
from rdo.tools.packaging.pip import Resolved
from rdo.tools.packaging.wheel_check import WheelCheck
from tests.rpms import make_rpms
from tests.wheels import wheel

BASE = BaseLayer(built_in_platform("deb12-x86_64"), Path(), Path(), Path())
LEMON = Resolved("lemon", "1.0", "ab12", ())

needs_rpmbuild = pytest.mark.skipif(
    not shutil.which("rpmbuild"), reason="rpmbuild is not installed"
)


def keep(folder: Path, made: Path, name: str, version: str, release: str) -> tuple[Path, ...]:
    """What is left to do when a root has made the RPM of the wheel of lemon 1.0."""
    rpm = make_rpms(made, name, version=version, release=release)[1]
    store = WheelStore(BASE, cast(ContentStore, None), folder, folder)
    store._keep(LEMON, [rpm])
    return kept_files(store.place(LEMON))


@needs_rpmbuild
def test_a_wheel_that_another_process_converted_meanwhile_stays(tmp_path: Path) -> None:
    rpm = ("python-lemon", "1", f"{RELEASE}.deb12")

    [first] = keep(tmp_path / "kept", tmp_path / "one", *rpm)
    before = first.stat().st_ino
    [second] = keep(tmp_path / "kept", tmp_path / "two", *rpm)

    assert second == first
    assert second.stat().st_ino == before


@needs_rpmbuild
@pytest.mark.parametrize(
    ("name", "version", "release"),
    [
        ("python-requests", "1", f"{RELEASE}.deb12"),
        ("python-lemonade", "1", f"{RELEASE}.deb12"),
        ("python-lemon", "2", f"{RELEASE}.deb12"),
        ("python-lemon", "1", "9.deb12"),
    ],
)
def test_an_rpm_that_is_not_what_was_asked_for_is_refused(
    tmp_path: Path, name: str, version: str, release: str
) -> None:
    with pytest.raises(
        WheelRefusedError, match=r"the wheel of lemon 1\.0 is refused: converting it made"
    ):
        keep(tmp_path / "kept", tmp_path / "made", name, version, release)

    assert not (tmp_path / "kept").exists()


@needs_rpmbuild
def test_the_file_name_of_an_rpm_is_compared_with_its_header(tmp_path: Path) -> None:
    rpm = make_rpms(tmp_path / "made", "python-lemon", version="1", release=f"{RELEASE}.deb12")[1]
    other = rpm.rename(rpm.with_name(f"python3-lemon-2-{RELEASE}.deb12.noarch.rpm"))
    store = WheelStore(BASE, cast(ContentStore, None), tmp_path, tmp_path)

    with pytest.raises(WheelRefusedError, match="has the file name"):
        store._keep(LEMON, [other])


def test_a_wheel_is_compared_with_what_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "lemon-1.0-py3-none-any.whl"
    path.write_bytes(wheel("lemon", "1.0"))
    check = WheelCheck()

    assert check.fault(path, "Lemon", "1.0") == ""
    assert check.fault(path, "lime", "1.0") == f"'{path.name}' is not the name of lime 1.0"
    path.write_bytes(wheel("lime", "1.0"))
    assert "'lime-1.0.dist-info' is not that of lemon 1.0" in check.fault(path, "lemon", "1.0")
