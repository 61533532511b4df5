from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from rdo.bridge.protocol import Provision
from rdo.errors import CommandError
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
