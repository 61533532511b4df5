from datetime import UTC, datetime

import pytest

from rdo.spec.changelog import (
    entries,
    header,
    is_automatic,
    not_before,
    with_entry,
)
from rdo.spec.text import SpecText

ONE = "* Mon Jan 01 2024 A <a@example.test> 1.0-1"
TWO = "* Tue Jan 02 2024 B <b@example.test> 1.1-1"


def spec(*lines: str) -> SpecText:
    return SpecText.parse("\n".join(["Name: x", *lines, ""]).encode())


@pytest.mark.parametrize(
    ("lines", "automatic"),
    [
        (("%changelog", "%autochangelog"), True),
        (("%changelog", "%{?autochangelog}"), True),
        (("%changelog", ONE), False),
        (("%changelog", "%autochangelogs"), False),
        (("%description", "%autochangelog"), False),
        ((), False),
    ],
)
def test_whether_rpm_makes_the_changelog(lines: tuple[str, ...], automatic: bool) -> None:
    assert is_automatic(spec(*lines)) is automatic


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([], [], id="no changelog"),
        pytest.param(["%changelog"], [], id="an empty one"),
        pytest.param(["%changelog", ONE, "- x", "", TWO], [("- x", ""), ("",)], id="two"),
        pytest.param(["%changelog", "stray", ONE], [("",)], id="a line before the first"),
        pytest.param(["%description", "* no entry"], [], id="another section"),
    ],
)
def test_the_entries(lines: list[str], expected: list[tuple[str, ...]]) -> None:
    found = [one.lines for one in entries(spec(*lines))]

    assert [tuple(filter(None, one)) for one in found] == [
        tuple(filter(None, one)) for one in expected
    ]
    assert len(found) == len(expected)


@pytest.mark.parametrize("month", range(1, 13))
def test_a_header_is_english_whatever_the_locale(month: int) -> None:
    when = datetime(2026, month, 7)  # noqa: DTZ001 - a day, wherever it is

    names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    assert header(when, "me", "1-1").split()[2:5] == [names[month - 1], "07", "2026"]


@pytest.mark.parametrize("day", range(5, 12))
def test_a_header_names_the_day_of_the_week(day: int) -> None:
    names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    when = datetime(2026, 1, day)  # noqa: DTZ001 - a day, wherever it is

    assert header(when, "me", "1-1").split()[1] == names[day - 5]


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        pytest.param(["%changelog", ONE], ["x"], ["%changelog", TWO, "- x", "", ONE], id="on top"),
        pytest.param(
            ["%changelog"], ["x", "y"], ["%changelog", TWO, "- x", "- y", ""], id="the first"
        ),
        pytest.param(["%changelog"], [], ["%changelog", TWO, "", ""], id="a line to write in"),
        pytest.param([], ["x"], ["", "%changelog", TWO, "- x"], id="with a section of its own"),
    ],
)
def test_a_new_entry(before: list[str], changes: list[str], after: list[str]) -> None:
    assert str(with_entry(spec(*before), TWO, changes)) == str(spec(*after))


def test_a_change_is_text_and_no_line_of_it_is_more() -> None:
    first = header(datetime(2026, 1, 6), "A %(id) <a@b>", "1-1")  # noqa: DTZ001 - a day
    text = with_entry(
        spec("%changelog"), first, ["Use %(id)", "Two\n%install\n* Mon Jan 05 2026 x\n # no\n more"]
    )

    assert str(text).splitlines()[2:] == [
        "* Tue Jan 06 2026 A %%(id) <a@b> 1-1",
        "- Use %%(id)",
        "- Two",
        "- %%install",
        "- * Mon Jan 05 2026 x",
        "-  # no",
        " more",
        "",
    ]
    assert len(entries(text)) == 1


@pytest.mark.parametrize(
    ("newest", "day"),
    [
        ("* Mon Jan 05 2026 A <a@b> 1-1", "2026-01-06"),
        ("* Wed Jan 07 2026 A <a@b> 1-1", "2026-01-07"),
        ("* Wed Jan  7 10:11:12 UTC 2026 A <a@b> 1-1", "2026-01-07"),
        ("* Mon Feb 31 2026 A <a@b> 1-1", "2026-01-06"),
        ("* Mon Jul 42 2026 A <a@b> 1-1", "2026-01-06"),
        ("* A <a@b> 1-1", "2026-01-06"),
    ],
)
def test_an_entry_is_not_older_than_the_one_below(newest: str, day: str) -> None:
    today = datetime(2026, 1, 6, tzinfo=UTC)

    found = not_before(spec("%changelog", newest, "- x"), today)

    assert str(found.date()) == day


def test_a_file_that_is_included_is_no_change() -> None:
    text = spec("%changelog", "* Mon Jan 05 2026 A <a@b> 1-1", "- x", "%include old")

    assert [one.lines[:1] for one in entries(text)] == [("- x",)]
