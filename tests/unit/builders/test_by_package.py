"""Which builder of several builds a package, and how many builds each does at once."""

import pytest

from rdo.builders.by_package import BuilderByPackage, Share
from rdo.builders.protocol import Ticket
from rdo.model.build import Built
from tests.fakes.builder import ScriptedBuilder

SHARE = Share("farm", {"a": "here"}, {"farm": 3})


@pytest.mark.parametrize(
    ("busy", "room", "for_a", "for_b"),
    [
        ([], 5, True, True),
        (["b", "c", "d"], 2, True, False),
        (["a", "a"], 3, False, True),
        (["a", "a", "a", "b", "c", "d"], 0, False, False),
    ],
)
def test_each_builder_has_room_of_its_own(
    busy: list[str], room: int, for_a: bool, for_b: bool
) -> None:
    assert sum(SHARE.free(busy, workers=2).values()) == room
    assert SHARE.has_room("a", busy, workers=2) is for_a
    assert SHARE.has_room("b", busy, workers=2) is for_b


def test_without_other_builders_the_target_s_workers_count() -> None:
    assert Share().free(["a"], workers=2) == {"": 1}


class Remembering(ScriptedBuilder):
    """A builder that has ended one build, under a ticket that any builder might give."""

    def __init__(self, rpm: str) -> None:
        super().__init__()
        self.outcome, self.cancelled = Built(()), list[Ticket]()
        self.name = rpm

    def poll(self, tickets: object) -> dict[Ticket, Built]:  # type: ignore[override]  # of its test
        return {ticket: self.outcome for ticket in tickets if ticket == self.name}  # type: ignore[attr-defined]

    def cancel(self, ticket: Ticket) -> None:
        self.cancelled.append(ticket)


def test_a_ticket_goes_to_the_builder_that_gave_it() -> None:
    farm, here = Remembering("7"), Remembering("8")
    builder = BuilderByPackage(SHARE, {"farm": farm, "here": here})

    builder.cancel(Ticket("here@8"))
    builder.cancel(Ticket("9"))

    assert set(builder.poll([Ticket("farm@7"), Ticket("here@7"), Ticket("here@8")])) == {
        "farm@7",
        "here@8",
    }
    assert (farm.cancelled, here.cancelled) == (["9"], ["8"])
