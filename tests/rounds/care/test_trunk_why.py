"""`why` for each state that a package can be in, after rounds with builds as announced."""

from datetime import timedelta

import pytest

from rdo.bridge.lock_file import LockedPackage, LockFile, PackageOrigin
from rdo.errors import NotFoundError
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.trunk.plan import PlanRules, make_plan, record_plan
from rdo.trunk.views.state import PackageState
from rdo.trunk.views.why import Known, Why, explain, not_found
from rdo.trunk.views.why_bridged import explain_bridged
from tests.fakes.builder import BROKEN, SPURIOUS, GoodBuild
from tests.rounds.factory import TARGET, Factory

NEEDS_B = ("python3dist(b)",)


def why(factory: Factory, name: str) -> Why:
    return explain(Known.of(factory.trunk), name)


def test_a_package_that_no_round_has_seen_is_new(factory: Factory) -> None:
    factory.add("a")

    found = why(factory, "python-a")

    assert found.view.state is PackageState.NEW
    assert found.next == f"rdo trunk run --target {TARGET}"


def test_a_built_package_says_its_commit_and_who_asked_for_it(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-b", GoodBuild(needed=("python3dist(a)",)))
    factory.round()

    found = why(factory, "python-a")

    assert found.view.state is PackageState.BUILT
    assert found.view.commit == factory.upstreams["a"].git("rev-parse", "HEAD")[:7]
    assert found.view.since is not None
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

    assert (queued.view.state, queued.view.sentence) == (
        PackageState.QUEUED,
        "the next round builds it",
    )
    assert running.view.state is PackageState.RUNNING


def test_a_package_that_waits_shows_the_chain_to_the_one_at_fault(factory: Factory) -> None:
    factory.add("a", "b", "c")
    factory.builder.will("python-a", Waiting(NEEDS_B))
    factory.builder.will("python-b", Waiting(("python3dist(c) >= 2", "python3-c")))
    factory.builder.will("python-c", BROKEN)
    factory.round()

    found = why(factory, "python-a")

    assert found.view.state is PackageState.WAITING
    assert found.view.sentence == "waits for python3dist(b) from python-b"
    assert found.view.waits_for == ("python-b",)
    assert [(one.package, one.state) for one in found.chain] == [
        ("python-b", PackageState.WAITING),
        ("python-c", PackageState.FAILED),
    ]
    assert found.chain[-1].sentence == "%build fails: gcc: error"
    assert why(factory, "python-c").needed_by == ("python-b",)


def test_a_package_that_fails_says_since_when_and_what_was_good(factory: Factory) -> None:
    factory.add("a")
    factory.round()
    good = factory.upstreams["a"].git("rev-parse", "HEAD")[:7]
    factory.upstreams["a"].commit("two")
    factory.builder.will("python-a", BROKEN)
    report = factory.round()

    found = why(factory, "python-a")

    assert (found.view.state, found.view.sentence) == (
        PackageState.FAILED,
        "%build fails: gcc: error",
    )
    assert found.view.build_id == report.failed[0].build.id
    assert found.view.since is not None
    assert found.notes == (f"the last good build is {good}, build 1",)


def test_what_nobody_provides_is_named(factory: Factory) -> None:
    factory.add("a")
    factory.builder.will("python-a", Waiting(("cmake",)))
    factory.round()

    found = why(factory, "python-a")

    assert (found.view.state, found.view.sentence) == (
        PackageState.MISSING,
        "a build requirement cannot be satisfied: cmake",
    )
    assert "it has never been built successfully" in found.notes


def test_a_cycle_names_its_members(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", Waiting(NEEDS_B))
    factory.builder.will("python-b", Waiting(("python3dist(a)",)))
    factory.round()

    found = why(factory, "python-b")

    assert found.view.state is PackageState.CYCLE
    assert "python-a, python-b require each other" in found.view.sentence


def test_a_package_under_review_is_built_and_kept_apart(factory: Factory) -> None:
    factory.add("a")
    factory.change("a", tags=frozenset({"under-review"}), skip_tests="they need a network")
    factory.round()

    found = why(factory, "python-a")

    assert found.view.state is PackageState.UNDER_REVIEW
    assert found.notes == ("its tests are skipped: they need a network",)


def test_a_build_that_rests_says_until_when_and_after_what(factory: Factory) -> None:
    factory.add("a")
    factory.retries = 3
    factory.builder.will("python-a", SPURIOUS)
    factory.round()
    queued = why(factory, "python-a")
    factory.round()

    found = why(factory, "python-a")

    assert queued.view.state is PackageState.QUEUED
    assert queued.view.sentence == (
        "the next round builds it, try 2; try 1 failed: the network failed: no route to the index"
    )
    assert found.view.state is PackageState.RESTING
    assert found.view.sentence.startswith("try 3 starts after 2026-08-01 12:1")
    assert found.view.sentence.endswith(
        " UTC; try 2 failed: the network failed: no route to the index"
    )
    factory.clock.moment += timedelta(minutes=11)
    assert why(factory, "python-a").view.state is PackageState.QUEUED


def test_an_upstream_that_is_away_is_told_from_a_branch_that_is_gone(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    factory.upstreams["a"].path.rename(factory.folder / "away")
    factory.upstreams["b"].git("branch", "--move", "trunk")
    factory.round()

    away, gone = why(factory, "python-a"), why(factory, "python-b")

    assert away.view.state is PackageState.UNREACHABLE
    assert "cannot be reached" in away.view.sentence
    assert gone.view.state is PackageState.BRANCH_GONE
    assert gone.view.sentence.endswith("has no master")
    assert away.view.since is not None
    assert (gone.view.commit, gone.view.build_id) == (gone_head(factory), gone_build(factory))
    assert gone.notes == ()


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

    assert found.view.state is PackageState.FAILED
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

    found = explain_bridged(Known.of(factory.trunk), name, LockFile(ENTRIES))

    assert found
    assert found.view.state is PackageState.BRIDGED
    assert found.view.sentence == (
        "3.4 came from PyPI: Requests 2.31 requires idna>=2.5; "
        "a build requires python3dist(requests) >= 2"
    )
    assert [one.package for one in found.chain] == ["Requests"]
    assert found.needed_by == ("python-a",)


def test_a_package_that_fails_is_known_to_ask_by_what_it_declares(factory: Factory) -> None:
    factory.add("a", spec="BuildRequires: libffi-devel\n")
    factory.builder.will("python-a", BROKEN)
    factory.round()

    found = explain_bridged(Known.of(factory.trunk), "libffi-devel", LockFile(ENTRIES))

    assert found
    assert found.view.sentence == "3.4.4 came from Debian: a build requires libffi-devel"
    assert found.needed_by == ("python-a",)


def test_what_was_not_bridged_is_somebody_elses(factory: Factory) -> None:
    factory.add("a")
    known = Known.of(factory.trunk)

    assert explain_bridged(known, "flask", LockFile(ENTRIES)) is None
    found = not_found(known.view, "python-flask", ["oak", "maple"])
    assert found.view.state is PackageState.NOT_IN_RELEASE
    assert found.view.sentence == "the metadata has it in maple, oak"
    with pytest.raises(NotFoundError, match='python-b; did you mean "python-a"'):
        not_found(known.view, "python-b", [])


def test_a_spurious_reason_that_was_given_up_is_a_failure(factory: Factory) -> None:
    factory.add("a")
    factory.retries = 0
    factory.builder.will("python-a", Failed(FailureReason.NO_SPACE, "disk full"))
    factory.round()

    assert why(factory, "python-a").view.sentence == "the disk is full: disk full"
