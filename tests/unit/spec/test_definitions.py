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
