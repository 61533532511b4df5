from datetime import UTC, datetime, timedelta

from rdo.pages.timeline import LEFT, RIGHT, WIDTH, timeline

NOW = datetime(2026, 8, 31, 12, tzinfo=UTC)


def test_moves_are_placed_by_time_and_older_ones_left_out() -> None:
    moves = [(NOW, "now"), (NOW - timedelta(days=15), "then"), (NOW - timedelta(days=99), "old")]

    made = timeline({"current": moves, "consistent": []}, NOW)

    first, second = made.lanes
    assert [(dot.x, dot.text) for dot in first.dots] == [
        (WIDTH - RIGHT, "now"),
        ((LEFT + WIDTH - RIGHT) / 2, "then"),
    ]
    assert second.dots == ()
    assert first.y < second.y < made.height
    assert made.marks[0][1] == "31 Aug"
    assert all(LEFT <= x <= WIDTH for x, _ in made.marks)


def test_the_label_of_today_is_whole() -> None:
    at_midnight = timeline({"current": []}, NOW + timedelta(hours=12))

    half_of_a_label = 20
    assert max(x for x, _ in at_midnight.marks) + half_of_a_label <= WIDTH
