from pathlib import PurePosixPath

import pytest

from rdo.errors import ConfigError
from rdo.publish.site import Members, Site
from tests.publishing import package

REVIEW = frozenset({"under-review"})
NET, CPU, NEW = (
    package("a", component="network"),
    package("b", component="compute"),
    package("c", component="network", tags=REVIEW),
)
MEMBERS = Members((NET, CPU, NEW))
FLAT = Site("t", "http://x/")
PARTS = Site("t", "http://x", components=True)


def test_without_components_all_share_one_repository() -> None:
    assert MEMBERS.of(FLAT, None) == (NET, CPU)
    assert MEMBERS.components(FLAT) == (None,)


def test_with_components_each_has_its_own() -> None:
    assert MEMBERS.of(PARTS, "network") == (NET,)
    assert MEMBERS.components(PARTS) == ("compute", "network")


def test_where_components_are_used_a_package_without_one_is_refused() -> None:
    assert FLAT.component("a", None) is None
    with pytest.raises(ConfigError, match="package a has no component"):
        PARTS.component("a", None)


def test_a_url_has_one_slash_between_its_parts() -> None:
    assert FLAT.url(PurePosixPath("aa/bb")) == PARTS.url(PurePosixPath("aa/bb"))
    assert FLAT.url(PurePosixPath("aa/bb")) == "http://x/t/repos/aa/bb"


def test_a_tree_may_be_served_elsewhere() -> None:
    site = Site("t", "http://x/", tree_url="https://trunk.example.test/centos9")

    assert site.url(PurePosixPath("current")) == "https://trunk.example.test/centos9/current"
