"""Which events make one message, and who gets it when."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rdo.model.audiences import Audiences
from rdo.model.build import Built, Failed, FailureReason
from rdo.store.messages.deliveries import Delivery
from rdo.trunk.plan import RoundPlan
from rdo.trunk.telling.after_round import tell_round
from rdo.trunk.telling.events import settle
from rdo.trunk.views.report import Held, Report
from tests.unit.trunk.past import TARGET, Past
from tests.unit.trunk.samples import NOW, build

ANN, BOB, OPS = "ann@example.test", "bob@example.test", "ops@example.test"
MAIL = Audiences(mail=True, operator=(OPS,))
CYCLE, NETWORK = FailureReason.CYCLE, FailureReason.NETWORK  # neither has a log to read


def tell(past: Past, audiences: Audiences = MAIL, *, held: str = "", ftbfs: str = "") -> None:
    """Tell a round in which `held` ("b:a,c" for b, which waits for a and c) could not go on."""
    parts = (part.split(":") for part in held.split())
    builds = tuple(
        Held(build(90, f"python-{name}"), tuple(f"python-{x}" for x in names.split(",")))
        for name, names in parts
    )
    failing = tuple(f"python-{name}" for name in ftbfs)
    report = Report(TARGET, 4, 1.0, RoundPlan((), (), {}), held=builds, ftbfs=failing)
    tell_round(replace(past.trunk, audiences=audiences), report)


def fail(past: Past, name: str, reason: FailureReason = CYCLE, upstream: str = "1") -> None:
    with past.store.write() as at:
        queued = at.builds.plan(TARGET, past.commit(name, upstream), now=past.clock())
        settle(at, queued, Failed(reason, "why"), now=past.clock())


def maintained(past: Past, name: str, *addresses: str) -> None:
    key = f"python-{name}"
    past.packages[key] = replace(past.packages[key], maintainers=addresses)


def queue(past: Past) -> list[Delivery]:
    with past.store.read() as at:
        return list(at.deliveries.open())


def told(past: Past) -> list[tuple[str, str, str]]:
    """Of each message: about what, of which package, to whom."""
    return [(one.event.kind, one.event.package[-1], one.recipient) for one in queue(past)]


@pytest.mark.parametrize(
    ("maintainers", "reason", "recipients"),
    [
        pytest.param((ANN, BOB), CYCLE, [ANN, BOB], id="its maintainers"),
        pytest.param((ANN, ANN), CYCLE, [ANN], id="each once"),
        pytest.param((ANN, "nobody here"), CYCLE, [ANN], id="those that have an address"),
        pytest.param(("nobody here",), CYCLE, [OPS], id="none has one: the operator"),
        pytest.param((), CYCLE, [OPS], id="it has none: the operator"),
        pytest.param((ANN,), NETWORK, [OPS], id="what is outside is the operator's"),
    ],
)
def test_who_is_told_by_mail(
    past: Past, maintainers: tuple[str, ...], reason: FailureReason, recipients: list[str]
) -> None:
    maintained(past, "a", *maintainers)
    fail(past, "a", reason)

    tell(past)

    assert [one.recipient for one in queue(past)] == recipients
    assert {(one.way, one.digest) for one in queue(past)} == {("mail", False)}


@pytest.mark.parametrize(
    ("audiences", "reason", "ways"),
    [
        pytest.param(Audiences(), CYCLE, [], id="nothing is configured"),
        pytest.param(Audiences(gerrit=True), CYCLE, ["gerrit"], id="a review"),
        pytest.param(Audiences(gerrit=True), NETWORK, [], id="no review of what is outside"),
        pytest.param(
            Audiences(webhooks=("chat", "ci")),
            NETWORK,
            ["webhook:chat", "webhook:ci"],
            id="every webhook",
        ),
    ],
)
def test_by_which_ways(
    past: Past, audiences: Audiences, reason: FailureReason, ways: list[str]
) -> None:
    fail(past, "a", reason)

    tell(past, audiences)

    assert [one.way for one in queue(past)] == ways


def test_a_mend_opens_no_review(past: Past) -> None:
    fail(past, "a")
    tell(past, Audiences())
    with past.store.write() as at:
        queued = at.builds.plan(TARGET, past.commit("a", "2"), now=past.clock())
        settle(at, queued, Built((Path("x.rpm"),)), now=past.clock())

    tell(past, Audiences(gerrit=True, webhooks=("ci",)))

    assert [(one.way, one.event.kind) for one in queue(past)] == [("webhook:ci", "mended")]


@pytest.mark.parametrize("who", [ANN, "*"])
def test_a_digest_waits_for_its_hour(past: Past, who: str) -> None:
    maintained(past, "a", ANN)
    fail(past, "a")

    tell(past, replace(MAIL, digest=frozenset({who}), digest_hour=13))

    [one] = queue(past)
    assert (one.digest, one.due) == (True, NOW.replace(hour=13))


def test_an_event_is_announced_once(past: Past) -> None:
    fail(past, "a")

    tell(past)
    tell(past)

    assert len(queue(past)) == 1


@pytest.mark.parametrize(
    ("held", "ftbfs", "waiting"),
    [
        pytest.param("b:a", "a", ["python-b"], id="who waits for it"),
        pytest.param("b:a c:b", "a", ["python-b", "python-c"], id="by way of another that waits"),
        pytest.param("b:x c:b", "a", [], id="who waits for something else"),
        pytest.param("b:a,x", "a", ["python-b"], id="who also waits for something else"),
        pytest.param("b:a c:b", "ab", ["python-b"], id="not by way of another that fails"),
        pytest.param("b:c c:b,a", "a", ["python-b", "python-c"], id="two that wait for each other"),
        pytest.param("a:a", "a", [], id="not itself"),
    ],
)
def test_a_break_names_who_waits_for_it(
    past: Past, held: str, ftbfs: str, waiting: list[str]
) -> None:
    fail(past, "a")

    tell(past, held=held, ftbfs=ftbfs)

    [one] = [one for one in queue(past) if one.event.package == "python-a"]
    assert one.event.kind == "broken"
    assert one.event.payload["waiting"] == waiting


def test_who_begins_to_wait_later_is_one_more_message(past: Past) -> None:
    fail(past, "a")
    tell(past)

    tell(past, held="b:a c:a", ftbfs="a")

    assert told(past) == [("broken", "a", OPS), ("waited-for", "a", OPS)]
    assert queue(past)[-1].event.payload["waiting"] == ["python-b", "python-c"]


def test_two_breaks_are_two_messages(past: Past) -> None:
    fail(past, "a")
    fail(past, "b")

    tell(past)

    assert told(past) == [("broken", "a", OPS), ("broken", "b", OPS)]


def test_a_break_for_both_audiences_is_one_message_for_each(past: Past) -> None:
    maintained(past, "a", ANN)
    fail(past, "a", NETWORK)
    fail(past, "a", CYCLE, "2")

    tell(past)

    assert sorted(told(past)) == [("broken", "a", ANN), ("broken", "a", OPS)]


def test_all_that_cannot_be_followed_is_one_message_to_the_operator(past: Past) -> None:
    maintained(past, "a", ANN)
    since = past.clock()
    with past.store.write() as at:
        for name in ("python-a", "python-b"):
            at.heads.unreachable(TARGET, name, f"{name} is away", now=since)
    past.now += timedelta(days=1)

    tell(past)

    [one] = queue(past)
    assert (one.event.kind, one.recipient) == ("stale", OPS)
    assert [problem["what"] for problem in one.event.payload["problems"]] == [
        "python-a is away",
        "python-b is away",
    ]


def test_a_source_that_recovers_before_its_announcement_is_not_announced(past: Past) -> None:
    since = past.clock()
    with past.store.write() as at:
        at.heads.unreachable(TARGET, "python-a", "away", now=since)
        past.now += timedelta(days=1)
        at.events.add(TARGET, "python-a", "stale", "stale:python-a:1", now=past.now)
        at.heads.seen(TARGET, "python-a", upstream_hash="", distgit_hash="", now=past.now)

    tell(past)

    assert queue(past) == []
    with past.store.read() as at:
        assert at.events.undescribed(TARGET) == ()


def test_what_left_the_release_is_told_to_the_operator(past: Past) -> None:
    maintained(past, "a", ANN)
    fail(past, "a")
    del past.packages["python-a"]

    tell(past)

    assert told(past) == [("broken", "a", OPS)]
