"""In which repositories a commit, a fix or a version is, under which names and since when."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from rdo.errors import NotFoundError
from rdo.mirrors import Mirrors
from rdo.promotion.containing import Containing, contains, find_builds, repositories_containing
from rdo.publish.site import Members
from tests.conftest import GitRepository
from tests.history import write_history
from tests.publishing import TARGET, Factory, open_target


def asked(made: Factory, what: str, version: str = "") -> Containing:
    target = open_target(made)
    builds = find_builds(target, Mirrors(made.folder / "mirrors"), what, version)
    [found] = contains(target, builds)
    return found


def test_names_have_a_commit_since_they_first_led_to_it(made: Factory) -> None:
    made.publish("python-a", "a1")
    made.publish("python-b", "b1")
    second = made.publish("python-a", "a2", "2.0")
    made.publish("python-b", "b2", "2.0")
    commit = "a2".ljust(40, "0")

    found = asked(made, commit)
    by_start = asked(made, commit[:8])
    by_distgit = asked(made, hashlib.sha1(b"python-a", usedforsecurity=False).hexdigest())
    old = asked(made, "a1".ljust(40, "0"))
    version = asked(made, "python-a", "2.0")
    release = asked(made, "python-a", "2.0-1")
    epoch = asked(made, "python-a", "0:2.0-1")

    assert second.directory is not None
    assert {one.name for one in found.names} == {"current", "consistent"}
    assert found.first is not None
    assert str(second.directory).endswith(found.first.path)
    current = next(one for one in found.names if one.name == "current")
    assert timedelta() <= current.since - found.first.created < timedelta(seconds=5)
    assert not current.at_the_latest
    assert current.path == made.leads("current") != found.first.path
    assert by_start == version == release == epoch == found
    assert [one.id for one in by_distgit.builds] == [1, 3]
    assert old.names == ()
    listed, more = repositories_containing(open_target(made), found.builds, most=None)
    assert ([one.path for one in listed], more) == ([current.path, found.first.path], None)


def test_a_fix_is_found_by_the_messages_in_mirrors(made: Factory, upstream: GitRepository) -> None:
    before = upstream.commit("First")
    fix = upstream.commit("Check the length\n\nThis is CVE-2026-12345.")
    above = upstream.commit("Something else")
    url = upstream.url
    made.members = Members(
        tuple(
            replace(one, upstreams=(url,)) if one.name == "python-a" else one
            for one in made.members.packages
        )
    )
    mirrors = Mirrors(made.folder / "mirrors")
    mirrors.poll([url])
    made.publish("python-a", before)
    made.publish("python-a", above, "2.0")

    by_id, by_hash = asked(made, "CVE-2026-12345"), asked(made, fix)

    assert by_id == by_hash
    assert [one.commit.upstream_hash for one in by_id.builds] == [above]
    assert {one.name for one in by_id.names} >= {"current"}
    with pytest.raises(NotFoundError, match=r"names CVE-2026-1234$"):
        asked(made, "CVE-2026-1234")


def test_a_fix_in_two_packages_is_reported_for_each(made: Factory, upstream: GitRepository) -> None:
    upstream.commit("First")
    fix = upstream.commit("CVE-2026-1234: check the length")
    made.members = Members(
        tuple(replace(one, upstreams=(upstream.url,)) for one in made.members.packages)
    )
    target = open_target(made)
    mirrors = Mirrors(made.folder / "mirrors")
    mirrors.poll([upstream.url])
    made.publish("python-a", fix)
    made.publish("python-b", "b1")
    before = contains(target, find_builds(target, mirrors, "CVE-2026-1234"))
    made.publish("python-b", fix, "2.0")

    after = contains(target, find_builds(target, mirrors, "CVE-2026-1234"))

    assert [(one.package, len(one.names)) for one in before] == [("python-a", 2)]
    assert [(one.package, len(one.names)) for one in after] == [("python-a", 2), ("python-b", 2)]
    [second] = {name.since for name in after[1].names if name.name == "current"}
    assert second > max(name.since for name in after[0].names if name.name == "current")


@pytest.mark.parametrize(
    ("what", "version", "told"),
    [
        ("python-a", "", "neither the hash of a commit, of 7 digits or more, nor the id"),
        ("python-a", "9", "no published build of python-a has the version 9"),
        ("python-a", "1:1.0", "no published build of python-a has the version 1:1.0"),
        ("python-a", "one:1.0", "no published build of python-a has the version one:1.0"),
        ("f" * 40, "", "no published build of master-deb12 has the commit"),
        ("F" * 40, "", "no published build of master-deb12 has the commit"),
        ("python-x", "1", "has no package python-x"),
    ],
)
def test_what_is_nowhere_is_one_clear_error(
    made: Factory, what: str, version: str, told: str
) -> None:
    made.publish("python-a", "a1")

    with pytest.raises(NotFoundError, match=told):
        asked(made, what, version)


def test_an_answer_is_right_beside_many_builds(made: Factory) -> None:
    write_history(made.store, TARGET, [f"python-{number}" for number in range(200)], 5)
    made.publish("python-a", "a1")
    made.publish("python-b", "b1")
    distgit = hashlib.sha1(b"python-a", usedforsecurity=False).hexdigest()
    for question in (("a1".ljust(40, "0"),), (distgit,), ("python-a", "1.0")):
        found = asked(made, *question)

        assert {one.name for one in found.names} == {"current", "consistent"}
