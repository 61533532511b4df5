from pathlib import Path

import pytest

from rdo.errors import NotFoundError
from rdo.model.build import Built, Failed, FailureReason, Waiting
from rdo.store import Store
from rdo.store.work.builds import BuildState
from tests.unit.store.samples import NOW, TARGET, commit, later

BUILT = Built((Path("/somewhere/python-pbr-1-1.noarch.rpm"),))
BROKEN = Failed(FailureReason.COMPILE, "no rule to make target")
NO_NETWORK = Failed(FailureReason.NETWORK, "no route to host")


def test_a_planned_build_waits_in_the_queue_of_its_target(store: Store) -> None:
    with store.write() as at:
        build = at.builds.plan(TARGET, commit(), now=NOW, inputs="i1")

    with store.read() as at:
        assert at.builds.queue(TARGET) == (build,)
        assert at.builds.queue("other-target") == ()
    assert build.state is BuildState.QUEUED
    assert build.commit == commit()
    assert build.release_date == NOW


def test_two_builds_of_a_package_never_share_a_release_date(store: Store) -> None:
    with store.write() as at:
        first = at.builds.plan(TARGET, commit(upstream="a1"), now=later(5))
        second = at.builds.plan(TARGET, commit(upstream="a2"), now=NOW)
        other = at.builds.plan(TARGET, commit("python-six"), now=NOW)

    assert second.release_date == first.release_date + (later(1) - NOW)
    assert other.release_date == NOW


def test_the_targets_of_a_release_give_a_commit_one_release_date(store: Store) -> None:
    with store.write() as at:
        first = at.builds.plan("flamingo-deb12", commit(), now=NOW)
        second = at.builds.plan(
            "flamingo-deb13", commit(), now=later(60), like=["flamingo-deb12", "flamingo-deb11"]
        )
        alone = at.builds.plan("master-deb12", commit(), now=later(60), like=["master-deb13"])

    assert second.release_date == first.release_date == NOW
    assert alone.release_date == later(60)


def test_a_release_date_of_another_target_is_not_taken_if_it_would_go_back(store: Store) -> None:
    with store.write() as at:
        at.builds.plan("flamingo-deb12", commit(upstream="a1"), now=NOW)
        at.builds.plan("flamingo-deb13", commit(upstream="a2"), now=later(30))
        again = at.builds.plan(
            "flamingo-deb13", commit(upstream="a1"), now=later(60), like=["flamingo-deb12"]
        )

    assert again.release_date == later(60)


def test_a_retry_keeps_the_release_date(store: Store) -> None:
    with store.write() as at:
        first = at.builds.plan(TARGET, commit(), now=NOW, inputs="i1")
        at.builds.settle(first.id, NO_NETWORK, now=later(1), final=False)
        again = at.builds.retry(first.id, now=later(60))

    assert again.release_date == first.release_date
    assert (again.attempt, again.inputs) == (2, "i1")
    assert again.id > first.id


def test_spurious_attempts_are_counted_per_planned_build(store: Store) -> None:
    with store.write() as at:
        first = at.builds.plan(TARGET, commit(), now=NOW)
        at.builds.settle(first.id, NO_NETWORK, now=later(1), final=False)
        again = at.builds.retry(first.id, now=later(2))
        at.builds.settle(again.id, NO_NETWORK, now=later(3))
        recheck = at.builds.plan(TARGET, commit(), now=later(4))

        assert at.builds.spurious_attempts(again.id) == 2
        assert at.builds.spurious_attempts(recheck.id) == 0


def test_a_build_starts_once_and_runs_when_it_has_a_ticket(store: Store) -> None:
    with store.write() as at:
        build = at.builds.plan(TARGET, commit(), now=NOW)
        with pytest.raises(ValueError, match="is queued, not starting"):
            at.builds.keep_ticket(build.id, "task 7")
        starting = at.builds.start(build.id, now=later(1))
        assert at.builds.queue(TARGET) == ()
        assert at.builds.queued_ids(TARGET) == frozenset()
        assert at.builds.running(TARGET) == (starting,)
        running = at.builds.keep_ticket(build.id, "task 7")
        assert at.builds.running(TARGET) == (running,)

        with pytest.raises(ValueError, match="is running, not queued"):
            at.builds.start(build.id, now=later(2))
        with pytest.raises(ValueError, match="is running, not starting"):
            at.builds.keep_ticket(build.id, "task 8")

    assert (build.is_running, starting.is_running, running.is_running) == (False, True, True)
    assert (starting.state, starting.ticket) == (BuildState.STARTING, "")
    assert (running.state, running.ticket) == (BuildState.RUNNING, "task 7")
    assert starting.started == running.started == later(1)


@pytest.mark.parametrize("ticket", ["", "task 7"])
def test_of_a_build_that_runs_it_is_only_noted_that_it_is_to_be_cancelled(
    store: Store, ticket: str
) -> None:
    with store.write() as at:
        build = at.builds.plan(TARGET, commit(), now=NOW)
        at.builds.start(build.id, now=later(1))
        if ticket:
            at.builds.keep_ticket(build.id, ticket)

        asked = at.builds.ask_to_cancel(build.id, "it hangs", now=later(2))

        assert asked.is_running
        assert (asked.to_cancel, asked.finished) == ("it hangs", None)
        assert not at.builds.cancel(build.id, "it hangs", now=later(3)).is_running


def test_waiting_puts_the_same_build_back_into_the_queue(store: Store) -> None:
    waiting = Waiting(("python3dist(pbr) >= 2",))
    with store.write() as at:
        build = at.builds.plan(TARGET, commit(), now=NOW)
        at.builds.start(build.id, now=later(1))
        at.builds.settle(build.id, waiting, now=later(2))

    with store.read() as at:
        (queued,) = at.builds.queue(TARGET)
        assert (queued.id, queued.outcome) == (build.id, waiting)
        assert at.packages.states(TARGET) == ()


def test_an_outcome_is_given_once(store: Store) -> None:
    with store.write() as at:
        build = at.builds.plan(TARGET, commit(), now=NOW)
        at.builds.settle(build.id, BROKEN, now=later(1))

        with pytest.raises(ValueError, match="ended before"):
            at.builds.settle(build.id, BUILT, now=later(2))


def test_outcomes_come_back_as_values(store: Store) -> None:
    with store.write() as at:
        good = at.builds.plan(TARGET, commit(upstream="a1"), now=NOW)
        bad = at.builds.plan(TARGET, commit(upstream="a2"), now=NOW)
        at.builds.settle(good.id, BUILT, now=later(1))
        at.builds.settle(bad.id, BROKEN, now=later(2))

    with store.read() as at:
        assert at.builds.get(good.id).outcome == Built((Path("python-pbr-1-1.noarch.rpm"),))
        assert at.builds.get(bad.id).outcome == BROKEN


def test_a_dropped_build_leaves_the_queue_and_no_trace_on_its_package(store: Store) -> None:
    with store.write() as at:
        first = at.builds.plan(TARGET, commit(), now=NOW)
        at.builds.start(first.id, now=NOW)
        at.builds.settle(first.id, Waiting(("cmake",)), now=NOW)
        at.builds.drop(first.id, "a later commit is in the queue", now=later(1))

    with store.read() as at:
        dropped = at.builds.get(first.id)
        assert at.builds.queue(TARGET) == ()
        assert at.packages.states(TARGET) == ()
    assert (dropped.state, dropped.outcome) == (BuildState.DONE, None)
    assert dropped.dropped == "a later commit is in the queue"
    with pytest.raises(ValueError, match="not queued"), store.write() as at:
        at.builds.drop(first.id, "again", now=later(2))


def test_a_queued_build_can_become_a_bootstrap_build(store: Store) -> None:
    with store.write() as at:
        first = at.builds.plan(TARGET, commit(), now=NOW, inputs="i1")
        at.builds.start(first.id, now=NOW)
        with pytest.raises(ValueError, match="not queued"):
            at.builds.bootstrap(first.id, inputs="i2")
        at.builds.settle(first.id, Waiting(("cmake",)), now=NOW)
        turned = at.builds.bootstrap(first.id, inputs="i2")
        second = at.builds.plan(TARGET, commit(), now=NOW, inputs="i1")

    assert (turned.bootstrap, turned.inputs, turned.outcome) == (True, "i2", None)
    assert turned.release_date == first.release_date
    assert second.release_date > turned.release_date


def test_what_runs_is_reported_by_target_and_an_interrupted_try_breaks_no_package(
    store: Store,
) -> None:
    with store.write() as at:
        running = at.builds.plan(TARGET, commit(upstream="a1"), now=NOW)
        queued = at.builds.plan(TARGET, commit(upstream="a2"), now=NOW)
        other = at.builds.plan("other-target", commit(), now=NOW)
        at.builds.start(running.id, now=later(1))
        at.builds.start(other.id, now=later(1))
        assert [build.id for build in at.builds.running(TARGET)] == [running.id]
        interrupted = Failed(FailureReason.INTERRUPTED, "")
        at.builds.settle(running.id, interrupted, now=later(2), final=False)

    with store.read() as at:
        assert at.builds.running("other-target")[0].id == other.id
        assert at.builds.queue(TARGET)[0].id == queued.id
        assert at.packages.ftbfs(TARGET) == ()


def test_the_same_inputs_are_known_once_they_gave_rpms(store: Store) -> None:
    with store.write() as at:
        build = at.builds.plan(TARGET, commit(), now=NOW, inputs="i1")
        assert at.builds.already_built(TARGET, "i1") is None
        at.builds.settle(build.id, BUILT, now=later(1))

        found = at.builds.already_built(TARGET, "i1")
        assert found is not None
        assert found.id == build.id
        assert at.builds.already_built("other-target", "i1") is None


def test_publish_numbers_follow_each_other_within_a_target(store: Store) -> None:
    with store.write() as at:
        builds = [at.builds.plan(TARGET, commit(upstream=u), now=NOW) for u in ("a1", "a2")]
        for build in builds:
            at.builds.settle(build.id, BUILT, now=later(1))
        assert [build.id for build in at.builds.unpublished(TARGET)] == [b.id for b in builds]

        numbers = [at.builds.publish(build.id, superseded=False).published for build in builds]

        assert numbers == [1, 2]
        assert at.builds.unpublished(TARGET) == ()


def test_builds_are_found_by_hash_prefix_newest_first(store: Store) -> None:
    with store.write() as at:
        old = at.builds.plan(TARGET, commit(upstream="ab1"), now=NOW)
        at.builds.plan(TARGET, commit(upstream="ac1"), now=NOW)
        new = at.builds.plan(TARGET, commit("python-six", upstream="abf"), now=NOW)

        assert [build.id for build in at.builds.with_prefix(TARGET, "ab")] == [new.id, old.id]


def test_an_unknown_build_is_a_user_error(store: Store) -> None:
    with store.read() as at, pytest.raises(NotFoundError, match="no build 42"):
        at.builds.get(42)
