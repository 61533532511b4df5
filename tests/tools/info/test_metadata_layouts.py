from pathlib import Path

import pytest

from rdo.app import App
from rdo.config import MetadataSection
from rdo.errors import ConfigError
from rdo.metadata import layouts
from tests.conftest import GitRepository

UPSTREAMS = MetadataSection(source="x").upstreams


def no_network(url: str) -> bool:
    raise AssertionError(url)


@pytest.fixture
def packaging(tmp_path: Path) -> GitRepository:
    repository = GitRepository(tmp_path / "rpm-packaging")
    names = (
        "openstack/nova/nova.spec.j2",
        "openstack/macros/x",
        "other/extra/extra.spec",
        "README",
    )
    repository.commit("specs", dict.fromkeys(names, "x"))
    return repository


def test_a_folder_is_a_package_and_its_upstream_the_first_that_exists(
    packaging: GitRepository, tmp_path: Path
) -> None:
    there = {"https://opendev.org/openstack/nova", "https://opendev.org/x/extra"}

    found = layouts.folders(
        packaging.url,
        ["master"],
        directories=["/openstack", "other"],
        skip=["macros"],
        upstreams=UPSTREAMS,
        cache=tmp_path / "cache",
        is_there=there.__contains__,
    )

    nova, extra = found.target("master").packages
    assert (nova.name, nova.project) == ("nova", "nova")
    assert nova.upstreams == ("https://opendev.org/openstack/nova",)
    assert (nova.distgit, nova.distgit_path) == (packaging.url, "openstack/nova")
    assert nova.maintainers == ("test@example.com",)
    assert extra.upstreams == ("https://opendev.org/x/extra",)


def test_an_upstream_is_looked_for_once(packaging: GitRepository, tmp_path: Path) -> None:
    known = {"directories": ["other"], "upstreams": UPSTREAMS, "cache": tmp_path / "cache"}
    layouts.folders(packaging.url, ["master"], is_there=lambda _: True, **known)  # type: ignore[arg-type]

    again = layouts.folders(packaging.url, ["master"], is_there=no_network, **known)  # type: ignore[arg-type]

    assert len(again.target("master").packages) == 1


def test_a_directory_that_is_not_there_is_an_error(
    packaging: GitRepository, tmp_path: Path
) -> None:
    for directory in ("none", ".."):
        with pytest.raises(ConfigError, match="has no directory"):
            layouts.folders(
                packaging.url,
                ["master"],
                directories=[directory],
                upstreams=UPSTREAMS,
                cache=tmp_path / "cache",
            )


def test_a_distgit_on_this_machine_is_the_only_package(distgit: GitRepository) -> None:
    distgit.commit("spec", {"python-x.spec": ""})
    (distgit.path / "rdo.toml").write_text(
        "[metadata]\nsource = '.'\nlayout = 'local'\n"
        "[targets.t]\nrelease = 'mine'\nplatform = 'deb12-x86_64'\ndistgit-branch = 'rpm-master'\n"
    )

    (package,) = App(distgit.path).packages("t").packages

    assert (package.name, package.upstreams) == ("python-x", (distgit.url,))
    assert (package.distgit, package.distgit_branch) == (distgit.url, "rpm-master")
    (distgit.path / "other.spec").touch()
    with pytest.raises(ConfigError, match="it has 2"):
        App(distgit.path).packages("t")
