import pytest

from rdo.notify.links import commit_url


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://opendev.org/openstack/nova", "https://opendev.org/openstack/nova/commit/1a2b"),
        ("https://github.com/org/x.git", "https://github.com/org/x/commit/1a2b"),
        ("https://github.com/org/x/", "https://github.com/org/x/commit/1a2b"),
        ("git@github.com:org/x.git", "https://github.com/org/x/commit/1a2b"),
        ("ssh://me:secret@github.com:22/org/x", "https://github.com/org/x/commit/1a2b"),
        ("https://gitlab.com/a/b/c.git", "https://gitlab.com/a/b/c/-/commit/1a2b"),
        ("https://pagure.io/x.git", "https://pagure.io/x/c/1a2b"),
        ("https://src.fedoraproject.org/rpms/x", "https://src.fedoraproject.org/rpms/x/c/1a2b"),
        (
            "https://review.rdoproject.org/r/openstack/nova-distgit.git",
            "https://review.rdoproject.org/cgit/openstack/nova-distgit/commit/?id=1a2b",
        ),
        ("https://git.kernel.org/x/y.git", "https://git.kernel.org/x/y/commit/?id=1a2b"),
        ("https://cgit.example.test/x", "https://cgit.example.test/x/commit/?id=1a2b"),
    ],
)
def test_the_page_of_a_commit_by_its_host(remote: str, url: str) -> None:
    assert commit_url(remote, "1a2b") == url


@pytest.mark.parametrize(
    "remote",
    [
        *("pypi:oslo.config", "file:///srv/x.git", "/srv/x.git", "../x", ""),
        *("https://example.test/x", "https://notgithub.com/x", "https://github.com.evil.test/x"),
    ],
)
def test_a_host_that_is_not_known_has_no_page(remote: str) -> None:
    assert commit_url(remote, "1a2b") == ""
