"""Rounds that share a machine take turns to start builds."""

from collections import Counter

import pytest

from rdo.trunk.order.turns import Turns


class Race:
    """Rounds that always want one build more; each build ends when the test says so."""

    def __init__(self, limit: int, *targets: str) -> None:
        self.now = 0.0
        self.turns = Turns({"": limit}, lambda: self.now)
        self.running: dict[str, int] = {}
        self.woken: list[str] = []
        for target in targets:
            self.join(target)

    def join(self, target: str) -> None:
        self.running[target] = 0
        self.turns.join(target, lambda: self.woken.append(target))

    def ask(self, target: str, wants: int = 1, takes: int | None = None) -> int:
        self.now += 0.01
        uses = Counter({"": self.running[target]})
        granted = self.turns.grant(target, uses, {"": wants}, {"": wants})
        self.running[target] += granted[""] if takes is None else takes
        self.turns.settle(target, Counter({"": self.running[target]}), granted)
        return granted[""]

    def end(self, target: str) -> None:
        self.running[target] -= 1


def test_all_rounds_together_keep_to_the_limit() -> None:
    race = Race(3, "a", "b")

    assert [race.ask("a", 2), race.ask("b", 2), race.ask("a", 1)] == [2, 1, 0]


def test_a_free_worker_goes_to_who_has_the_fewest_builds() -> None:
    race = Race(2, "a", "b")
    race.ask("a", 2)
    race.ask("b")
    race.end("a")

    assert race.ask("a") == 0, "b has none and waits"
    assert race.ask("b") == 1


def test_equals_take_turns() -> None:
    race = Race(1, "a", "b", "c")
    order = []
    for _ in range(30):
        for target in race.running:
            if race.ask(target):
                order.append(target)
        if any(race.running.values()):
            race.end(order[-1])

    assert max(Counter(order).values()) - min(Counter(order).values()) <= 1, order


def test_a_round_that_no_longer_asks_keeps_no_worker_from_others() -> None:
    race = Race(1, "a", "stuck")
    race.ask("a")
    race.ask("stuck")
    race.end("a")
    race.now += 5

    assert race.ask("a") == 1


def test_an_unused_worker_is_given_back_and_the_others_are_woken() -> None:
    race = Race(1, "a", "b")
    race.turns.grant("b", Counter(), {"": 1}, {"": 1})

    assert race.ask("a") == 0
    race.turns.settle("b", Counter(), {"": 1})
    assert race.woken == ["a"]
    assert race.ask("a") == 1


@pytest.mark.parametrize("way", ["leaves", "ends"])
def test_who_waits_is_woken_when_another(way: str) -> None:
    race = Race(1, "a", "b")
    race.ask("a")
    race.ask("b")
    race.end("a")

    if way == "leaves":
        race.turns.leave("a")
    else:
        race.ask("a", 0)

    assert race.woken == ["b"]


def test_a_place_without_a_limit_is_open_to_all() -> None:
    turns = Turns({"": 1})
    turns.join("a", lambda: None)

    assert turns.grant("a", Counter(), {"farm": 7}, {})["farm"] == 7
