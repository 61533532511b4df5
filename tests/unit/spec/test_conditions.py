"""The readings of a spec under its conditions."""

import pytest

from rdo.errors import RefusedError
from rdo.spec.conditions import MOST_READINGS, readings
from rdo.spec.expression import UnknownExpressionError, holds
from rdo.spec.text import SpecText


def spec(*lines: str) -> SpecText:
    return SpecText.parse("\n".join(["Name: x", *lines, ""]).encode())


def shown(*lines: str) -> list[str]:
    return [str(one) for one in readings(spec(*lines))]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(["BuildRequires: a"], [""], id="no condition"),
        pytest.param(["%if 0%{?rhel}", "BuildRequires: a", "%endif"], [""], id="none that matters"),
        pytest.param(
            ["%if 0%{?rhel} == 8", "Patch1: a", "%endif"],
            ["", "without %{rhel}", "with %{rhel} 8"],
            id="a release of EL",
        ),
        pytest.param(
            ["%if 0%{?suse_version}", "Patch1: a", "%endif"],
            ["", "without %{suse_version}", "with %{suse_version} 1600"],
            id="another distribution",
        ),
        pytest.param(
            ["%bcond_with x", "%if %{with x}", "Patch1: a", "%endif"],
            ["", "without %{with_x}", "with %{with_x} 1"],
            id="a switch",
        ),
        pytest.param(
            ["%ifarch s390x", "Patch1: a", "%endif"],
            ["", "with %{_target_cpu} another", "with %{_target_cpu} s390x"],
            id="an architecture",
        ),
        pytest.param(
            ["%if %(test -e /x && echo 1 || echo 0)", "Patch1: a", "%endif"],
            [
                "",
                "if `%if %(test -e /x && echo 1 || echo 0)` does not hold",
                "if `%if %(test -e /x && echo 1 || echo 0)` holds",
            ],
            id="what only rpm can compute",
        ),
        pytest.param(
            ["%if 0%{?rhel}", "%global x 2", "%endif", "Version: %{x}"],
            ["", "without %{rhel}", "with %{rhel} 9"],
            id="a macro of Version",
        ),
        pytest.param(
            ["%{?foo:Patch1: a}"],
            ["", "without %{foo}", "with %{foo} 1"],
            id="a condition in a line",
        ),
        pytest.param(
            ["%global y 1", "%if 0%{?y}", "Patch1: a", "%endif"], [""], id="always the same"
        ),
    ],
)
def test_the_readings(lines: list[str], expected: list[str]) -> None:
    assert shown(*lines) == expected


def test_readings_that_no_platform_has_are_left_out() -> None:
    found = shown(
        *("%if 0%{?rhel}", "Patch1: a", "%endif"),
        *("%if 0%{?fedora}", "Patch2: b", "%endif"),
        *("%if 0%{?suse_version}", "Patch3: c", "%endif"),
    )

    assert len(found) == 5  # ours, none of the three, and each of them alone


def test_two_conditions_that_exclude_each_other_are_not_read_together() -> None:
    text = spec(
        *("%if 0%{?rhel} >= 8", "Patch1: a", "%endif"),
        *("%if 0%{?rhel} < 8", "Patch2: b", "%endif"),
    )

    ways = [str(way.applied(text)) for way in readings(text)[1:]]

    assert sorted((way.count("%if 1"), way.count("%if 0")) for way in ways) == [(1, 1), (1, 1)]


def test_each_branch_is_read() -> None:
    text = spec("%prep", "%if 0%{?rhel} == 8", "%setup", "%elif 0%{?fedora}", "%setup", "%endif")

    ways = {tuple(str(way.applied(text)).splitlines()[2:5:2]) for way in readings(text)[1:]}

    assert ways == {("%if 0", "%elif 0"), ("%if 1", "%elif 0"), ("%if 0", "%elif 1")}


def test_too_many_conditions_are_refused_by_number() -> None:
    lines = [x for n in range(7) for x in (f"%if 0%{{?x{n}}}", f"Patch{n}: a", "%endif")]

    with pytest.raises(RefusedError, match=f"7 conditions in more than {MOST_READINGS}"):
        readings(spec(*lines))
    assert len(readings(spec(*lines[:18]))) == 65


@pytest.mark.parametrize(
    ("expression", "values", "expected"),
    [
        ("0%{?rhel}", {"rhel": None}, False),
        ("0%{?rhel} >= 8 && 0%{?rhel} < 10", {"rhel": "9"}, True),
        ("! 0%{?fedora}", {"fedora": None}, True),
        ("0%{!?fedora:1}", {"fedora": None}, True),
        ("%{undefined rhel} || 0%{?rhel} > 7", {"rhel": "7"}, False),
        ("(0%{?a} || 0%{?b}) && 0%{?c}", {"a": "1", "b": None, "c": None}, False),
        ("1 || 0 && 0", {}, False),  # as rpm does: from the left
        ('"%{?dist}" == ".el9"', {"dist": ".el9"}, True),
        ("%{with x} && %{without y}", {"with_x": "1", "with_y": None}, True),
        ("0%{?rhel:%{?centos}}", {"rhel": "9", "centos": "9"}, True),
        ("2 * 3 + 1 == 7", {}, True),
    ],
)
def test_an_expression(expression: str, values: dict[str, str | None], expected: bool) -> None:
    assert holds(expression, values) is expected


@pytest.mark.parametrize(
    "expression", ["%(true)", "%{lua:print(1)}", "%{x}", "1 <", '1 == "1"', "abc", "%[1]", "1 1"]
)
def test_what_only_rpm_can_compute(expression: str) -> None:
    with pytest.raises(UnknownExpressionError):
        holds(expression, {"x": None})
