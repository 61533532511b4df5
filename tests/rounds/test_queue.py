"""The queue as `rdo trunk queue` shows it after rounds."""

from rdo.model.build import Failed, FailureReason, Waiting
from rdo.trunk.care import steering
from rdo.trunk.views.queue import as_row, open_builds
from rdo.trunk.views.state import PackageState
from tests.rounds.factory import TARGET, Factory

NETWORK = Failed(FailureReason.NETWORK, "no route to host")


def test_an_empty_queue_has_no_rows(factory: Factory) -> None:
    factory.add("a")
    factory.round()

    assert open_builds([factory.trunk]) == []


def test_a_build_that_waits_names_what_it_waits_for(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", Waiting(("python3dist(b)",)))
    factory.builder.will("python-b", NETWORK)
    factory.round()

    by_package = {one.build.package: one for one in open_builds([factory.trunk])}

    assert by_package["python-a"].view.state is PackageState.WAITING
    assert by_package["python-a"].view.waits_for == ("python-b",)
    assert by_package["python-b"].build.attempt == 2
    assert by_package["python-b"].view.waits_for == ()


def test_the_row_of_a_cancelled_build_says_so(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", NETWORK)
    factory.round()
    [queued] = factory.queue()
    with factory.store.write() as at:
        at.builds.start(queued.id, now=factory.clock())
    steering.cancel(factory.trunk, ["python-a"], by="me", why="it hangs")

    [row] = map(as_row, open_builds([factory.trunk]))

    assert row == {
        "target": TARGET,
        "build": queued.id,
        "package": "python-a",
        "commit": queued.commit.short_hash,
        "state": "running",
        "try": 2,
        "bootstrap": False,
        "since": row["since"],
        "why": "cancelled by me: it hangs",
        "waits_for": (),
    }


def test_a_round_that_is_to_stop_starts_nothing_after_a_failure(factory: Factory) -> None:
    factory.add("a", "b", "c")
    factory.workers = 1
    factory.builder.will("python-a", NETWORK)  # tried again: no reason to stop
    factory.builder.will("python-b", Failed(FailureReason.COMPILE, "no"))

    done = factory.round(stop=True)
    rest = factory.round(stop=True)

    assert [one.build.package for one in done.ended] == ["python-a", "python-b"]
    assert [one.build.package for one in done.held] == ["python-c"]
    assert done.exit_code == 1
    assert [one.build.package for one in rest.built] == ["python-c"]  # python-a rests
