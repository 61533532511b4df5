from datetime import timedelta
from pathlib import Path

from rdo.model.build import Built, Failed, FailureReason, Outcome
from rdo.store import Store
from rdo.store.work.statistics import BuildsOfDay
from tests.unit.store.samples import NOW, TARGET, commit

GOOD = Built((Path("a.rpm"),))
BAD = Failed(FailureReason.TEST, "")
SPURIOUS = Failed(FailureReason.NETWORK, "")
DAY = timedelta(days=1)
TODAY = int(NOW.timestamp()) // 86_400


def end(store: Store, package: str, days_ago: int, outcome: Outcome, upstream: str) -> int:
    """Let a build end so many days before now; return its number."""
    when = NOW - days_ago * DAY
    with store.write() as at:
        build = at.builds.plan(TARGET, commit(package, upstream), now=when)
        at.builds.start(build.id, now=when)
        at.builds.settle(build.id, outcome, now=when)
        return build.id


def test_builds_are_counted_by_the_day_on_which_they_ended(store: Store) -> None:
    end(store, "a", 9, GOOD, "a0")
    end(store, "a", 1, GOOD, "a1")
    end(store, "b", 1, BAD, "b1")
    end(store, "b", 0, SPURIOUS, "b2")
    end(store, "b", 0, GOOD, "b3")

    with store.read() as at:
        found = at.statistics.builds_by_day(TARGET, NOW - 5 * DAY)

    assert found == {TODAY - 1: BuildsOfDay(1, 1, 0), TODAY: BuildsOfDay(1, 0, 1)}


def test_a_package_fails_from_its_failure_to_its_next_good_build(store: Store) -> None:
    end(store, "old", 20, BAD, "a1")
    end(store, "mended", 20, BAD, "b1")
    end(store, "mended", 10, GOOD, "b2")
    end(store, "mended", 9, SPURIOUS, "b3")
    end(store, "new", 2, GOOD, "c1")

    with store.read() as at:
        before = at.statistics.failing_at(TARGET, NOW - 15 * DAY)
        turns = at.statistics.turns(TARGET, NOW - 15 * DAY)

    assert before == {"old": True, "mended": True}
    assert [(one.package, one.is_good) for one in turns] == [("mended", True), ("new", True)]


def test_an_arrival_has_the_later_of_a_commits_times_and_its_repositorys(store: Store) -> None:
    build = end(store, "a", 1, GOOD, "a1")
    with store.write() as at:
        at.repositories.add(TARGET, component=None, path="aa", build_id=build, digest="d", now=NOW)

    with store.read() as at:
        (found,) = at.statistics.arrivals(TARGET, NOW - 2 * DAY)

    assert (found.committed, found.finished, found.published) == (NOW - DAY, NOW - DAY, NOW)
