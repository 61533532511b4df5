"""Settings in INI files are changed, and the rest of the files is not."""

import configparser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdo.deploy.on_host.ini import merge

TEXT = """\
# the beginning
[DEFAULT]
# debug = False
debug=True

[database]
connection = old
  and more
[DEFAULT]
other = 1
"""


@pytest.mark.parametrize(
    ("wanted", "lines", "changed"),
    [
        ({"DEFAULT": {"debug": "False"}}, ["debug = False"], ["[DEFAULT] debug"]),
        ({"DEFAULT": {"other": "2"}}, ["other = 2"], ["[DEFAULT] other"]),
        ({"database": {"connection": "new"}}, ["connection = new"], ["[database] connection"]),
        ({"new": {"a": "b"}}, ["[new]", "a = b"], ["[new] a"]),
        ({"DEFAULT": {"debug": "True", "other": "1"}}, ["debug=True", "other = 1"], []),
    ],
)
def test_a_setting_is_replaced_or_added(
    wanted: dict[str, dict[str, str]], lines: list[str], changed: list[str]
) -> None:
    text, names = merge(TEXT, wanted)

    assert names == changed
    assert set(lines) <= set(text.splitlines())
    assert "# debug = False" in text
    assert merge(text, wanted) == (text, [])


def test_a_value_of_several_lines_goes_as_a_whole() -> None:
    text, _ = merge(TEXT, {"database": {"connection": "new"}})

    assert "and more" not in text


def test_a_setting_that_is_there_twice_is_there_once_afterwards() -> None:
    text, changed = merge("[a]\nb = 1\nb = 2\n", {"a": {"b": "2"}})

    assert (text, changed) == ("[a]\nb = 2\n", ["[a] b"])


NAMES = st.text("abcxyz_", min_size=1, max_size=6)
VALUES = st.text("abc123:/@%$ =", max_size=12).map(str.strip)
TABLES = st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, min_size=1), max_size=4)


@given(TABLES, TABLES)
def test_what_was_merged_is_read_back(
    first: dict[str, dict[str, str]], second: dict[str, dict[str, str]]
) -> None:
    text, _ = merge(merge("", first)[0], second)

    reader = configparser.RawConfigParser(delimiters=("=", ":"), strict=True)
    reader.optionxform = str  # type: ignore[assignment,method-assign]
    reader.read_string(text)
    wanted = {name: {**first.get(name, {}), **second.get(name, {})} for name in {**first, **second}}
    assert {name: dict(reader[name]) for name in reader.sections()} == wanted
