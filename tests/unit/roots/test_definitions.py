import dataclasses

import pytest

from rdo.roots.debian_rpms import known_names
from rdo.roots.definition import built_in_platform, built_in_platforms

DEB12 = built_in_platform("deb12-x86_64")


@pytest.mark.parametrize("name", built_in_platforms())
def test_a_platform_that_comes_with_rdo_can_be_read(name: str) -> None:
    assert built_in_platform(name).dist.startswith(".")


def test_each_name_of_the_rpm_world_stands_for_one_debian_package() -> None:
    tables = (DEB12.provides, DEB12.bridged)
    names = [name for table in tables for names in table.values() for name in names]

    assert not {name for name in names if names.count(name) > 1}
    assert not DEB12.provides.keys() & DEB12.bridged.keys()


def test_a_package_is_known_by_its_table_but_not_by_paths_or_by_itself() -> None:
    platform = dataclasses.replace(
        DEB12, provides={"x": ("x", "y")}, bridged={"x": ("y", "z", "/usr/bin/x")}
    )

    assert known_names(platform, "x") == ["y", "z"]
    assert known_names(platform, "other") == []


def test_the_users_are_those_of_packages_that_are_bridged() -> None:
    assert DEB12.users.keys() <= DEB12.bridged.keys()
