from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from rdo.bridge.protocol import Provision
from rdo.errors import CommandError, OutsideError
from rdo.model.build import FailureReason
from rdo.trunk.order.bridge_requests import BridgeAnswer, BridgeRequest, Requests
from tests.unit.trunk.samples import build


class OneBadWheel:
    """A bridge that breaks on whatever request holds `bad`."""

    def provide(self, needs: Sequence[str]) -> Provision:
        if "bad" in needs:
            raise CommandError("the wheel of bad is no wheel")
        return Provision(provided=tuple(needs))


def answers_to(requests: Requests, wanted: Sequence[BridgeRequest]) -> list[BridgeAnswer]:
    found: list[BridgeAnswer] = []
    with ThreadPoolExecutor(1) as pool:
        for request in wanted:
            assert requests.add(request) is None
        requests.send(pool)
        while requests.running:
            requests.running.exception()  # wait for it
            found += requests.receive()
            requests.send(pool)
    return found


def test_what_breaks_the_bridge_spoils_nothing_for_other_builds() -> None:
    names = ("good", "bad", "fine")
    wanted = [
        BridgeRequest(build(number, name), (name,), frozenset())
        for number, name in enumerate(names)
    ]

    found = answers_to(Requests(OneBadWheel(), is_cancelled=lambda: False), wanted)

    assert [answer.failure and answer.failure.reason for answer in found] == [
        None,
        FailureReason.BUILDER,
        None,
    ]


@dataclass(slots=True)
class Shop:
    """A bridge that has some things, and remembers what it was asked for."""

    has: frozenset[str] = frozenset()
    error: Exception | None = None
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def provide(self, needs: Sequence[str]) -> Provision:
        self.asked.append(tuple(needs))
        if self.error:
            raise self.error
        return Provision(provided=tuple(need for need in needs if need in self.has))


def request(number: int, *needs: str, for_bootstrap: bool = False) -> BridgeRequest:
    return BridgeRequest(
        build(number, f"p{number}"), needs, frozenset(), for_bootstrap=for_bootstrap
    )


def reasons(answers: Sequence[BridgeAnswer]) -> list[FailureReason | None]:
    return [one.failure.reason if one.failure else None for one in answers]


def test_the_needs_of_all_builds_are_one_request_and_each_need_once() -> None:
    shop = Shop(frozenset("abc"))

    found = answers_to(
        Requests(shop, is_cancelled=lambda: False), [request(1, "a", "b"), request(2, "b", "c")]
    )

    assert shop.asked == [("a", "b", "c")]
    assert reasons(found) == [None, None]


@pytest.mark.parametrize(
    ("has", "detail"),
    [
        pytest.param("ab", None, id="all is there"),
        pytest.param("a", "b", id="one is missing"),
        pytest.param("", "a, b", id="all are missing"),
    ],
)
def test_what_the_bridge_lacks_is_missing(has: str, detail: str | None) -> None:
    [answer] = answers_to(
        Requests(Shop(frozenset(has)), is_cancelled=lambda: False), [request(1, "a", "b")]
    )

    assert (answer.failure and answer.failure.detail) == detail


@pytest.mark.parametrize(
    ("error", "reason", "asked"),
    [
        pytest.param(OutsideError("x"), FailureReason.NETWORK, 1, id="a network that is away"),
        pytest.param(OSError(28, "x"), FailureReason.NO_SPACE, 1, id="a full disk"),
        pytest.param(CommandError("x"), FailureReason.BUILDER, 3, id="a program: each alone"),
        pytest.param(ValueError("x"), FailureReason.UNKNOWN, 3, id="a bug: each alone"),
    ],
)
def test_a_bridge_that_fails(error: Exception, reason: FailureReason, asked: int) -> None:
    shop = Shop(error=error)

    found = answers_to(
        Requests(shop, is_cancelled=lambda: False), [request(1, "a"), request(2, "b")]
    )

    assert reasons(found) == [reason, reason]
    assert len(shop.asked) == asked


def test_a_request_is_for_the_build_itself_unless_it_says_otherwise() -> None:
    plain = BridgeRequest(build(1, "a"), (), frozenset())

    assert not plain.for_bootstrap
    assert not plain.for_users


def test_what_is_for_bootstrap_is_asked_of_the_last_resort_and_apart() -> None:
    shop, last = Shop(frozenset("ab")), Shop(frozenset("c"))
    wanted = [request(1, "a"), request(2, "c", for_bootstrap=True), request(3, "b")]

    found = answers_to(Requests(shop, last, is_cancelled=lambda: False), wanted)

    assert (shop.asked, last.asked) == ([("a", "b")], [("c",)])
    assert [answer.request.build.id for answer in found] == [1, 3, 2]


@pytest.mark.parametrize(
    ("number", "needs", "refused"),
    [
        pytest.param(1, ("b",), "b", id="the same thing again: it does not help"),
        pytest.param(1, ("c", "b"), "b", id="the same among others"),
        pytest.param(1, ("c",), None, id="something else"),
        pytest.param(2, ("b",), None, id="another build"),
    ],
)
def test_what_was_brought_in_and_is_asked_for_again(
    number: int, needs: tuple[str, ...], refused: str | None
) -> None:
    requests = Requests(Shop(frozenset("abc")), is_cancelled=lambda: False)
    answers_to(requests, [request(1, "a", "b")])

    answer = requests.add(request(number, *needs))

    if refused is None:
        assert answer is None
    else:
        assert answer is not None
        assert answer.failure is not None
        assert answer.failure.reason is FailureReason.MISSING_DEPENDENCY
        assert answer.failure.detail.startswith(f"{refused} (")


def test_what_was_missing_may_be_asked_for_again() -> None:
    requests = Requests(Shop(), is_cancelled=lambda: False)
    answers_to(requests, [request(1, "a")])

    assert requests.add(request(1, "a")) is None


def test_nothing_is_sent_where_nothing_was_asked_or_while_a_request_runs() -> None:
    requests = Requests(Shop(), is_cancelled=lambda: False)
    with ThreadPoolExecutor(1) as pool:
        requests.send(pool)
        assert requests.running is None
        requests.add(request(1, "a"))
        requests.send(pool)
        first = requests.running
        requests.add(request(2, "b"))
        requests.send(pool)

    assert requests.running is first
    assert requests.is_answered


def test_a_request_is_answered_when_it_has_ended() -> None:
    requests = Requests(Shop(), is_cancelled=lambda: False)

    assert not requests.is_answered


def foreseen(*numbers: int) -> tuple[BridgeRequest, ...]:
    """A group of requests for builds that have not started."""
    return tuple(
        BridgeRequest(build(number, f"p{number}"), (f"n{number}",), frozenset(), is_foreseen=True)
        for number in numbers
    )


def drained(requests: Requests, *, in_advance: bool = True) -> list[BridgeAnswer]:
    """All answers that come without further requests."""
    found: list[BridgeAnswer] = []
    with ThreadPoolExecutor(1) as pool:
        requests.send(pool, in_advance=in_advance)
        while requests.running:
            requests.running.exception()  # wait for it
            found += requests.receive()
            requests.send(pool, in_advance=in_advance)
    return found


def test_what_is_foreseen_is_asked_for_in_growing_shares_of_whole_groups() -> None:
    shop = Shop(frozenset(f"n{number}" for number in range(600)))
    requests = Requests(shop)
    requests.foresee([foreseen(*range(5)), foreseen(5, 6), foreseen(7, 8, 9)])
    requests.foresee([foreseen(number) for number in range(10, 600)])

    found = drained(requests)

    assert list(map(len, shop.asked)) == [10, 64, 512, 14]
    assert [answer.request.build.id for answer in found] == list(range(600))


def test_what_builds_ask_for_is_collected_until_a_worker_is_idle_or_a_share_goes_out() -> None:
    shop = Shop(frozenset({"a", "b", "c", "n3"}))
    requests = Requests(shop)
    with ThreadPoolExecutor(1) as pool:
        requests.add(request(1, "a"))
        requests.send(pool, is_idle=False)
        requests.add(request(2, "b"))
        requests.send(pool, is_idle=False)
        assert requests.running is None
        requests.send(pool, is_idle=True)
        assert requests.running is not None
        requests.running.exception()  # wait for it
        requests.receive()
        requests.add(request(4, "c"))
        requests.foresee([foreseen(3)])
        requests.send(pool, is_idle=False)

    assert shop.asked == [("a", "b"), ("c", "n3")]


def test_what_a_build_waits_for_goes_out_with_the_next_share() -> None:
    shop = Shop(frozenset({"n1", "now"}))
    requests = Requests(shop)
    requests.foresee([foreseen(1)])
    requests.add(request(2, "now"))

    assert drained(requests, in_advance=False)[0].request.build.id == 2
    assert shop.asked == [("now",)]
    requests.add(request(3, "now"))
    drained(requests)

    assert shop.asked[1:] == [("now", "n1")]


def test_nothing_is_asked_for_a_build_that_left_the_queue() -> None:
    shop = Shop()
    requests = Requests(shop)
    requests.foresee([foreseen(1, 2), foreseen(3)])
    requests.forget(1)
    requests.forget(3)

    drained(requests)

    assert shop.asked == [("n2",)]


def test_a_bridge_that_breaks_is_not_asked_again_for_what_was_only_foreseen() -> None:
    shop = Shop(error=CommandError("it breaks"))
    requests = Requests(shop)
    requests.foresee([foreseen(1, 2)])
    requests.add(request(3, "now"))

    found = drained(requests)

    assert shop.asked == [("now", "n1", "n2"), ("now",)]
    assert sorted(answer.request.build.id for answer in found) == [1, 2, 3]


def test_what_was_foreseen_may_be_asked_for_again_by_the_build_itself() -> None:
    requests = Requests(Shop(frozenset({"n1"})))
    requests.foresee([foreseen(1)])
    drained(requests)

    assert requests.add(request(1, "n1")) is None
