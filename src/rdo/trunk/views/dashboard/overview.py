"""The first page of a target, and the grid of all targets."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from rdo.pages.live_values import Cell, Grid, GridTarget, Overview, Tile
from rdo.pages.values import PageHead, QueuedBuild, ShownLevel
from rdo.trunk.context import Trunk
from rdo.trunk.views.dashboard.numbers import builds_chart
from rdo.trunk.views.forecast import forecast
from rdo.trunk.views.gathered import Gathered
from rdo.trunk.views.side_by_side import side_by_side
from rdo.trunk.views.state import PackageState

_DAYS = 30


def with_forecast(trunk: Trunk, gathered: Gathered) -> Gathered:
    """Add the expected start and end of each build to the queue."""
    expected = forecast(gathered.view, trunk.workers, trunk.now())

    def timed(one: QueuedBuild) -> QueuedBuild:
        found = expected.get(one.id)
        return replace(one, begins=found.begins, ends=found.ends) if found else one

    queue = tuple(map(timed, gathered.page.queue))
    return replace(gathered, page=replace(gathered.page, queue=queue))


def overview(trunk: Trunk, gathered: Gathered) -> Overview:
    """Return the first page of a target."""
    return Overview(
        gathered.page,
        tuple(tiles(trunk, gathered)),
        cells(gathered),
        builds_chart(trunk, _DAYS),
        trunk.now(),
        gathered.view.in_round,
    )


def grid_target(trunk: Trunk, head: PageHead, gathered: Gathered) -> GridTarget:
    """Return a target in the form that the grid shows."""
    page = gathered.page
    return GridTarget(
        head,
        page.level,
        page.headline,
        tuple(tiles(trunk, gathered))[:3],
        cells(gathered),
        page.names,
        page.failing,
    )


def grid(targets: Sequence[GridTarget], now: datetime) -> Grid:
    """Return the page of all targets: a row for each package with a problem in any of them."""
    names = [one.head.target for one in targets]
    rows = side_by_side(names, [one.cells for one in targets]).unwell
    return Grid(tuple(targets), rows if len(targets) > 1 else (), now)


def cells(gathered: Gathered) -> tuple[Cell, ...]:
    """Return each package as a field: its color, and its state in words."""
    return tuple(Cell(one.package, one.level, one.state) for one in gathered.page.packages)


def tiles(trunk: Trunk, gathered: Gathered) -> Iterator[Tile]:
    """Yield the numbers that people look at first."""
    page, queue = gathered.page, gathered.view.queue
    failing = sum(one.level is ShownLevel.BAD for one in page.packages)
    yield Tile(
        "failing",
        str(failing),
        ShownLevel.BAD if failing else ShownLevel.GOOD,
        page="status_report.html",
    )
    running = sum(one.state is PackageState.RUNNING for one in queue)
    yield Tile("running", str(running), page="queue.html")
    last = max((one.ends for one in page.queue if one.ends), default=None)
    note = f"until about {last:%H:%M}" if last and last - trunk.now() < timedelta(days=1) else ""
    yield Tile("waiting", str(len(queue) - running), note=note, page="queue.html")
    names = {one.name: one for one in page.names}
    for name in ("consistent", "current"):
        if found := names.get(name):
            level = ShownLevel.BAD if found.is_broken else ShownLevel.NONE
            yield Tile(
                f"age of {name}",
                short_age(trunk.now() - found.since),
                level,
                page=f"names.html?name={name}",
            )


def short_age(span: timedelta) -> str:
    """Return a span of time in its largest unit.

    >>> short_age(timedelta(days=3, hours=5)), short_age(timedelta(minutes=5))
    ('3 d', '5 min')
    """
    minutes = max(int(span.total_seconds() // 60), 0)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
