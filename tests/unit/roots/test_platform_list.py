"""The platforms that are known, without any that is made."""

from importlib import resources
from pathlib import Path

import pytest

from rdo.errors import NotFoundError
from rdo.roots.platform.platform_list import ListedPlatform, list_platforms, show_platform
from rdo.roots.platform.platforms import Platforms

BUILT_IN = resources.files("rdo.roots") / "definitions" / "deb12-x86_64.toml"


def test_platforms_are_listed_with_the_file_that_defines_them(tmp_path: Path) -> None:
    own = tmp_path / "mine-x86_64/definition.toml"
    own.parent.mkdir()
    own.write_text(BUILT_IN.read_text())

    found = list_platforms(Platforms(tmp_path))

    assert ListedPlatform("mine-x86_64", False, str(own)) in found
    assert ListedPlatform("deb12-x86_64", False, "rdo's own") in found
    assert [one.platform for one in found] == sorted(one.platform for one in found)


def test_a_platform_that_is_not_made_has_no_layers(tmp_path: Path) -> None:
    shown = show_platform(Platforms(tmp_path), "deb12-x86_64")

    assert (shown.platform, shown.family, shown.arch) == ("deb12-x86_64", "debian", "x86_64")
    assert not shown.made
    assert shown.layers == ()
    assert shown.packages


def test_a_platform_that_nobody_defines_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="deb12"):
        show_platform(Platforms(tmp_path), "deb12-x86")
