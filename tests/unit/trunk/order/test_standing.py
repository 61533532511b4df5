"""What a build that asks for something does, by where its providers stand."""

from dataclasses import dataclass

import pytest

from rdo.model.build import Built, Failed, FailureReason
from rdo.store.work.packages import PackageBuilds
from rdo.trunk.order.providers import Providers
from rdo.trunk.order.standing import Standing, Verdict
from tests.unit.trunk.samples import build, package

PACKAGES = [package("python-a"), package("python-b"), package("openvswitch")]
A, OUTSIDE = "python3dist(a)", "python3dist(elsewhere)"
ASKS = build(1, "python-x")
BEHIND_A = Verdict(behind=frozenset({"python-a"}))
NOTHING: frozenset[str] = frozenset()


def names(*found: str) -> frozenset[str]:
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Case:
    """One build that asks for `need`; the other fields say where the packages stand."""

    need: str
    verdict: Verdict
    good: frozenset[str] = NOTHING
    ftbfs: frozenset[str] = NOTHING
    elsewhere: frozenset[str] = NOTHING
    others: frozenset[str] = NOTHING


CASES = {
    "what nobody packages is for the bridge": Case(OUTSIDE, Verdict(bridge=(OUTSIDE,))),
    "a provider that was never built is waited for": Case(A, BEHIND_A),
    "a provider in the queue is waited for": Case(
        A, BEHIND_A, good=names("python-a"), others=names("python-a")
    ),
    "a provider in the queue of another round is waited for": Case(
        A, BEHIND_A, good=names("python-a"), elsewhere=names("python-a")
    ),
    "a provider that fails is waited for": Case(
        A, BEHIND_A, good=names("python-a"), ftbfs=names("python-a")
    ),
    "a good provider that lacks it and will not come again is hopeless": Case(
        A, Verdict(hopeless=(A,)), good=names("python-a")
    ),
    "what only begins like a good package may be somebody else's": Case(
        "openvswitch-hw", Verdict(bridge=("openvswitch-hw",)), good=names("openvswitch")
    ),
    "of two providers only those that may come are waited for": Case(
        "(python3dist(a) or python3dist(b))", BEHIND_A, good=names("python-b")
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_verdict_on_a_need(case: Case) -> None:
    standing = Standing(
        Providers(PACKAGES), set(case.good), set(case.ftbfs), elsewhere=case.elsewhere
    )

    assert standing.judge(ASKS, [case.need], case.others) == case.verdict


def test_each_need_is_judged_for_itself() -> None:
    standing = Standing(Providers(PACKAGES), good={"python-b"})

    verdict = standing.judge(ASKS, [OUTSIDE, A, "python3dist(b)", "zlib"], NOTHING)

    assert verdict == Verdict(names("python-a"), (OUTSIDE, "zlib"), ("python3dist(b)",))


def test_a_build_without_needs_may_try_again() -> None:
    assert Standing(Providers(PACKAGES)).judge(ASKS, [], names("python-a")) == Verdict()


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        pytest.param("start publish", Verdict(), id="published since the build began: try again"),
        pytest.param("publish start", BEHIND_A, id="published before it began: it looked, and no"),
        pytest.param("publish", Verdict(), id="published and never looked for: try"),
        pytest.param("start publish start", BEHIND_A, id="a second start looks again"),
        pytest.param("start", BEHIND_A, id="nothing published yet"),
    ],
)
def test_a_publication_is_news_only_to_builds_that_began_before(
    events: str, verdict: Verdict
) -> None:
    standing = Standing(Providers(PACKAGES))
    for event in events.split():
        if event == "start":
            standing.started(ASKS)
        else:
            standing.published(build(2, "python-a"), [A])

    assert standing.judge(ASKS, [A], names("python-a")) == verdict


def test_a_publication_mends_a_package() -> None:
    standing = Standing(Providers(PACKAGES))
    standing.failed(build(2, "python-a"))
    assert (standing.good, standing.ftbfs) == (set(), {"python-a"})

    standing.published(build(3, "python-a"), [A])

    assert (standing.good, standing.ftbfs) == ({"python-a"}, set())


def test_a_bootstrap_build_is_news_and_makes_its_package_neither_good_nor_mended() -> None:
    standing = Standing(Providers(PACKAGES), ftbfs={"python-a"})
    standing.started(ASKS)

    standing.published(build(2, "python-a", bootstrap=True), [A])

    assert standing.judge(ASKS, [A], NOTHING) == Verdict()
    assert (standing.good, standing.ftbfs) == (set(), {"python-a"})


def test_what_is_under_review_is_published_for_nobody() -> None:
    standing = Standing(Providers(PACKAGES), under_review=names("python-a"))
    standing.started(ASKS)

    standing.published(build(2, "python-a"), [A])

    assert standing.good == set()
    assert standing.judge(ASKS, [A], NOTHING) == BEHIND_A


def test_what_a_publication_provides_is_known_from_then_on() -> None:
    standing = Standing(Providers(PACKAGES))
    standing.started(ASKS)

    standing.published(build(2, "openvswitch"), ["pkgconfig(ovs)"])

    assert standing.judge(ASKS, ["pkgconfig(ovs)"], NOTHING) == Verdict()


GOOD = build(4, "python-a", outcome=Built(()))
BAD = build(5, "python-a", outcome=Failed(FailureReason.TEST, ""))


@pytest.mark.parametrize(
    ("state", "is_good", "is_ftbfs"),
    [
        pytest.param(PackageBuilds("python-a", GOOD, GOOD), True, False, id="healthy"),
        pytest.param(PackageBuilds("python-a", BAD, GOOD), True, True, id="good once, fails now"),
        pytest.param(PackageBuilds("python-a", BAD, None), False, True, id="never good"),
        pytest.param(PackageBuilds("python-a", GOOD, None), False, False, id="not published yet"),
        pytest.param(PackageBuilds("python-b", GOOD, GOOD), False, False, id="under review"),
    ],
)
def test_a_round_begins_with_what_the_last_builds_say(
    state: PackageBuilds, is_good: bool, is_ftbfs: bool
) -> None:
    standing = Standing.of(
        Providers(PACKAGES), [state], under_review=names("python-b"), elsewhere=names("python-c")
    )

    assert (standing.good == {state.package}) is is_good
    assert (standing.ftbfs == {state.package}) is is_ftbfs
    assert (standing.under_review, standing.elsewhere) == (names("python-b"), names("python-c"))
