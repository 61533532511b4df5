from datetime import date, timedelta

import pytest

from rdo.pages.charts import HEIGHT, LEFT, TOP, Chart, ChartKind, Series

START = date(2026, 8, 1)
BASE = HEIGHT - 22


def chart(*series: Series, kind: ChartKind = ChartKind.BARS) -> Chart:
    days = tuple(START + timedelta(days=number) for number in range(len(series[0].values)))
    return Chart("x", "Builds", "builds", days, series, kind)


def test_the_bars_of_a_day_stand_on_each_other_up_to_the_axis() -> None:
    made = chart(Series("built", "good", (3, 0)), Series("failed", "bad", (1, 2)))

    bars = list(made.bars)

    assert [(bar.look, bar.text) for bar in bars] == [
        ("good", "2026-08-01: 3 built"),
        ("bad", "2026-08-01: 1 failed"),
        ("bad", "2026-08-02: 2 failed"),
    ]
    assert bars[0].y + bars[0].height == BASE
    assert bars[1].y + bars[1].height == bars[0].y
    assert bars[1].y == TOP  # 4 is the whole height
    assert bars[0].x < bars[2].x
    assert bars[0].x >= LEFT


def test_a_line_has_a_gap_where_there_is_no_number() -> None:
    (line,) = chart(Series("median", "line", (1, None, 2, 3)), kind=ChartKind.LINES).lines

    assert (line.path.count("M"), line.path.count("L"), len(line.points)) == (2, 1, 3)


def test_the_table_has_the_newest_day_first_and_no_number_as_a_dash() -> None:
    made = chart(Series("median", "line", (1.25, None)))

    assert made.rows == [(date(2026, 8, 2), ("\N{EN DASH}",)), (START, ("1.2",))]


@pytest.mark.parametrize("values", [(), (0, 0), (None,)])
def test_no_numbers_are_an_empty_chart_and_no_error(values: tuple[float | None, ...]) -> None:
    made = chart(Series("built", "good", values))

    assert made.is_empty
    assert list(made.bars) == []
    assert len(made.ticks) == 2
    assert len(made.marks) <= 2


def test_ninety_days_have_few_labels_and_the_last_one_among_them() -> None:
    made = chart(Series("built", "good", tuple(range(90))))

    assert len(made.marks) <= 8
    assert made.marks[-1].text == "29 Oct"
