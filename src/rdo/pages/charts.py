"""Charts: compute the positions of bars and lines in an SVG; templates draw them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

WIDTH, HEIGHT = 760, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 22
_PLOT_WIDTH = WIDTH - LEFT - RIGHT
_PLOT_HEIGHT = HEIGHT - TOP - BOTTOM
_MOST_LABELS = 8


class ChartKind(StrEnum):
    """How the values of a day are drawn: stacked, or as lines."""

    BARS = "bars"
    LINES = "lines"


@dataclass(frozen=True, slots=True)
class Series:
    """One row of numbers; `look` is its class in the style sheet. None means no number."""

    label: str
    look: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of a bar chart; `text` is its tooltip."""

    look: str
    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True, slots=True)
class ChartLine:
    """The path of a line, with a gap where there is no number, and its points."""

    look: str
    path: str
    points: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A number or day beside an axis."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Numbers for consecutive days; `unit` is what they count, `id` an id within the page."""

    id: str
    title: str
    unit: str
    days: tuple[date, ...]
    series: tuple[Series, ...]
    kind: ChartKind = ChartKind.BARS

    @property
    def is_empty(self) -> bool:
        """Whether there is no number to show."""
        return not any(value for one in self.series for value in one.values)

    @property
    def summary(self) -> str:
        """The last number of each row, as text."""
        said = [f"{one.label} {written(one.values[-1])}" for one in self.series if one.values]
        return f"{self.title}. Last day: {', '.join(said)}."

    @property
    def rows(self) -> list[tuple[date, tuple[str, ...]]]:
        """The numbers as a table, newest day first."""
        by_day = zip(*(one.values for one in self.series), strict=True)
        shown = [tuple(map(written, values)) for values in by_day]
        return list(zip(self.days, shown, strict=True))[::-1]

    @property
    def ticks(self) -> list[Mark]:
        """The numbers beside the vertical axis."""
        steps = self._steps()
        return [Mark(_y(value, steps[-1]), written(value)) for value in steps]

    @property
    def marks(self) -> list[Mark]:
        """The days below the horizontal axis."""
        step = max(1, math.ceil(len(self.days) / _MOST_LABELS))
        chosen = range((len(self.days) - 1) % step, len(self.days), step)
        return [Mark(self._x(number), f"{self.days[number]:%d %b}") for number in chosen]

    @property
    def bars(self) -> Iterator[Bar]:
        """The rectangles of a bar chart; those of a day are stacked in the order of the rows."""
        slot = _PLOT_WIDTH / max(len(self.days), 1)
        width = max(slot * 0.76, 1.0)
        most = self._steps()[-1]
        for number, day in enumerate(self.days):
            below = 0.0
            for one in self.series:
                value = one.values[number] or 0
                if not value:
                    continue
                top, bottom = _y(below + value, most), _y(below, most)
                text = f"{day}: {written(value)} {one.label}"
                x = round(self._x(number) - width / 2, 1)
                yield Bar(one.look, x, top, round(width, 1), round(bottom - top, 1), text)
                below += value

    @property
    def lines(self) -> Iterator[ChartLine]:
        """The lines of a line chart."""
        most = self._steps()[-1]
        for one in self.series:
            path, points, is_down = [], [], False
            for number, value in enumerate(one.values):
                if value is None:
                    is_down = False
                    continue
                x, y = self._x(number), _y(value, most)
                path.append(f"{'L' if is_down else 'M'}{x} {y}")
                points.append((x, y, f"{self.days[number]}: {written(value)} {self.unit}"))
                is_down = True
            yield ChartLine(one.look, "".join(path), tuple(points))

    def _x(self, number: int) -> float:
        return round(LEFT + (number + 0.5) * _PLOT_WIDTH / max(len(self.days), 1), 1)

    def _steps(self) -> Sequence[float]:
        return nice_steps(self._most())

    def _most(self) -> float:
        if self.kind is ChartKind.BARS:
            stacks = zip(*(one.values for one in self.series), strict=True)
            return max((sum(value or 0 for value in stack) for stack in stacks), default=0)
        return max((value or 0 for one in self.series for value in one.values), default=0)


def _y(value: float, most: float) -> float:
    return round(TOP + _PLOT_HEIGHT * (1 - value / most), 1)


def nice_steps(most: float) -> list[float]:
    """Return round numbers from 0 to at least `most`, for an axis.

    >>> nice_steps(7), nice_steps(230), nice_steps(0)
    ([0, 2, 4, 6, 8], [0, 100, 200, 300], [0, 1])
    """
    if most <= 1:
        return [0, 1]
    rough = most / 4
    power = 10 ** math.floor(math.log10(rough))
    factor = next(one for one in (1, 2, 5, 10) if one * power >= rough)
    step = max(factor * power, 1)
    step = int(step) if step == int(step) else step
    return [step * number for number in range(math.ceil(most / step) + 1)]


def written(value: float | None) -> str:
    """Return a number as text; a dash if there is none.

    >>> written(3.0), written(2.46)
    ('3', '2.5')
    """
    if value is None:
        return "\N{EN DASH}"
    return f"{value:.1f}".removesuffix(".0")
