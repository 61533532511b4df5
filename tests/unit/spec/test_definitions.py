"""A version that is divided among the macros of a spec."""

import pytest

from rdo.errors import RefusedError
from rdo.spec.definitions import set_version
from rdo.spec.text import SpecText


def spec(count: int) -> SpecText:
    """A spec whose Version is as many macros, one number each."""
    lines = [f"%global v{number} 1\n" for number in range(count)]
    lines.append("Version: " + ".".join(f"%{{v{number}}}" for number in range(count)) + "\n")
    return SpecText.parse("".join(lines).encode())


def test_each_macro_gets_its_number() -> None:
    changed = str(set_version(spec(4), "2.3.4.5"))

    assert [line.rpartition(" ")[2] for line in changed.splitlines()[:4]] == ["2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("macros", "version"),
    [(7, "2.3.4.5.6.7.8"), (60, "1" * 60), (2, "2." + "3" * 64)],
    ids=["many", "very many", "long"],
)
def test_what_could_be_divided_in_too_many_ways_is_a_persons_to_change(
    macros: int, version: str
) -> None:
    with pytest.raises(RefusedError, match="cannot be divided among its macros"):
        set_version(spec(macros), version)


@pytest.mark.parametrize(
    ("old", "version", "new"),
    [
        ("%global major 8.4\nVersion: %{major}.3\n", "8.4.4", "8.4|%{major}.4"),
        ("%global major 8.4\nVersion: %{major}.3\n", "9.0.1", "9.0|%{major}.1"),
        ("%global minor 5.1\nVersion: 2.%{?minor}\n", "3.0.1", "0.1|3.%{?minor}"),
        ("%global a 1\nVersion: %{a}.0.%a\n", "2.1.2", "2|%{a}.1.%a"),
    ],
)
def test_numbers_beside_macros_are_changed_where_they_are(old: str, version: str, new: str) -> None:
    changed = str(set_version(SpecText.parse(old.encode()), version)).splitlines()

    assert "|".join(line.rpartition(" ")[2] for line in changed) == new


def test_numbers_beside_a_nested_macro_are_changed_in_its_line() -> None:
    old = "%global major 8.4\n%global whole %{major}.3\nVersion: %{whole}\n"

    changed = str(set_version(SpecText.parse(old.encode()), "8.4.4"))

    assert changed == old.replace("}.3", "}.4")


def test_a_macro_keeps_its_count_of_numbers_if_the_text_beside_it_changes() -> None:
    with pytest.raises(RefusedError, match="cannot be divided among its macros"):
        set_version(SpecText.parse(b"%global v 1.0.0\nVersion: %{v}.9\n"), "2.0.0")
