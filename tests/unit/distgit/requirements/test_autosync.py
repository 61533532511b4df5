"""A spec's Requires are changed to upstream's requirements."""

import pytest

from rdo.distgit.requirements.autosync import synchronise
from rdo.distgit.requirements.reqcheck import Checked, Group
from rdo.spec.text import SpecText

END = ["%description", "Requires: python3-no"]


def spec(*lines: str) -> SpecText:
    return SpecText.parse(
        "\n".join(["Name: x", *lines, "%description", "Requires: python3-no", ""]).encode()
    )


def changed(row: Checked, *lines: str) -> tuple[list[str], Checked]:
    """The preamble after one row was brought in, and what became of the row."""
    text, [done] = synchronise(spec(*lines), [row])
    preamble = str(text).splitlines()[1:]
    assert preamble[-2:] == END
    return preamble[:-2], done


def mismatch(wanted: str) -> Checked:
    return Checked(Group.MISMATCH, "python-six", wanted, ">= 0")


@pytest.mark.parametrize(
    ("wanted", "before", "after"),
    [
        pytest.param(
            ">= 2", "Requires: python3-six >= 1", "Requires: python3-six >= 2", id="another version"
        ),
        pytest.param(">= 2", "Requires: python3-six", "Requires: python3-six >= 2", id="a version"),
        pytest.param("", "Requires: python3-six >= 1", "Requires: python3-six", id="no version"),
        pytest.param("== 2", "Requires: python3-six >= 1", "Requires: python3-six = 2", id="one ="),
        pytest.param(
            ">= 2",
            "Requires:   python3-six >= 1:1",
            "Requires:   python3-six >= 1:2",
            id="the epoch and the blanks stay",
        ),
        pytest.param(
            ">= 2",
            "Requires: python%{pyver}-six >= 1",
            "Requires: python%{pyver}-six >= 2",
            id="a Python that a macro names",
        ),
        pytest.param(
            ">= 2",
            "Requires: %{py3_dist six} >= 1",
            "Requires: %{py3_dist six} >= 1",
            id="a macro with a blank is left alone",
        ),
        pytest.param(
            ">= 2",
            "Requires: python3dist(six) >= 1",
            "Requires: python3dist(six) >= 2",
            id="by its name on PyPI",
        ),
    ],
)
def test_a_version_that_differs(wanted: str, before: str, after: str) -> None:
    lines, row = changed(mismatch(wanted), before)

    assert lines == [after]
    assert (row.sign, row.group) == (("~", Group.MET) if before != after else ("", Group.MISMATCH))


def test_what_is_done_is_met_with_the_version_of_the_spec() -> None:
    _, row = changed(mismatch(">= 2"), "Requires: python3-six")

    assert (row.versions, row.trouble) == (">= 2", "")


def test_all_lines_of_a_name_are_changed() -> None:
    lines, _ = changed(mismatch(">= 2"), "Requires: python3-six", "Requires: python2-six >= 1")

    assert lines == ["Requires: python3-six >= 2", "Requires: python2-six >= 2"]


@pytest.mark.parametrize("group", [Group.MISMATCH, Group.REMOVED])
def test_a_line_that_is_not_found_is_reported(group: Group) -> None:
    lines, row = changed(Checked(group, "python-six", ">= 2"), "Requires: python3-sixty")

    assert lines == ["Requires: python3-sixty"]
    assert (row.group, row.sign) == (group, "")
    assert row.trouble


def test_what_upstream_dropped_is_taken_out() -> None:
    gone = Checked(Group.REMOVED, "python-six", versions=">= 1")

    lines, row = changed(gone, "Requires: python3-six >= 1", "Requires: bash")

    assert lines == ["Requires: bash"]
    assert (row.sign, row.versions) == ("-", ">= 1")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            ["Requires: bash", "Requires: python3-a", "Requires: sh"],
            [
                "Requires: bash",
                "Requires: python3-a",
                "Requires: python3-six >= 2",
                "Requires: sh",
            ],
            id="behind the last of Python's",
        ),
        pytest.param(
            ["Requires:  bash", "BuildArch: noarch"],
            ["Requires:  bash", "Requires:  python3-six >= 2", "BuildArch: noarch"],
            id="else behind the last one, as wide",
        ),
        pytest.param(
            ["BuildRequires: gcc", "BuildArch: noarch"],
            ["BuildRequires: gcc", "Requires:      python3-six >= 2", "BuildArch: noarch"],
            id="else behind the BuildRequires, in their column",
        ),
        pytest.param(
            ["BuildArch: noarch"],
            ["BuildArch: noarch", "Requires:  python3-six >= 2"],
            id="else behind the BuildArch",
        ),
        pytest.param(
            ["%if 1", "Requires: python3-a", "%endif", "Requires: sh"],
            [
                "%if 1",
                "Requires: python3-a",
                "%endif",
                "Requires: sh",
                "Requires: python3-six >= 2",
            ],
            id="not inside a condition",
        ),
    ],
)
def test_what_is_missing_is_added(before: list[str], after: list[str]) -> None:
    lines, row = changed(Checked(Group.MISSING, "python-six", ">= 2"), *before)

    assert lines == after
    assert (row.sign, row.group) == ("+", Group.MET)


def test_without_a_place_nothing_is_added() -> None:
    lines, row = changed(Checked(Group.MISSING, "python-six"), "License: MIT")

    assert lines == ["License: MIT"]
    assert "no Requires" in row.trouble


@pytest.mark.parametrize("group", [Group.MET, Group.ANY, Group.EXCESS])
def test_what_is_well_or_somebodys_choice_stays(group: Group) -> None:
    row = Checked(group, "python-six", ">= 2", ">= 1")

    assert changed(row, "Requires: python3-six >= 1") == (["Requires: python3-six >= 1"], row)
