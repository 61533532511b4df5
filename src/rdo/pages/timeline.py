"""The moves of names on a time line, as positions in an SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WIDTH, LEFT, RIGHT, _TOP, _STEP = 760, 150, 24, 8, 26


@dataclass(frozen=True, slots=True)
class Dot:
    """A move; `text` is its tooltip."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Lane:
    """The moves of one name."""

    name: str
    y: float
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Names below each other, with the days below all of them."""

    lanes: tuple[Lane, ...]
    marks: tuple[tuple[float, str], ...]
    days: int

    width = WIDTH
    left = LEFT
    right = WIDTH - RIGHT

    @property
    def height(self) -> int:
        """The height of the picture, including the days."""
        return _TOP + len(self.lanes) * _STEP + 18


def timeline(
    moves: Mapping[str, Sequence[tuple[datetime, str]]], now: datetime, days: int = 30
) -> Timeline:
    """Place the moves of the last days by name; each is a time with a tooltip."""
    begin = now - timedelta(days=days)
    room = WIDTH - LEFT - RIGHT

    def x(moment: datetime) -> float:
        return round(LEFT + room * ((moment - begin) / (now - begin)), 1)

    lanes = tuple(
        Lane(
            name,
            _TOP + number * _STEP + _STEP / 2,
            tuple(Dot(x(moment), text) for moment, text in of_name if begin <= moment <= now),
        )
        for number, (name, of_name) in enumerate(moves.items())
    )
    step = max(days // 6, 1)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    chosen = [midnight - timedelta(days=number) for number in range(0, days, step)]
    return Timeline(lanes, tuple((x(one), f"{one:%d %b}") for one in chosen), days)
