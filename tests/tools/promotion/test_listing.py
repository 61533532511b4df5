"""Listing the repositories of a tree, and the packages that a repository offers."""

import pytest

from rdo.app.targets import OpenTarget
from rdo.errors import NotFoundError
from rdo.promotion import listing
from rdo.promotion.compositions import find
from tests.publishing import Factory


def test_repositories_are_listed_with_their_names_newest_first(
    made: Factory, target: OpenTarget
) -> None:
    made.publish("python-a", "a1")
    made.publish("python-b", "b1")
    made.fail("python-b", "b2")
    made.publish("python-a", "a2", "2.0")

    rows = listing.in_tree(target)

    assert [row.of.partition("@")[0] for row in rows] == ["python-a", "python-b", "python-a"]
    assert [row.names for row in rows] == [("current",), ("consistent",), ()]
    assert rows[0].url == f"http://127.0.0.1/master-deb12/repos/{rows[0].path}"
    assert listing.in_tree(target, limit=1) == rows[:2]


def test_the_files_of_an_rpm_are_listed(made: Factory, target: OpenTarget) -> None:
    made.publish("python-a", "a1")
    found = find(target, "current")

    for name in ("python3-a", "python3-a-1.0-1.noarch.rpm", "python3-a-1.0-1.noarch"):
        assert listing.files_of(target, found, name) == (
            "/usr/share/python-a",
            "/usr/share/python-a/file",
        )
    with pytest.raises(NotFoundError, match='no RPM python3-aa; did you mean "python3-a"'):
        listing.files_of(target, found, "python3-aa")


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("python3-a", ["python3-a = 1.0-1"]),
        ("python3-?", ["python3-a = 1.0-1", "python3-b = 2.0-1"]),
        ("/usr/share/python-a/file", ["/usr/share/python-a/file"]),
        ("*/file", ["/usr/share/python-a/file", "/usr/share/python-b/file"]),
        ("python3", []),
        ("/usr/share/none", []),
        ("[", []),
    ],
)
def test_what_provides_a_capability_or_a_file(
    made: Factory, target: OpenTarget, wanted: str, told: list[str]
) -> None:
    made.publish("python-a", "a1")
    made.publish("python-b", "b1", "2.0")

    found = listing.providers(target, find(target, "current"), wanted)

    assert [one.provides for one in found] == told
