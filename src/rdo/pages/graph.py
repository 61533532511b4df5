"""The graph of a package's requirements and dependents, as positions in an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 760
_BOX_WIDTH, _BOX_HEIGHT, _STEP = 216, 24, 32
_TOP = 26
_MOST = 24
_LONGEST = 30


@dataclass(frozen=True, slots=True)
class Box:
    """A package in the graph; `label` is its name, shortened to fit. `look` is that of its state.

    Without `page` it is not a link, such as the box for the rest of a list that is too long.
    """

    name: str
    label: str
    look: str
    x: float
    y: float
    page: bool = True
    width: int = _BOX_WIDTH
    height: int = _BOX_HEIGHT

    @property
    def middle(self) -> float:
        """The vertical position at which lines meet it."""
        return self.y + self.height / 2

    @property
    def right(self) -> float:
        """The position at which lines to the right begin."""
        return self.x + self.width


@dataclass(frozen=True, slots=True)
class Graph:
    """A package in the middle, its requirements on the left, its dependents on the right."""

    centre: Box
    requires: tuple[Box, ...]
    required_by: tuple[Box, ...]
    height: int
    width: int = WIDTH

    @property
    def edges(self) -> list[str]:
        """The curves between the boxes, each towards the package that requires the other."""
        left = [
            _curve(one.right, one.middle, self.centre.x, self.centre.middle)
            for one in self.requires
        ]
        right = [
            _curve(self.centre.right, self.centre.middle, one.x, one.middle)
            for one in self.required_by
        ]
        return left + right


def graph(
    name: str,
    requires: Sequence[tuple[str, str]],
    required_by: Sequence[tuple[str, str]],
    look: str = "",
) -> Graph:
    """Place a package and its neighbours, each given by name and the look of its state.

    At most 24 on each side have a box, failing ones first; a last box counts the others.
    """
    rows = max(min(len(requires), _MOST + 1), min(len(required_by), _MOST + 1), 1)
    height = _TOP + rows * _STEP
    middle = (WIDTH - _BOX_WIDTH) / 2
    centre = Box(name, _label(name), look, middle, _TOP + (rows - 1) * _STEP / 2)
    return Graph(
        centre,
        _column(requires, 1, rows),
        _column(required_by, WIDTH - _BOX_WIDTH - 1, rows),
        height,
    )


def _column(names: Sequence[tuple[str, str]], x: float, rows: int) -> tuple[Box, ...]:
    ordered = sorted(names, key=lambda one: (_ORDER.get(one[1], 2), one[0]))
    shown = ordered[:_MOST]
    count = len(shown) + (len(ordered) > _MOST)
    first = _TOP + (rows - count) * _STEP / 2
    boxes = [
        Box(name, _label(name), look, x, first + number * _STEP)
        for number, (name, look) in enumerate(shown)
    ]
    if len(ordered) > _MOST:
        more = f"and {len(ordered) - _MOST} more"
        boxes.append(Box(more, more, "", x, first + _MOST * _STEP, page=False))
    return tuple(boxes)


_ORDER = {"bad": 0, "warn": 1}


def _label(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    half = (x1 + x2) / 2
    return f"M{x1:g} {y1:g}C{half:g} {y1:g} {half:g} {y2:g} {x2:g} {y2:g}"
