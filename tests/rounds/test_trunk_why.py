"""`why` for each state that a package can be in, after rounds with builds as announced."""

from datetime import timedelta

import pytest

from rdo.bridge.lock_file import LockedPackage, PackageOrigin
from rdo.errors import NotFoundError
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.trunk.plan import PlanRules, make_plan, record_plan
from rdo.trunk.views.why import Known, State, Why, explain, not_found
from rdo.trunk.views.why_bridged import explain_bridged
from tests.fakes.builder import BROKEN, SPURIOUS, GoodBuild
from tests.rounds.factory import TARGET, Factory

NEEDS_B = ("python3dist(b)",)


def why(factory: Factory, name: str) -> Why:
    return explain(Known.of(factory.trunk), name)


def test_a_package_that_no_round_has_seen_is_new(factory: Factory) -> None:
    factory.add("a")

    found = why(factory, "python-a")

    assert found.step.state is State.NEW
    assert found.next == f"rdo trunk run --target {TARGET}"


def test_a_built_package_says_its_commit_and_who_asked_for_it(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-b", GoodBuild(needed=("python3dist(a)",)))
    factory.round()

    found = why(factory, "python-a")

    assert found.step.state is State.BUILT
    assert found.step.commit == factory.upstreams["a"].git("rev-parse", "HEAD")[:7]
    assert found.step.since is not None
    assert found.needed_by == ("python-b",)
    assert (found.chain, found.notes, found.next) == ((), (), "")


def plan(factory: Factory) -> None:
    """Poll and plan, and build nothing: as a round that is killed in between."""
    followed = factory.trunk.remotes.poll(factory.packages)
    with factory.store.read() as at:
        planned = make_plan(at, TARGET, followed, PlanRules())
    record_plan(factory.store, TARGET, planned, followed, platform_digest="", now=factory.clock())


def test_a_queued_package_is_for_the_next_round_and_a_running_one_for_now(
    factory: Factory,
) -> None:
    factory.add("a")
    plan(factory)

    queued = why(factory, "python-a")
    with factory.store.write() as at:
        at.builds.start(factory.queue()[0].id, now=factory.clock())
    running = why(factory, "python-a")

    assert (queued.step.state, queued.step.why) == (State.QUEUED, "the next round builds it")
    assert running.step.state is State.RUNNING


def test_a_package_that_waits_shows_the_chain_to_the_one_at_fault(factory: Factory) -> None:
    factory.add("a", "b", "c")
    factory.builder.will("python-a", Waiting(NEEDS_B))
    factory.builder.will("python-b", Waiting(("python3dist(c) >= 2", "python3-c")))
    factory.builder.will("python-c", BROKEN)
    factory.round()

    found = why(factory, "python-a")

    assert found.step.state is State.WAITING
    assert found.step.why == "it asks for python3dist(b) of python-b"
    assert found.step.waits_for == ("python-b",)
    assert [(one.package, one.state) for one in found.chain] == [
        ("python-b", State.WAITING),
        ("python-c", State.FAILED),
    ]
    assert found.chain[-1].why == "compile: gcc: error"
    assert why(factory, "python-c").needed_by == ("python-b",)


def test_a_package_that_fails_says_since_when_and_what_was_good(factory: Factory) -> None:
    factory.add("a")
    factory.round()
    good = factory.upstreams["a"].git("rev-parse", "HEAD")[:7]
    factory.upstreams["a"].commit("two")
    factory.builder.will("python-a", BROKEN)
    report = factory.round()

    found = why(factory, "python-a")

    assert (found.step.state, found.step.why) == (State.FAILED, "compile: gcc: error")
    assert found.step.build_id == report.failed[0].build.id
    assert found.step.since is not None
    assert found.notes == (f"the last good build is {good}, build 1",)


def test_what_nobody_provides_is_named(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", Waiting(("cmake",)))
    factory.round()

    found = why(factory, "python-a")

    assert (found.step.state, found.step.why) == (State.MISSING, "nobody provides cmake")
    assert "it was never built with success" in found.notes


def test_a_cycle_names_its_members(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", Waiting(NEEDS_B))
    factory.builder.will("python-b", Waiting(("python3dist(a)",)))
    factory.round()

    found = why(factory, "python-b")

    assert found.step.state is State.CYCLE
    assert "python-a, python-b need each other" in found.step.why


def test_a_package_under_review_is_built_and_kept_apart(factory: Factory) -> None:
    factory.add("a")
    factory.change("a", tags=frozenset({"under-review"}), skip_tests="they need a network")
    factory.round()

    found = why(factory, "python-a")

    assert found.step.state is State.UNDER_REVIEW
    assert found.notes == ("its tests are not run: they need a network",)


def test_a_build_that_rests_says_until_when_and_after_what(factory: Factory) -> None:
    factory.add("a")
    factory.retries = 3
    factory.builder.will("python-a", SPURIOUS)
    factory.round()
    queued = why(factory, "python-a")
    factory.round()

    found = why(factory, "python-a")

    assert queued.step.state is State.QUEUED
    assert queued.step.why == "the next round builds it, try 2: network: no route to the index"
    assert found.step.state is State.RESTING
    assert found.step.why.startswith("try 3 comes after 2026-08-01 12:1")
    assert found.step.why.endswith("network: no route to the index")
    factory.clock.moment += timedelta(minutes=11)
    assert why(factory, "python-a").step.state is State.QUEUED


def test_an_upstream_that_is_away_is_told_from_a_branch_that_is_gone(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    factory.upstreams["a"].path.rename(factory.folder / "away")
    factory.upstreams["b"].git("branch", "--move", "trunk")
    factory.round()

    away, gone = why(factory, "python-a"), why(factory, "python-b")

    assert away.step.state is State.UNREACHABLE
    assert "cannot be reached" in away.step.why
    assert gone.step.state is State.BRANCH_GONE
    assert gone.step.why.endswith("has no master")
    assert away.step.since is not None
    assert gone.notes == (
        f"the last good build is {gone_head(factory)}, build {gone_build(factory)}",
    )


def gone_head(factory: Factory) -> str:
    return factory.upstreams["b"].git("rev-parse", "trunk")[:7]


def gone_build(factory: Factory) -> int:
    with factory.store.read() as at:
        (build,) = at.builds.history(TARGET, "python-b")
    return build.id


def test_a_failing_package_that_is_stale_too_says_both(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", BROKEN)
    factory.round()
    factory.upstreams["a"].path.rename(factory.folder / "away")
    factory.round()

    found = why(factory, "python-a")

    assert found.step.state is State.FAILED
    assert any(note.startswith("stale since 2026-08-01 12:0") for note in found.notes)


@pytest.mark.parametrize("name", ["python-a", "a", "python3dist(a)", "python3-a"])
def test_a_package_has_many_names(factory: Factory, name: str) -> None:
    factory.add("a")

    assert Known.of(factory.trunk).named(name) == "python-a"


ENTRIES = (
    LockedPackage(
        PackageOrigin.PYPI,
        "Requests",
        "2.31",
        "0" * 64,
        requires=("idna>=2.5",),
        asked_by=("python3dist(requests) >= 2",),
    ),
    LockedPackage(PackageOrigin.PYPI, "idna", "3.4", "1" * 64),
    LockedPackage(
        PackageOrigin.DEBIAN, "libffi-dev", "3.4.4", "2" * 64, asked_by=("libffi-devel",)
    ),
)


@pytest.mark.parametrize("name", ["idna", "python3dist(idna)", "python3-idna"])
def test_what_was_bridged_says_which_packages_requirement_brought_it(
    factory: Factory, name: str
) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", GoodBuild(needed=("python3dist(requests) >= 2",)))
    factory.round()

    found = explain_bridged(Known.of(factory.trunk), name, ENTRIES)

    assert found
    assert found.step.state is State.BRIDGED
    assert found.step.why == (
        "3.4 came from PyPI: Requests 2.31 requires idna>=2.5; "
        "a build requires python3dist(requests) >= 2"
    )
    assert [one.package for one in found.chain] == ["Requests"]
    assert found.needed_by == ("python-a",)


def test_a_package_that_fails_is_known_to_ask_by_what_it_declares(factory: Factory) -> None:
    factory.add("a", spec="BuildRequires: libffi-devel\n")
    factory.builder.will("python-a", BROKEN)
    factory.round()

    found = explain_bridged(Known.of(factory.trunk), "libffi-devel", ENTRIES)

    assert found
    assert found.step.why == "3.4.4 came from Debian: a build requires libffi-devel"
    assert found.needed_by == ("python-a",)


def test_what_was_not_bridged_is_somebody_elses(factory: Factory) -> None:
    factory.add("a")
    known = Known.of(factory.trunk)

    assert explain_bridged(known, "flask", ENTRIES) is None
    found = not_found(known, "python-flask", ["oak", "maple"])
    assert found.step.state is State.NOT_IN_RELEASE
    assert found.step.why == "the metadata has it in maple, oak"
    with pytest.raises(NotFoundError, match='python-b; did you mean "python-a"'):
        not_found(known, "python-b", [])


def test_a_spurious_reason_that_was_given_up_is_a_failure(factory: Factory) -> None:
    factory.add("a")
    factory.retries = 0
    factory.builder.will("python-a", Failed(FailureReason.NO_SPACE, "disk full"))
    factory.round()

    assert why(factory, "python-a").step.why == "no-space: disk full"
