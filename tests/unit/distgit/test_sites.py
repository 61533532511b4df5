"""Dist-git sites: facts about a package that the URL of a clone reveals."""

from pathlib import Path

import pytest

from rdo.distgit.everyday import sites


@pytest.mark.parametrize(
    ("name", "url", "repository"),
    [
        ("fedora", "ssh://me@pkgs.fedoraproject.org/rpms/foo", "rpms/foo"),
        ("fedora", "https://src.fedoraproject.org/rpms/foo.git", "rpms/foo"),
        ("centos-stream", "https://gitlab.com/redhat/centos-stream/rpms/foo.git", "rpms/foo"),
        ("centos-stream", "git@gitlab.com:redhat/centos-stream/rpms/foo.git", "rpms/foo"),
        ("centos", "ssh://git@git.centos.org/rpms/foo.git", "rpms/foo"),
        ("rdo", "ssh://me@review.rdoproject.org:29418/openstack/nova-distgit", "nova"),
        ("rdo", "https://review.rdoproject.org/r/openstack/nova-distgit", "nova"),
        ("fedora", "https://elsewhere.example.test/rpms/foo", "rpms/foo"),
    ],
)
def test_a_url_names_its_repository_as_the_site_does(
    name: str, url: str, repository: str, tmp_path: Path
) -> None:
    site = sites.load(tmp_path, tmp_path).get(name)

    assert site.repository_of(url) == repository
