"""How facts become a state, a sentence and remarks."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from rdo.model.build import Failed, FailureReason, Outcome, Waiting
from rdo.model.commit import Commit
from rdo.store.people.holds import Hold, Pause
from rdo.store.work.builds import Build, BuildState
from rdo.store.work.heads import Head
from rdo.store.work.reports import BuildLine
from rdo.trunk.views.state import PackageFacts, PackageState, view_of
from tests.unit.trunk import samples
from tests.unit.trunk.samples import NOW

SINCE = datetime(2026, 7, 30, 8, 15, tzinfo=UTC)
HOLD = Hold("python-a", 3, SINCE, "me", "it hangs")
PAUSE = Pause("master-deb12", SINCE, "you", "a new disk")
PACKAGE = samples.package("python-a")
REVIEWED = replace(PACKAGE, tags=frozenset({"under-review"}))
STALE = Head("python-a", None, None, None, "distgit cannot be reached\nfatal: x", SINCE)
BOOTSTRAP = " as a bootstrap build, to break a dependency cycle"


def owners(need: str) -> frozenset[str]:
    """Who provides what, in these tests."""
    known = {"b": {"python-b"}, "c": {"python-c", "python-cc"}, "a": {"python-a"}}
    return frozenset(known.get(need, ()))


def line(
    number: int = 3,
    failure: Failed | None = None,
    *,
    asked: tuple[str, ...] = (),
    published: int | None = 1,
) -> BuildLine:
    commit = Commit("python-a", f"{number:040}", "d" * 40, NOW, NOW, "main")
    return BuildLine(
        id=number,
        commit=commit,
        release_date=NOW,
        attempt=1,
        bootstrap=False,
        reason=failure.reason if failure else None,
        detail=failure.detail if failure else "",
        started=NOW,
        finished=SINCE,
        published=published,
        asked=asked,
    )


def broken(reason: FailureReason, detail: str = "x", *asked: str) -> PackageFacts:
    newest = replace(line(4, Failed(reason, detail), asked=asked), finished=NOW)
    return PackageFacts(PACKAGE, newest=newest, broken_by=newest, broken_since=SINCE)


def pending(
    state: BuildState = BuildState.QUEUED, outcome: Outcome | None = None, **values: object
) -> PackageFacts:
    build: Build = replace(
        samples.build(7, "python-a"),
        state=state,
        outcome=outcome,
        **values,  # type: ignore[arg-type]  # by the test
    )
    return PackageFacts(PACKAGE, pending=build)


@dataclass(frozen=True, slots=True)
class Case:
    """Facts and what is to be said of them; a row of the table below."""

    facts: PackageFacts
    state: PackageState
    sentence: str
    since: datetime | None = SINCE
    build_id: int | None = 3
    waits_for: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    pause: Pause | None = None


BUILT = PackageFacts(PACKAGE, newest=line(), good=line())
RETRY = replace(pending(attempt=2), last_try=line(6, Failed(FailureReason.NETWORK, "no route")))
LAST_TRY = "; try 1 failed: the network failed: no route"
RESTING = replace(
    pending(attempt=3, created=NOW - timedelta(minutes=9)),
    last_try=line(6, Failed(FailureReason.BUILDER, "")),
)
WAITS = pending(outcome=Waiting(("b", "c >= 2", "a", "c", "cmake")))

CASES = {
    "built": Case(
        BUILT, PackageState.BUILT, "up to date: the newest commit on main is built and published"
    ),
    "built, and not published yet": Case(
        PackageFacts(PACKAGE, newest=line(published=None)),
        PackageState.BUILT,
        "the newest commit on main is built; the next round publishes it",
    ),
    "built, of a package that has left": Case(
        PackageFacts(newest=line(), good=line()),
        PackageState.BUILT,
        "up to date: the newest commit on main is built and published",
    ),
    "built without tests": Case(
        replace(BUILT, package=replace(PACKAGE, skip_tests="they need a network")),
        PackageState.BUILT,
        "up to date: the newest commit on main is built and published",
        remarks=("its tests are skipped: they need a network",),
    ),
    "under review": Case(
        replace(BUILT, package=REVIEWED),
        PackageState.UNDER_REVIEW,
        "built, but kept out of all repositories except its own while under review",
    ),
    "failed under review": Case(
        replace(broken(FailureReason.TEST, "%check: ImportError"), package=REVIEWED),
        PackageState.FAILED,
        "its tests fail: ImportError",
        build_id=4,
        remarks=("under review: kept out of all repositories except its own",),
    ),
    "new": Case(
        PackageFacts(PACKAGE), PackageState.NEW, "no build of it is planned yet", None, None
    ),
    "waits for less than it did": Case(
        replace(WAITS, came=frozenset({"b", "cmake"})),
        PackageState.WAITING,
        "waits for c >= 2, a, c from python-c or python-cc",
        NOW,
        build_id=7,
        waits_for=("c >= 2", "a", "python-c", "python-cc"),
    ),
    "waited for what has come": Case(
        replace(WAITS, came=frozenset({"b", "c >= 2", "a", "c", "cmake"})),
        PackageState.QUEUED,
        "the next round builds it; what it waited for is now available",
        NOW,
        build_id=7,
    ),
    "waits for forty": Case(
        pending(outcome=Waiting(tuple(f"n{number}" for number in range(40)))),
        PackageState.WAITING,
        "waits for n0, n1, n2, n3, n4, n5 and 34 more",
        NOW,
        build_id=7,
        waits_for=tuple(f"n{number}" for number in range(40)),
    ),
    "failed without what has come": Case(
        replace(
            broken(FailureReason.MISSING_DEPENDENCY, "b, cmake", "b", "cmake"),
            came=frozenset({"b", "cmake"}),
        ),
        PackageState.MISSING,
        "a build requirement cannot be satisfied: b, cmake"
        "; this is available now: rdo trunk recheck python-a builds it again",
        build_id=4,
    ),
    "running": Case(
        pending(BuildState.RUNNING, started=SINCE),
        PackageState.RUNNING,
        "being built now",
        build_id=7,
    ),
    "running its tests": Case(
        replace(pending(BuildState.RUNNING, started=SINCE), phase="%check"),
        PackageState.RUNNING,
        "being built now, in %check",
        build_id=7,
    ),
    "running as bootstrap, not started by its builder yet": Case(
        pending(BuildState.RUNNING, bootstrap=True),
        PackageState.RUNNING,
        f"being built now{BOOTSTRAP}",
        NOW,
        7,
    ),
    "running, to be cancelled": Case(
        pending(BuildState.RUNNING, started=SINCE, to_cancel="cancelled by me: wrong branch"),
        PackageState.RUNNING,
        "cancelled by me: wrong branch",
        build_id=7,
    ),
    "running, held and paused": Case(
        replace(pending(BuildState.RUNNING, started=SINCE), hold=HOLD),
        PackageState.RUNNING,
        "being built now",
        build_id=7,
        remarks=("held by me since 2026-07-30 08:15 UTC: it hangs",),
        pause=PAUSE,
    ),
    "queued": Case(pending(), PackageState.QUEUED, "the next round builds it", NOW, 7),
    "queued as bootstrap": Case(
        pending(bootstrap=True),
        PackageState.QUEUED,
        f"the next round builds it{BOOTSTRAP}",
        NOW,
        7,
    ),
    "queued for its second try": Case(
        RETRY, PackageState.QUEUED, f"the next round builds it, try 2{LAST_TRY}", NOW, 7
    ),
    "queued again for a reason that nobody knows": Case(
        pending(attempt=2), PackageState.QUEUED, "the next round builds it, try 2", NOW, 7
    ),
    "queued, while its newest outcome is a failure": Case(
        replace(pending(), newest=line(4, Failed(FailureReason.COMPILE, "gcc"))),
        PackageState.QUEUED,
        "the next round builds it",
        NOW,
        7,
        remarks=("its last build failed: %build fails: gcc",),
    ),
    "resting": Case(
        RESTING,
        PackageState.RESTING,
        "try 3 starts after 2026-08-01 12:01 UTC; "
        "try 2 failed: the builder cannot be reached or is broken",
        NOW - timedelta(minutes=9),
        7,
    ),
    "rested": Case(
        pending(attempt=3, created=NOW - timedelta(minutes=10)),
        PackageState.QUEUED,
        "the next round builds it, try 3",
        NOW - timedelta(minutes=10),
        7,
    ),
    "waiting": Case(
        WAITS,
        PackageState.WAITING,
        "waits for b from python-b, c >= 2, a, c from python-c or python-cc, cmake",
        NOW,
        7,
        ("python-b", "c >= 2", "a", "python-c", "python-cc", "cmake"),
    ),
    "failed": Case(
        broken(FailureReason.COMPILE, "%build: gcc: error\nin line 3", "b"),
        PackageState.FAILED,
        "%build fails: gcc: error",
        build_id=4,
    ),
    "missing dependency": Case(
        broken(FailureReason.MISSING_DEPENDENCY, "cmake", "b", "cmake", "a"),
        PackageState.MISSING,
        "a build requirement cannot be satisfied: cmake",
        build_id=4,
        waits_for=("python-b",),
    ),
    "cycle": Case(
        broken(FailureReason.CYCLE, "python-a, python-b need each other", "c", "b"),
        PackageState.CYCLE,
        "dependency cycle with no way to bootstrap it: python-a, python-b need each other",
        build_id=4,
        waits_for=("python-b", "python-c", "python-cc"),
    ),
    "unreachable": Case(
        replace(BUILT, head=STALE), PackageState.UNREACHABLE, "distgit cannot be reached"
    ),
    "unreachable from the beginning": Case(
        PackageFacts(PACKAGE, head=STALE),
        PackageState.UNREACHABLE,
        "distgit cannot be reached",
        build_id=None,
    ),
    "branch gone": Case(
        replace(BUILT, head=STALE, branch_is_gone=True),
        PackageState.BRANCH_GONE,
        "distgit cannot be reached",
    ),
    "running, but no round is": Case(
        pending(BuildState.RUNNING, started=SINCE),
        PackageState.RUNNING,
        "no round is running: the next one continues it, or builds it again",
        build_id=7,
    ),
    "faulty metadata and queued": Case(
        replace(pending(), package=replace(PACKAGE, fault="main.yml:3: wrong")),
        PackageState.FAULTY,
        "its metadata is wrong: main.yml:3: wrong",
        since=None,
        build_id=7,
    ),
    "failed and unreachable": Case(
        replace(broken(FailureReason.SPEC), head=STALE),
        PackageState.FAILED,
        "the spec cannot be used: x",
        build_id=4,
        remarks=("stale since 2026-07-30 08:15 UTC: distgit cannot be reached",),
    ),
    "queued and unreachable, nobody knows since when": Case(
        replace(pending(), head=replace(STALE, error_since=None)),
        PackageState.QUEUED,
        "the next round builds it",
        NOW,
        7,
        remarks=("stale: distgit cannot be reached",),
    ),
    "reachable": Case(
        replace(BUILT, head=replace(STALE, error="", error_since=None)),
        PackageState.BUILT,
        "up to date: the newest commit on main is built and published",
    ),
    "held": Case(
        replace(BUILT, hold=HOLD),
        PackageState.HELD,
        "held by me since 2026-07-30 08:15 UTC: it hangs",
    ),
    "held though it fails": Case(
        replace(broken(FailureReason.TEST), hold=HOLD),
        PackageState.HELD,
        "held by me since 2026-07-30 08:15 UTC: it hangs",
        build_id=4,
        remarks=("its tests fail: x",),
    ),
    "held and unreachable": Case(
        replace(BUILT, hold=HOLD, head=STALE),
        PackageState.HELD,
        "held by me since 2026-07-30 08:15 UTC: it hangs",
        remarks=("distgit cannot be reached",),
    ),
    "held while queued in a target that is paused": Case(
        replace(pending(), hold=HOLD),
        PackageState.HELD,
        "held by me since 2026-07-30 08:15 UTC: it hangs",
        NOW,
        7,
        pause=PAUSE,
    ),
    "paused while queued": Case(
        pending(),
        PackageState.PAUSED,
        "master-deb12 is paused by you since 2026-07-30 08:15 UTC: a new disk",
        NOW,
        7,
        pause=PAUSE,
    ),
    "paused while waiting": Case(
        pending(outcome=Waiting(("b",))),
        PackageState.PAUSED,
        "master-deb12 is paused by you since 2026-07-30 08:15 UTC: a new disk",
        NOW,
        7,
        ("python-b",),
        ("waits for b from python-b",),
        PAUSE,
    ),
    "paused with nothing to do": Case(
        BUILT,
        PackageState.BUILT,
        "up to date: the newest commit on main is built and published",
        pause=PAUSE,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_facts_become_a_state_and_a_sentence(case: Case) -> None:
    in_round = "being built now" in case.sentence
    view = view_of("python-a", case.facts, owners, now=NOW, pause=case.pause, in_round=in_round)

    assert (view.state, view.sentence) == (case.state, case.sentence)
    assert (view.since, view.build_id) == (case.since, case.build_id)
    assert (view.waits_for, view.remarks) == (case.waits_for, case.remarks)
    assert bool(view.commit) is (view.build_id is not None)


@pytest.mark.parametrize(
    ("name", "unstopped"),
    [
        ("held", PackageState.BUILT),
        ("held though it fails", PackageState.FAILED),
        ("paused while waiting", PackageState.WAITING),
        ("queued", PackageState.QUEUED),
    ],
)
def test_programs_are_told_the_state_without_a_hold_or_a_pause(
    name: str, unstopped: PackageState
) -> None:
    case = CASES[name]

    view = view_of("python-a", case.facts, owners, now=NOW, pause=case.pause)

    assert view.unstopped is unstopped
