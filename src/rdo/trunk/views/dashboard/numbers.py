"""The charts of a target: its builds, its failing packages, and how long commits take."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from statistics import median

from rdo.pages.charts import Chart, ChartKind, Series
from rdo.store.work.statistics import Arrival, BuildsOfDay, Turn
from rdo.trunk.context import Trunk

_EPOCH = date(1970, 1, 1)
_HOUR = timedelta(hours=1)


def all_charts(trunk: Trunk, days: int) -> tuple[Chart, ...]:
    """Return the charts of the last days, including today."""
    shown = last_days(trunk.now(), days)
    since = _begin(shown[0])
    with trunk.store.read() as at:
        before = at.statistics.failing_at(trunk.name, since)
        turns = at.statistics.turns(trunk.name, since)
        arrivals = at.statistics.arrivals(trunk.name, since)
    failing = failing_by_day(before, turns, shown)
    ways = hours_by_day(arrivals, shown)
    return (
        builds_chart(trunk, days),
        Chart(
            "failing",
            "Packages failing at the end of each day",
            "packages",
            shown,
            (Series("failing", "bad", failing),),
            ChartKind.LINES,
        ),
        Chart(
            "way",
            "Hours from a commit to its repository",
            "hours",
            shown,
            (
                Series("median", "one", tuple(found[0] for found in ways)),
                Series("slowest tenth", "two", tuple(found[1] for found in ways)),
            ),
            ChartKind.LINES,
        ),
    )


def builds_chart(trunk: Trunk, days: int) -> Chart:
    """Return how many builds ended on each of the last days, by outcome."""
    shown = last_days(trunk.now(), days)
    with trunk.store.read() as at:
        counted = at.statistics.builds_by_day(trunk.name, _begin(shown[0]))
    of_day = [counted.get((day - _EPOCH).days, BuildsOfDay()) for day in shown]
    return Chart(
        "builds",
        f"Builds of the last {days} days",
        "builds",
        shown,
        (
            Series("built", "good", tuple(one.built for one in of_day)),
            Series("failed", "bad", tuple(one.failed for one in of_day)),
            Series("to try again", "warn", tuple(one.spurious for one in of_day)),
        ),
    )


def failing_by_day(
    before: Mapping[str, bool], turns: Iterable[Turn], days: Iterable[date]
) -> tuple[int, ...]:
    """Count the failing packages at the end of each day.

    `before` is which packages failed before the first day, `turns` are in order.
    """
    failing = {package for package, is_failing in before.items() if is_failing}
    left = list(turns)[::-1]
    counts = []
    for day in days:
        while left and left[-1].when.date() <= day:
            turn = left.pop()
            (failing.discard if turn.is_good else failing.add)(turn.package)
        counts.append(len(failing))
    return tuple(counts)


def hours_by_day(
    arrivals: Iterable[Arrival], days: Iterable[date]
) -> list[tuple[float | None, float | None]]:
    """Return, for the commits that got a repository each day, the median and the slowest tenth."""
    by_day: dict[date, list[float]] = {}
    for one in arrivals:
        hours = (one.published - one.committed) / _HOUR
        by_day.setdefault(one.published.date(), []).append(max(hours, 0))
    found: list[tuple[float | None, float | None]] = []
    for day in days:
        hours_of_day = sorted(by_day.get(day, ()))
        if hours_of_day:
            slow = hours_of_day[min(len(hours_of_day) * 9 // 10, len(hours_of_day) - 1)]
            found.append((median(hours_of_day), slow))
        else:
            found.append((None, None))
    return found


def last_days(now: datetime, count: int) -> tuple[date, ...]:
    """Return the last days up to today, in UTC."""
    today = now.astimezone(UTC).date()
    return tuple(today - timedelta(days=number) for number in reversed(range(count)))


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
