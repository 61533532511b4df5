"""No log makes the reader slow, or fail."""

import random
import re
from pathlib import Path
from re import _parser as parser  # type: ignore[attr-defined]

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdo.builders.log_tables import missing_requirements, network_fault
from rdo.builders.verdict import rpmbuild_failure
from rdo.logs.reader import MAX_CAUSE, MAX_WIDTH, Rule, one_line, read_log, rules
from tests.hostile_text import grows_too_fast, has_nested_repeat, hostile


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_a_rule_takes_linear_time(rule: Rule) -> None:
    slow = [
        unit
        for unit in hostile(rule.pattern.pattern)
        if grows_too_fast(rule.pattern.search, (unit * 1000)[:1000], (unit * 4000)[:4000])
    ]

    assert slow == []


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_no_rule_repeats_inside_of_what_is_repeated(rule: Rule) -> None:
    assert not has_nested_repeat(parser.parse(rule.pattern.pattern))


def test_a_quadratic_and_a_nested_pattern_would_be_found() -> None:
    pattern = re.compile(r"\S*meson\.build:\d+")

    assert grows_too_fast(pattern.search, "/a" * 1500, "/a" * 6000)
    assert has_nested_repeat(parser.parse(r"(?:a+,)*b"))


@pytest.mark.parametrize(
    "line",
    [
        *("/a" * 2000, "a.b:1:" * 500, "'" * 4000, " " * 4000, "error: " * 600, "", "\t"),
        *("E " * 2000, 'File "' * 700, "error: Bad exit status from x (%check)", "1/1 a  " * 500),
        *("Executing(%check): x", "+ rpmbuild -ba", "make: *** [", "Hunk #1 FAILED at "),
        *("nothing provides ", " a is needed by b", "No match for argument: ", "\x1b[31m" * 900),
    ],
)
def test_a_log_takes_linear_time(line: str) -> None:
    chance = random.Random(7)
    lines = [f"{line}{chance.random()}" for _ in range(1200)]

    def read(text: str) -> None:
        read_log(text)
        rpmbuild_failure(text)
        missing_requirements(text)
        network_fault(text)

    assert not grows_too_fast(read, "\n".join(lines[:300]), "\n".join(lines))


PIECES = [
    *("error: ", "\x1b[31m", "\r", "\n", "\0", "\u202e", "\ud800", "é", "  ", "│\n", ": "),
    *("Executing(%", "build)", "error: Bad exit status from /x (%build)\n", "RPM build errors:\n"),
    *("/builddir/BUILDROOT/a-1-1.x86_64/etc/c", "a.c:1:2: error: x\n", "E   a\n"),
    *("File not found: ", "Installed (but unpackaged) file(s) found:\n", "   /etc/b\n"),
    *("+ rpmbuild \n", "[end of output]\n"),
]
CORPUS = [path.read_text() for path in sorted((Path(__file__).parent / "corpus").glob("*.log"))]


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.sampled_from(PIECES) | st.text(max_size=30), max_size=40).map("".join),
    st.sampled_from(CORPUS),
    st.floats(0, 1),
)
def test_any_text_is_read(text: str, log: str, place: float) -> None:
    cut = int(len(log) * place)
    for whole in (text, log[:cut] + text + log[cut:], log[cut:] + text):
        reading = read_log(whole)
        failed = rpmbuild_failure(whole)

        shown = [line.number for line in reading.lines]
        assert shown == sorted(set(shown))
        assert len(shown) <= 60
        for words_ in (reading.says, reading.cause, failed.detail):
            assert not {*map(ord, words_)} & {*range(32), *range(127, 160), 0x202E}
            assert len(words_) <= 12 * MAX_WIDTH
        assert failed.detail
        assert len(one_line(failed.detail)) <= MAX_CAUSE
