import pytest

from rdo.errors import OutsideError
from rdo.trunk.loop import repeat


class Days:
    """A clock on which an act takes what was announced, and sleep takes what it was asked for."""

    def __init__(self, *takes: float) -> None:
        self.takes = list(takes)
        self.now = 0.0
        self.begun: list[float] = []

    def act(self) -> None:
        self.begun.append(self.now)
        if not self.takes:
            raise KeyboardInterrupt
        self.now += self.takes.pop(0)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def clock(self) -> float:
        return self.now


def test_rounds_begin_at_equal_distances_and_at_once_after_a_long_one() -> None:
    days = Days(10, 400, 20)

    repeat(days.act, 300, sleep=days.sleep, clock=days.clock)

    assert days.begun == [0, 300, 700, 1000]


def test_what_a_person_must_mend_does_not_end_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    days, errors = Days(1), [OutsideError("the index is away", hint="wait")]

    def act() -> None:
        if errors:
            raise errors.pop()
        days.act()

    repeat(act, 5, sleep=days.sleep, clock=days.clock)

    assert len(days.begun) == 2
    assert "the index is away (wait)" in caplog.text
