"""Requirements that the pages of an index reveal before pip runs."""

from datetime import UTC, datetime

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from rdo.bridge.without_wheel import WithoutWheel, without_wheel
from rdo.package_index import Offer, Sdist
from rdo.tools.packaging.pip import Pip

TAGS = Pip("3.11", "2.36").tags()
CONSTRAINTS = ("old===1.0", "windows<2 ; sys_platform == 'win32'", "# no line", "-e ../x")


def offer(*files: str) -> Offer:
    """What an index has: wheels by their names, source archives by their versions."""
    when = datetime(2026, 1, 1, tzinfo=UTC)
    sdists = [
        Sdist(f"x-{one}.tar.gz", Version(one), "u", "s", when)
        for one in files
        if not one.endswith(".whl")
    ]
    return Offer(tuple(sdists), tuple(one for one in files if one.endswith(".whl")))


def seen(*wanted: str, **offers: Offer) -> tuple[list[str], list[str]]:
    found: WithoutWheel = without_wheel(list(map(Requirement, wanted)), CONSTRAINTS, offers, TAGS)
    return [str(one) for one in found.to_build], [str(one) for one in found.doubtful]


@pytest.mark.parametrize(
    "wheel",
    [
        "x-1.0-py3-none-any.whl",
        "x-1.0-py2.py3-none-any.whl",
        "x-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "x-1.0-cp38-abi3-manylinux_2_34_x86_64.whl",
        "x-1.0-1-py3-none-any.whl",
    ],
)
def test_a_project_with_a_wheel_for_us_is_left_to_pip(wheel: str) -> None:
    assert seen("x", x=offer("1.0", wheel)) == ([], [])


@pytest.mark.parametrize(
    "wheel",
    [
        "x-1.0-cp312-cp312-manylinux_2_17_x86_64.whl",
        "x-1.0-cp311-cp311-manylinux_2_17_aarch64.whl",
        "x-1.0-cp311-cp311-win_amd64.whl",
        "x-1.0-cp311-cp311-manylinux_2_39_x86_64.whl",
        "x-1.0-cp312-abi3-manylinux_2_17_x86_64.whl",
        "x-0.9-py3-none-any.whl",
        "x.whl",
    ],
)
def test_a_project_without_a_wheel_for_us_is_built(wheel: str) -> None:
    assert seen("x>=1.0", x=offer("1.0", wheel)) == (["x>=1.0"], [])


def test_requirements_of_one_project_count_together_with_its_constraint() -> None:
    old = offer("1.0", "1.1", "x-1.1-py3-none-any.whl")

    assert seen("old>=0.5", "Old!=0.7", old=old) == (["old!=0.7,===1.0,>=0.5"], [])


def test_a_constraint_for_another_system_does_not_count() -> None:
    assert seen("windows", windows=offer("2.0", "x-2.0-py3-none-any.whl")) == ([], [])


def test_what_nothing_fits_is_doubtful_each_by_itself() -> None:
    wanted = ("old>=2", "old", "unknown", "y")

    assert seen(*wanted, old=offer("1.0", "2.0"), y=offer("1.0")) == (
        ["y"],
        ["old>=2", "old", "unknown"],
    )
