from datetime import UTC, date, datetime, timedelta

from rdo.store.work.statistics import Arrival, Turn
from rdo.trunk.views.dashboard.numbers import failing_by_day, hours_by_day, last_days

NOW = datetime(2026, 8, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_package_counts_from_its_failure_until_the_day_it_is_good_again() -> None:
    before = {"old": True, "well": False}
    turns = [
        Turn("well", NOW - 2 * DAY, False),
        Turn("well", NOW - 2 * DAY + timedelta(hours=1), True),
        Turn("new", NOW - DAY, False),
        Turn("old", NOW, True),
    ]

    assert failing_by_day(before, turns, last_days(NOW, 3)) == (1, 2, 1)


def test_a_day_has_the_median_way_and_the_slowest_tenth_or_nothing() -> None:
    ways = [Arrival(NOW - timedelta(hours=hours), NOW, NOW) for hours in range(1, 11)]

    found = hours_by_day(ways, last_days(NOW, 2))

    assert found == [(None, None), (5.5, 10)]


def test_a_commit_from_the_future_takes_no_time() -> None:
    assert hours_by_day([Arrival(NOW + DAY, NOW, NOW)], [NOW.date()]) == [(0, 0)]


def test_the_last_days_end_today() -> None:
    assert last_days(NOW, 2) == (date(2026, 8, 2), date(2026, 8, 3))
