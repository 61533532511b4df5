"""Reading a target's data, and in how few queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from rdo.bridge.lock_file import LockedPackage, PackageOrigin
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.store import Store
from rdo.trunk.views.state import PackageState, read_target
from tests.unit.trunk.views.scene import BROKEN, NEEDS_B, SCENES, A, B, Scene, package


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    """The queries of a block."""
    seen: list[str] = []

    def note(*args: object) -> None:
        seen.append(str(args[2]))

    event.listen(store._engine, "before_cursor_execute", note)
    yield seen
    event.remove(store._engine, "before_cursor_execute", note)


def test_packages_come_in_the_order_of_the_metadata(scene: Scene) -> None:
    scene.packages = {name: package(name) for name in (B, A)}

    assert list(read_target(scene.trunk).packages) == [B, A]


def test_the_number_of_queries_does_not_grow_with_the_packages(scene: Scene) -> None:
    scene.publish(scene.plan())
    with counted(scene.store) as few:
        read_target(scene.trunk)
    for number in range(20):
        scene.packages[f"python-p{number}"] = package(f"python-p{number}")
        scene.publish(scene.plan(f"python-p{number}"))
    with counted(scene.store) as many:
        read_target(scene.trunk)

    assert len(few) == len(many) <= 12
    assert not [query for query in many if "artifacts" in query]


def test_what_runs_comes_before_what_is_queued(scene: Scene) -> None:
    first, second, third = scene.plan(), scene.plan(B), scene.plan()
    scene.start(third)

    found = read_target(scene.trunk)

    assert [view.build_id for view in found.queue] == [third.id, first.id, second.id]
    assert found.packages[A].state is PackageState.RUNNING


def test_of_several_queued_commits_the_first_counts(scene: Scene) -> None:
    first = scene.plan()
    scene.plan()

    assert read_target(scene.trunk).packages[A].build_id == first.id


def test_a_build_of_a_package_that_has_left_is_in_the_queue_alone(scene: Scene) -> None:
    build = scene.plan("python-gone")

    found = read_target(scene.trunk)

    assert [view.build_id for view in found.queue] == [build.id]
    assert "python-gone" not in found.packages


def test_a_need_is_looked_for_in_what_was_published(scene: Scene) -> None:
    scene.publish(scene.plan(B), "libwidget.so.1", "other")
    scene.end(scene.plan(), Waiting(("libwidget.so.1", "python3dist(b)", "cmake")))

    view = read_target(scene.trunk).packages[A]

    assert view.waits_for == (B, "cmake")
    assert view.sentence == (
        "waits for libwidget.so.1 from python-b, python3dist(b) from python-b, cmake"
    )


def test_the_last_try_is_the_failure_before_the_queued_build(scene: Scene) -> None:
    scene.end(scene.plan(), BROKEN)
    retried = scene.retry(scene.plan())
    scene.end(scene.plan(), Failed(FailureReason.TEST, "of a later commit"), final=False)

    view = read_target(scene.trunk).packages[A]

    assert view.build_id == retried.id
    assert "try 1 failed: the network failed: no route to the index" in view.sentence
    assert view.remarks == ("its last build failed: %build fails: gcc: error",)


@pytest.mark.parametrize("state", [PackageState.MISSING, PackageState.CYCLE], ids=str)
def test_what_lacks_something_waits_for_the_packages_that_may_give_it(
    scene: Scene, state: PackageState
) -> None:
    SCENES[state](scene)

    assert read_target(scene.trunk).packages[A].waits_for == (B,)


def test_first_failure_and_last_good_build_are_known(scene: Scene) -> None:
    good = scene.plan()
    scene.publish(good)
    broken, newest = scene.plan(), scene.plan()
    scene.end(broken, BROKEN)
    scene.end(newest, BROKEN)

    facts = read_target(scene.trunk).packages[A].facts

    assert facts.good
    assert facts.broken_by
    assert facts.newest
    assert (facts.good.id, facts.broken_by.id, facts.newest.id) == (good.id, broken.id, newest.id)
    assert facts.broken_since == scene.now


def test_a_mirror_tells_a_branch_that_is_gone_from_a_remote_that_is_away(scene: Scene) -> None:
    scene.mirror(scene.packages[A].upstreams[0], "main")
    scene.mirror(scene.packages[A].distgit, "other")
    scene.mirror(scene.packages[B].upstreams[0], "main")
    for name in (A, B):
        scene.lose("it is away", name)

    found = read_target(scene.trunk).packages

    assert found[A].state is PackageState.BRANCH_GONE
    assert found[B].state is PackageState.UNREACHABLE


def test_a_pause_is_of_the_target(scene: Scene) -> None:
    scene.end(scene.plan(), NEEDS_B)
    scene.pause()

    found = read_target(scene.trunk)

    assert str(found.pause) == "paused by me since 2026-08-01 12:00 UTC: a new disk"
    assert found.packages[A].state is PackageState.PAUSED
    assert found.packages[B].state is PackageState.NEW


def test_what_was_published_since_is_no_longer_waited_for(scene: Scene) -> None:
    other, own = scene.plan(B), scene.plan()
    scene.end(own, Waiting(("libwidget.so.1", "cmake")))
    assert read_target(scene.trunk).packages[A].waits_for == ("libwidget.so.1", "cmake")
    scene.now += timedelta(minutes=5)
    scene.publish(other, "libwidget.so.1")

    assert read_target(scene.trunk).packages[A].waits_for == ("cmake",)

    scene.plan(B)  # a newer commit of it is to come, and may bring it

    assert read_target(scene.trunk).packages[A].waits_for == (B, "cmake")


@pytest.mark.parametrize(
    ("asked_by", "left"),
    [
        (("cmake",), ("python3dist(x) >= 3", "python3dist(x[extra])")),
        (("python3dist(x) >= 1",), ("python3dist(x) >= 3", "python3dist(x[extra])", "cmake")),
    ],
)
def test_what_was_bridged_since_is_no_longer_waited_for(
    scene: Scene, asked_by: tuple[str, ...], left: tuple[str, ...]
) -> None:
    needs = ("python3dist(x) >= 2", "python3dist(x) >= 3", "python3dist(x[extra])", "cmake")
    scene.end(scene.plan(), Waiting(needs))
    entry = LockedPackage(PackageOrigin.PYPI, "X", "2.1", "0" * 64, asked_by=asked_by)

    found = read_target(replace(scene.trunk, bridged=lambda: (entry,)))

    assert found.packages[A].waits_for == left
