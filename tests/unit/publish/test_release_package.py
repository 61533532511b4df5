"""What `rdo-release` says: the repositories of a name, by name or pinned."""

from pathlib import Path

import pytest

from rdo.errors import ConfigError, NotFoundError
from rdo.publish.release_package import ReleasePackage, release_sections
from rdo.publish.site import Site

SITE = Site("master-deb12", "http://repos.example.test")
TOP = "http://repos.example.test/master-deb12/repos"


def publish(repos: Path, place: str, snapshot: str = "") -> None:
    (repos / place / "repodata").mkdir(parents=True)
    (repos / place / "repodata/repomd.xml").touch()
    if snapshot:
        (repos / place / "delorean-deps.repo").write_text(f"baseurl={TOP}/deps/{snapshot}\n")


def lead(repos: Path, name: str, place: str) -> None:
    (repos / name).parent.mkdir(parents=True, exist_ok=True)
    (repos / name).symlink_to((repos / place).resolve())


@pytest.fixture
def repos(tmp_path: Path) -> Path:
    """A tree whose name current leads to a repository, with two snapshots of dependencies."""
    publish(tmp_path, "aa/bb/aabb_cc", "0" * 16)
    lead(tmp_path, "current", "aa/bb/aabb_cc")
    for snapshot in ("0" * 16, "1" * 16):
        (tmp_path / "deps" / snapshot).mkdir(parents=True)
    lead(tmp_path, "deps/current", f"deps/{'1' * 16}")
    return tmp_path


def test_a_name_is_followed_under_addresses_that_stay(repos: Path) -> None:
    found = release_sections(SITE, repos, "master", "current")

    assert [(one.id, one.baseurl, one.priority) for one in found] == [
        ("openstack-master", (f"{TOP}/current",), 1),
        ("openstack-master-deps", (f"{TOP}/deps/current",), 50),
    ]


def test_a_pin_stays_at_the_repository_and_its_dependencies(repos: Path) -> None:
    found = release_sections(SITE, repos, "master", "current", is_pinned=True)

    assert [one.baseurl for one in found] == [
        (f"{TOP}/aa/bb/aabb_cc",),
        (f"{TOP}/deps/{'0' * 16}",),
    ]


def test_each_component_is_a_repository(tmp_path: Path) -> None:
    for component in ("compute", "network"):
        publish(tmp_path, f"component/{component}/aa/bb/x")
        lead(tmp_path, f"component/{component}/current", f"component/{component}/aa/bb/x")

    found = release_sections(SITE, tmp_path, "master", "current")

    assert [(one.id, one.baseurl) for one in found] == [
        ("openstack-master-compute", (f"{TOP}/component/compute/current",)),
        ("openstack-master-network", (f"{TOP}/component/network/current",)),
    ]


def test_a_name_that_leads_nowhere_is_reported(repos: Path) -> None:
    with pytest.raises(NotFoundError, match="master-deb12 has no repository consistent yet"):
        release_sections(SITE, repos, "master", "consistent")


def test_a_release_that_cannot_be_a_version_is_reported(repos: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be the version of a package"):
        release_sections(SITE, repos, "%(id)", "current")


def test_the_release_is_a_version_without_a_dash() -> None:
    assert ReleasePackage("rocky-rhos", 1, ()).version == "rocky_rhos"
