"""From real remotes to a stored queue."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rdo.mirrors import Mirrors
from rdo.model.build import Failed, FailureReason
from rdo.model.commit import package_suffix
from rdo.model.package import Package
from rdo.package_index import PackageIndex
from rdo.store import Store
from rdo.trunk.plan import PlanRules, RoundPlan, make_plan, record_plan
from rdo.trunk.sources.poll import Remotes
from rdo.trunk.sources.pypi_releases import Releases
from tests.conftest import GitRepository

TARGET = "master-deb12"
NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
DEFAULT = PlanRules()


def no_index() -> PackageIndex:
    raise AssertionError("nothing here comes from PyPI")


class Planner:
    """Polls and plans, as a round does, with one package by default."""

    def __init__(self, folder: Path, store: Store, packages: list[Package]) -> None:
        self.store, self.packages = store, packages
        self.remotes = Remotes(
            Mirrors(folder / "mirrors"), Releases(folder / "releases", open_index=no_index)
        )

    def plan(self, rules: PlanRules = DEFAULT, *, record: bool = True) -> RoundPlan:
        followed = self.remotes.poll(self.packages)
        with self.store.read() as at:
            plan = make_plan(at, TARGET, followed, rules)
        if record:
            record_plan(self.store, TARGET, plan, followed, platform_digest="p", now=NOW)
        return plan


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.temporary() as opened:
        yield opened


@pytest.fixture
def planner(
    upstream: GitRepository, distgit: GitRepository, tmp_path: Path, store: Store
) -> Planner:
    upstream.commit("one")
    distgit.commit("spec")
    package = Package(
        name="python-foo",
        project="foo",
        upstreams=(upstream.url,),
        distgit=distgit.url,
        upstream_branch="master",
        distgit_branch="rpm-master",
        component="common",
    )
    return Planner(tmp_path / "data", store, [package])


def test_what_was_planned_is_queued_once(planner: Planner, upstream: GitRepository) -> None:
    head = upstream.commit("two")

    assert [commit.upstream_hash for commit in planner.plan().commits] == [head]
    assert planner.plan() == RoundPlan((), (), {})
    with planner.store.read() as at:
        (build,) = at.builds.queue(TARGET)
    assert build.commit.component == "common"
    assert build.release_date == NOW


def test_two_commits_planned_at_once_have_different_release_dates(
    planner: Planner, upstream: GitRepository
) -> None:
    upstream.commit("two")
    planner.plan(PlanRules(initial_commits=2))

    with planner.store.read() as at:
        first, second = at.builds.queue(TARGET)
    assert (second.release_date - first.release_date).total_seconds() == 1
    assert first.inputs != second.inputs


def test_a_plan_that_is_not_recorded_changes_nothing(planner: Planner) -> None:
    first = planner.plan(record=False)

    assert planner.plan(record=False) == first
    with planner.store.read() as at:
        assert at.builds.queue(TARGET) == ()
        assert at.heads.all(TARGET) == {}


def test_an_unreachable_package_is_noted_and_the_others_are_planned(
    planner: Planner, tmp_path: Path
) -> None:
    away = replace(planner.packages[0], name="python-away", upstreams=("file:///nonexistent",))
    planner.packages.insert(0, away)

    plan = planner.plan()

    assert [commit.package for commit in plan.commits] == ["python-foo"]
    assert "file:///nonexistent cannot be reached" in plan.problems["python-away"][0]
    with planner.store.read() as at:
        head = at.heads.all(TARGET)["python-away"]
    assert "cannot be reached" in head.error
    assert head.error_since == NOW


def test_a_distgit_change_is_built_while_the_upstream_is_away(
    planner: Planner, upstream: GitRepository, distgit: GitRepository
) -> None:
    (last,) = planner.plan().commits
    upstream.path.rename(upstream.path.with_name("away"))
    changed = distgit.commit("fix")

    plan = planner.plan()

    assert plan.commits[0].upstream_hash == last.upstream_hash
    assert plan.commits[0].distgit_hash == changed
    assert "python-foo" in plan.problems


def test_a_branch_that_is_gone_is_a_problem_of_its_package(planner: Planner) -> None:
    planner.packages = [
        replace(planner.packages[0], distgit_branch="fedora"),
        replace(planner.packages[0], name="b", upstream_branch="master-but-gone"),
    ]
    planner.packages[1] = replace(planner.packages[1], distgit_path="no/such/folder")

    plan = planner.plan()

    assert plan.problems["python-foo"][0].endswith("has no branch fedora")
    assert plan.problems["b"][0].endswith("has no folder no/such/folder on rpm-master")
    assert plan.commits == ()


def test_in_a_shared_distgit_only_the_own_folder_counts(
    planner: Planner, distgit: GitRepository
) -> None:
    own = distgit.commit("foo", {"foo/foo.spec": "1"})
    planner.packages = [replace(planner.packages[0], distgit_path="foo")]
    planner.plan()

    distgit.commit("bar", {"bar/bar.spec": "1"})
    assert planner.plan().commits == ()
    changed = distgit.commit("foo again", {"foo/foo.spec": "2"})
    assert [commit.distgit_hash for commit in planner.plan().commits] == [changed]
    assert own != changed


def test_two_packages_of_the_same_sources_get_different_hash_directories(
    planner: Planner,
) -> None:
    planner.packages.append(replace(planner.packages[0], name="python-bar"))

    first, second = planner.plan().commits

    assert first.extended_hash is None
    assert second.extended_hash == package_suffix("python-bar")
    assert planner.plan().commits == ()


def test_a_force_push_back_to_a_known_commit_makes_it_the_newest_again(
    planner: Planner, upstream: GitRepository
) -> None:
    (first,) = planner.plan().commits
    upstream.commit("two")
    planner.plan()
    upstream.git("reset", "--quiet", "--hard", first.upstream_hash)

    plan = planner.plan()

    assert plan.commits == (first,)
    assert "the branch was rewritten" in plan.notes[0]
    assert planner.plan() == RoundPlan((), (), {})


def fail(store: Store, reason: FailureReason) -> None:
    """Let the only queued build fail."""
    with store.write() as at:
        (build,) = at.builds.queue(TARGET)
        at.builds.settle(build.id, Failed(reason, "it said no"), now=NOW)


def test_a_commit_whose_tests_failed_is_built_again_when_they_are_turned_off(
    planner: Planner, store: Store
) -> None:
    first = planner.plan()
    fail(store, FailureReason.TEST)
    assert planner.plan().commits == ()
    planner.packages[0] = replace(planner.packages[0], skip_tests="they need a network")

    again = planner.plan()

    assert again.commits == first.commits
    assert planner.plan().commits == ()
    with store.read() as at:
        old, new = sorted(at.builds.history(TARGET, "python-foo"), key=lambda build: build.id)
    assert new.inputs != old.inputs
    assert new.release_date > old.release_date


def test_turning_tests_off_mends_nothing_else(planner: Planner, store: Store) -> None:
    planner.plan()
    fail(store, FailureReason.COMPILE)
    planner.packages[0] = replace(planner.packages[0], skip_tests="they need a network")

    assert planner.plan().commits == ()
