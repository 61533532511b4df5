"""Two repositories compared, with the git commits that lead from one to the other."""

from dataclasses import replace
from pathlib import Path

import pytest

from rdo.app.targets import OpenTarget
from rdo.mirrors import Mirrors
from rdo.model.build import Built
from rdo.model.commit import Commit
from rdo.promotion.compositions import find
from rdo.promotion.differences import DifferenceKind, differences
from rdo.publish.site import Members
from tests.conftest import GitRepository
from tests.publishing import START, TARGET, Factory, open_target, package

CHANGE = f"I{'a' * 40}"


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(tmp_path / "mirrors")


def publish(made: Factory, upstream: str, distgit: str, version: str) -> str:
    """Publish a build of python-a; return its repository."""
    commit = Commit("python-a", upstream, distgit, START, START, "master")
    with made.store.write() as at:
        build = at.builds.plan(TARGET, commit, now=made.now())
    rpms = made.shelf.put(made.folder_of(build), "python-a", version)
    with made.store.write() as at:
        build = at.builds.settle(build.id, Built(rpms), now=made.now())
    directory = made.tree.publish(build, made.folder_of(build), made.members).directory
    assert directory is not None
    return str(directory.relative_to(made.tree.repos))


def test_the_commits_between_two_builds_are_reported_with_authors_and_ids(
    made: Factory, upstream: GitRepository, distgit: GitRepository, mirrors: Mirrors
) -> None:
    one = replace(package("python-a"), upstreams=(upstream.url,), distgit=distgit.url)
    made.members = Members((one, package("python-b")))
    target = open_target(made)
    old, spec = upstream.commit("one"), distgit.commit("spec")
    before = publish(made, old, spec, "1.0")
    new = upstream.commit(f"Mend it\n\nCloses-Bug: #12\nRelated-Bug: 13\nChange-Id: {CHANGE}")
    newest, newer_spec = upstream.commit("three"), distgit.commit("another patch")
    after = publish(made, newest, newer_spec, "2.0")
    mirrors.poll([upstream.url, distgit.url])

    [row] = differences(target, mirrors.folder, find(target, before), find(target, after))
    [back] = differences(target, mirrors.folder, find(target, after), find(target, before))

    assert (row.kind, row.before, row.after) == (
        DifferenceKind.UP,
        "python-a-1.0-1",
        "python-a-2.0-1",
    )
    assert [commit.hash for commit in row.upstream.newest] == [newest, new]
    assert row.upstream.newest[1].bugs == ("#12", "13")
    assert row.upstream.newest[1].changes == (CHANGE,)
    assert row.upstream.newest[1].author
    assert [commit.subject for commit in row.distgit.newest] == ["another patch"]
    assert row.lost.count == 0
    assert (back.kind, back.upstream.count, back.lost.count) == (DifferenceKind.DOWN, 0, 2)


def test_packages_come_go_and_are_rebuilt(
    made: Factory, target: OpenTarget, mirrors: Mirrors
) -> None:
    made.publish("python-a", "a1")
    first = made.leads("current")
    made.publish("python-b", "b1")
    second = made.leads("current")
    made.publish("python-a", "a2")
    found = {name: find(target, name) for name in (first, second, "current")}

    def kinds(one: str, other: str) -> list[tuple[str, DifferenceKind]]:
        rows = differences(target, mirrors.folder, found[one], found[other])
        return [(row.package, row.kind) for row in rows]

    assert kinds(first, second) == [("python-b", DifferenceKind.ADDED)]
    assert kinds(second, first) == [("python-b", DifferenceKind.REMOVED)]
    assert kinds(second, "current") == [("python-a", DifferenceKind.REBUILT)]
    assert kinds(second, second) == []
