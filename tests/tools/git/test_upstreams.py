"""The choice of commits for a package with two upstreams, from real remotes to a stored queue."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rdo.model.package import Package
from rdo.store import Store
from rdo.trunk.plan import PlanRules, RoundPlan
from tests.conftest import GitRepository
from tests.tools.command.test_plan import NOW, TARGET, Planner

NOTHING = RoundPlan((), (), {})


class Followed:
    """A package that follows a service and its plugin, one commit each."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.service = GitRepository(folder / "service")
        self.plugin = GitRepository(folder / "plugin")
        self.distgit = GitRepository(folder / "distgit", "rpm-master")
        self.service.commit("one")
        self.plugin.commit("plugin one")
        self.distgit.commit("spec")
        package = Package(
            name="python-foo",
            project="foo",
            upstreams=(self.service.url, self.plugin.url),
            distgit=self.distgit.url,
            upstream_branch="master",
            distgit_branch="rpm-master",
        )
        self.planner = Planner(folder / "data", store, [package])

    def follow(self, *upstreams: GitRepository) -> None:
        urls = tuple(one.url for one in upstreams)
        self.planner.packages = [replace(self.planner.packages[0], upstreams=urls)]

    def pin(self, branch: str) -> None:
        self.planner.packages = [replace(self.planner.packages[0], upstream_branch=branch)]

    def plan(self) -> RoundPlan:
        return self.planner.plan()

    def hashes(self) -> list[str]:
        return [commit.upstream_hash for commit in self.plan().commits]


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Followed]:
    with Store.temporary() as store:
        yield Followed(tmp_path, store)


def head(repository: GitRepository) -> str:
    return repository.git("rev-parse", "HEAD")


def test_first_the_head_of_each_then_every_commit_of_both(followed: Followed) -> None:
    heads = [followed.service.commit("two"), followed.plugin.commit("plugin two")]
    assert followed.hashes() == heads

    old = [followed.plugin.commit(f"plugin {n}", when=1_000_000_000 + n) for n in (3, 4)]
    new = [followed.service.commit(text) for text in ("three", "four")]

    assert followed.hashes() == [*new, *old]
    assert followed.plan() == NOTHING


def test_only_the_head_of_each_where_no_more_is_wanted(followed: Followed) -> None:
    followed.plan()
    heads = []
    for repository in (followed.service, followed.plugin):
        repository.commit("two")
        heads.append(repository.commit("three"))

    plan = followed.planner.plan(PlanRules(head_only=True))

    assert [commit.upstream_hash for commit in plan.commits] == heads


def test_a_changed_distgit_rebuilds_the_newest_commit_of_all(followed: Followed) -> None:
    followed.plan()
    newest = followed.service.commit("two")
    followed.plan()
    changed = followed.distgit.commit("fix")

    (commit,) = followed.plan().commits

    assert (commit.upstream_hash, commit.distgit_hash) == (newest, changed)
    assert commit.upstream == followed.service.url
    assert followed.plan() == NOTHING


def test_a_hash_in_place_of_a_branch_is_that_commit_for_good(followed: Followed) -> None:
    pinned = head(followed.service)
    followed.service.commit("two")
    followed.follow(followed.service)
    followed.pin(pinned)

    assert followed.hashes() == [pinned]
    followed.service.commit("three")
    assert followed.plan() == NOTHING


def test_a_hash_that_no_commit_has_is_no_branch_that_another_stands_in_for(
    followed: Followed,
) -> None:
    followed.follow(followed.service)
    followed.pin("0" * 40)

    plan = followed.plan()

    assert (plan.commits, plan.problems) == (
        (),
        {"python-foo": (f"upstream {followed.service.url} has no {'0' * 40}",)},
    )


def test_a_lost_branch_of_one_is_said_and_the_other_goes_on(followed: Followed) -> None:
    followed.plan()
    followed.plugin.git("branch", "--move", "master", "other")
    new = followed.service.commit("two")

    plan = followed.plan()

    assert [commit.upstream_hash for commit in plan.commits] == [new]
    assert plan.problems == {"python-foo": (f"upstream {followed.plugin.url} has no master",)}


def test_a_rewritten_history_of_one_is_told_apart_from_the_other(followed: Followed) -> None:
    followed.plugin.commit("plugin two")
    followed.plan()
    followed.plugin.git("reset", "--quiet", "--hard", "HEAD~1")
    new = followed.plugin.commit("another plugin two")

    plan = followed.plan()

    assert [commit.upstream_hash for commit in plan.commits] == [new]
    (note,) = plan.notes
    assert f"master of {followed.plugin.url} (the branch was rewritten)" in note
    assert followed.plan() == NOTHING


def test_a_head_that_comes_back_is_the_newest_again(followed: Followed) -> None:
    followed.plan()
    back = head(followed.service)
    followed.service.commit("two")
    followed.plan()
    followed.service.git("reset", "--quiet", "--hard", back)

    assert followed.hashes() == [back]
    assert followed.plan() == NOTHING
    changed = followed.distgit.commit("fix")
    (commit,) = followed.plan().commits
    assert (commit.upstream_hash, commit.distgit_hash) == (back, changed)


def test_what_a_fork_has_in_common_is_built_once(followed: Followed, tmp_path: Path) -> None:
    fork = GitRepository(tmp_path / "fork")
    fork.git("pull", "--quiet", followed.service.url, "master")
    followed.follow(followed.service, fork)
    assert followed.hashes() == [head(followed.service)]
    assert followed.plan() == NOTHING

    new = [followed.service.commit("two"), followed.service.commit("three")]
    assert followed.hashes() == new
    fork.git("pull", "--quiet", followed.service.url, "master")
    assert followed.plan() == NOTHING
    assert [fork.commit("own")] == followed.hashes()


def test_one_that_is_added_begins_with_its_head_and_the_other_goes_on(followed: Followed) -> None:
    followed.follow(followed.service)
    followed.plan()
    followed.follow(followed.service, followed.plugin)
    new = [followed.service.commit("two"), followed.service.commit("three")]
    followed.plugin.commit("plugin two")

    assert followed.hashes() == [*new, head(followed.plugin)]


def test_one_that_moves_goes_on_where_it_was(followed: Followed) -> None:
    followed.plan()
    followed.service.path = followed.service.path.rename(followed.service.path.with_name("moved"))
    followed.follow(followed.plugin, followed.service)
    new = [followed.service.commit("two"), followed.service.commit("three")]

    plan = followed.plan()

    assert [commit.upstream_hash for commit in plan.commits] == new
    assert plan.notes == ()


def test_one_that_leaves_the_metadata_is_followed_no_more(followed: Followed) -> None:
    followed.plan()
    followed.follow(followed.service)
    followed.plugin.commit("plugin two")

    plan = followed.plan()

    assert [commit.upstream_hash for commit in plan.commits] == [head(followed.service)]
    assert f"it was built from {followed.plugin.url}" in plan.notes[0]
    assert followed.plan() == NOTHING


def test_one_of_two_that_is_not_there_yet_is_built_when_it_comes(followed: Followed) -> None:
    away = followed.plugin.path.rename(followed.plugin.path.with_name("away"))
    assert followed.hashes() == [head(followed.service)]
    away.rename(followed.plugin.path)

    assert followed.hashes() == [head(followed.plugin)]


def test_the_commit_of_a_single_upstream_that_an_older_rdo_planned_is_known(
    followed: Followed, tmp_path: Path
) -> None:
    followed.follow(followed.service)
    (first,) = followed.plan().commits
    with followed.planner.store.write() as at:
        at.builds.plan(TARGET, replace(first, upstream=""), now=NOW, as_newest=True)
    followed.follow(followed.service, followed.plugin)
    new = [followed.service.commit("two"), followed.service.commit("three")]

    assert followed.hashes() == [*new, head(followed.plugin)]
