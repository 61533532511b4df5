"""Reading an answer file: all faults are reported at once, each with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdo.deploy.answer_file import AnswerFault, AnswersError, read_answers
from rdo.deploy.keys import load_keys

TABLE = load_keys()


def faults(text: str | bytes) -> list[tuple[int | None, str]]:
    content = text.encode() if isinstance(text, str) else text
    return [(one.line, one.said) for one in read_answers(content, TABLE).faults]


def test_values_are_read_as_packstack_reads_them() -> None:
    text = (
        "\n# a comment\n; another\n[general]\n\nconfig_glance_install = n\n"
        "CONFIG_REPO=http://one.example.test/?a=b # not a comment\nCONFIG_NTP_SERVERS:\n"
        "CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO: 1.5\n"
    )

    found = read_answers(text.encode(), TABLE)

    assert {key: (one.value, one.line) for key, one in found.values.items()} == {
        "CONFIG_GLANCE_INSTALL": ("n", 6),
        "CONFIG_REPO": ("http://one.example.test/?a=b # not a comment", 7),
        "CONFIG_NTP_SERVERS": ("", 8),
        "CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO": ("1.5", 9),
    }
    assert found.faults == found.notes == []


def test_all_faults_are_reported_at_once_each_with_its_line() -> None:
    text = (
        "[general]\nCONFIG_GLANCE_INSTAL=y\nnonsense\nCONFIG_REPO=a\n  continued\n"
        "CONFIG_REPO=b\n[other]\nCONFIG_X=1\n"
    )

    assert faults(text) == [
        (2, 'unknown key CONFIG_GLANCE_INSTAL; did you mean "CONFIG_GLANCE_INSTALL"?'),
        (3, "is not KEY=value"),
        (5, "begins with a blank; a value has one line"),
        (6, "CONFIG_REPO is already in line 4"),
        (7, "section [other] is not [general]"),
    ]


def test_windows_line_ends_and_a_byte_order_mark_are_no_fault() -> None:
    found = read_answers(b"\xef\xbb\xbf[general]\r\nCONFIG_REPO=a\r\n", TABLE)

    assert (found.faults, found.values["CONFIG_REPO"].value) == ([], "a")


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", None, "has no section"),
        (b"# only a comment\n", None, "has no section"),
        (b"CONFIG_REPO=a\nCONFIG_NTP_SERVERS=\n", 1, "must be the first line"),
        (b"[general]\nCONFIG_REPO=\xff\n", 2, "is not UTF-8"),
        (b"[general]\nCONFIG_REPO=a\x00b\n", 2, "control character"),
        (b"[general]\n" + b"#" * 1_000_000, None, "is larger than"),
    ],
)
def test_what_is_not_an_answer_file_is_reported(
    content: bytes, line: int | None, words: str
) -> None:
    ((where, said),) = faults(content)

    assert where == line
    assert words in said


def test_an_old_name_is_its_new_key_with_a_note() -> None:
    found = read_answers(b"[general]\nCONFIG_MYSQL_HOST=10.0.0.7\n", TABLE)

    assert found.values["CONFIG_MARIADB_HOST"].value == "10.0.0.7"
    assert found.notes == [AnswerFault(2, "CONFIG_MYSQL_HOST is called CONFIG_MARIADB_HOST now")]


def test_old_names_that_disagree_are_a_fault_and_those_that_agree_are_none() -> None:
    head = "[general]\nCONFIG_GLANCE_HOST=10.0.0.5\n"

    assert faults(head + "CONFIG_CINDER_HOST=10.0.0.5\n") == []
    assert faults(head + "CONFIG_CONTROLLER_HOST=10.0.0.6\n") == [
        (3, "CONFIG_CONTROLLER_HOST and CONFIG_GLANCE_HOST in line 2 mean the same and differ")
    ]


def test_the_error_has_all_faults_in_the_order_of_lines() -> None:
    error = AnswersError(
        "a.txt", [AnswerFault(None, "is bad"), AnswerFault(9, "nine"), AnswerFault(2, "two")]
    )

    assert str(error) == "3 faults\na.txt:2: two\na.txt:9: nine\na.txt: is bad"
    assert error.exit_code == 2


@given(st.lists(st.sampled_from([b"[general]", b"\n", b"=", b"CONFIG_REPO", b" ", b"\xff"])))
def test_any_file_is_read_or_its_fault_is_reported(parts: list[bytes]) -> None:
    found = read_answers(b"".join(parts), TABLE)

    assert set(found.values) <= {"CONFIG_REPO"}
