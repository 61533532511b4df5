from pathlib import Path

from rdo.model.build import Built, Failed, FailureReason
from rdo.store import Store, Transaction
from rdo.store.work.builds import Build
from tests.unit.store.samples import NOW, TARGET, commit, later

BUILT = Built((Path("x.rpm"),))
BROKEN = Failed(FailureReason.COMPILE, "error")


def planned(at: Transaction, upstream: str, package: str = "python-pbr") -> Build:
    return at.builds.plan(TARGET, commit(package, upstream=upstream), now=NOW)


def test_a_package_is_ftbfs_since_its_first_failure(store: Store) -> None:
    with store.write() as at:
        first, second = planned(at, "a1"), planned(at, "a2")
        at.builds.settle(first.id, BROKEN, now=later(10))
        at.builds.settle(second.id, BROKEN, now=later(20))

        (state,) = at.packages.ftbfs(TARGET)
        assert state.newest == at.builds.get(second.id)
        assert state.broken_by == at.builds.get(first.id)
        assert state.broken_since == later(10)


def test_a_good_build_mends_the_package(store: Store) -> None:
    with store.write() as at:
        first, second = planned(at, "a1"), planned(at, "a2")
        at.builds.settle(first.id, BROKEN, now=later(10))
        at.builds.settle(second.id, BUILT, now=later(20))

        assert at.packages.ftbfs(TARGET) == ()
        assert at.packages.state(TARGET, "python-pbr").broken_since is None


def test_a_late_outcome_of_an_older_commit_changes_nothing(store: Store) -> None:
    with store.write() as at:
        old, new = planned(at, "a1"), planned(at, "a2")
        at.builds.settle(new.id, BUILT, now=later(10))
        at.builds.settle(old.id, BROKEN, now=later(20))

        assert at.packages.ftbfs(TARGET) == ()


def test_a_recheck_of_the_same_commit_counts_as_newer(store: Store) -> None:
    with store.write() as at:
        failed = planned(at, "a1")
        at.builds.settle(failed.id, BROKEN, now=later(10))
        again = planned(at, "a1")
        at.builds.settle(again.id, BUILT, now=later(20))

        assert at.packages.ftbfs(TARGET) == ()


def test_a_build_is_good_when_it_is_published(store: Store) -> None:
    with store.write() as at:
        build = planned(at, "a1")
        at.builds.settle(build.id, BUILT, now=later(10))
        assert at.packages.state(TARGET, "python-pbr").good is None
        at.builds.publish(build.id, superseded=False)

        state = at.packages.state(TARGET, "python-pbr")
        assert state.good == state.newest == at.builds.get(build.id)


def test_a_superseded_or_bootstrap_build_is_never_the_good_one(store: Store) -> None:
    with store.write() as at:
        build = planned(at, "a1")
        boot = at.builds.plan(TARGET, commit("python-six"), now=NOW, bootstrap=True)
        for settled in (build, boot):
            at.builds.settle(settled.id, BUILT, now=later(10))
        at.builds.publish(build.id, superseded=True)
        at.builds.publish(boot.id, superseded=False)

        assert [state.good for state in at.packages.states(TARGET)] == [None, None]


def test_states_are_sorted_by_name_and_each_has_its_own_builds(store: Store) -> None:
    with store.write() as at:
        for package in ("b", "a"):
            at.builds.settle(planned(at, "a1", package).id, BUILT, now=later(1))

        states = at.packages.states(TARGET)
        assert [state.package for state in states] == ["a", "b"]
        assert [state.newest and state.newest.package for state in states] == ["a", "b"]
