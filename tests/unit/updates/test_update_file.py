"""The format of update files, tested on our own corpus."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rdo.errors import ConfigError
from rdo.updates.repository import Update
from rdo.updates.state import UpdateState
from rdo.updates.update_file import UpdateBuild, UpdateFile, parse_update
from tests.unit.updates.corpus import BAD, GOOD


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_comes_back_as_it_was_read(name: str) -> None:
    read = parse_update(GOOD[name], "up.yml")
    assert read.builds
    assert parse_update(str(read), "up.yml") == read


def test_every_key_is_read() -> None:
    read = parse_update(GOOD["every key"], "up.yml")
    assert (read.notes, read.group) == ("First line\nsecond: line", "both")
    [build] = read.builds
    assert build == UpdateBuild(
        "openstack-nova-2015.1.0-3.el7", "cbs", "kilo", "epel-7", "testing", "x86_64"
    )
    assert (build.name, build.place) == ("openstack-nova", "kilo/epel-7/testing")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_reported_by_its_name(name: str) -> None:
    text, said = BAD[name]
    with pytest.raises(ConfigError) as caught:
        parse_update(text, "up.yml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("up.yml")


@pytest.mark.parametrize("state", UpdateState)
def test_every_state_is_a_folder_with_a_meaning(state: UpdateState) -> None:
    assert Update("k3f9", state, None).path == f"{state}/k3f9.yml"
    assert state.meaning


_PART = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,20}", fullmatch=True)
_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


@settings(max_examples=60)
@given(_TEXT, _TEXT, _PART)
@example("two\nlines", ",", "0")
@example("  indented\n\n\ttab\n", "'", "1.0")
@example("a: b\r\n#c\x85\u2028", "yes", "null")
@example("\x00\x1b[31m\ufeff", "- x", "1e3")
def test_whatever_is_written_is_read_again(notes: str, group: str, repo: str) -> None:
    made = UpdateFile(notes, (UpdateBuild("a-1-1", "koji", repo, "el7"),), group)
    read = parse_update(str(made), "up.yml")
    assert (read.builds, read.group) == (made.builds, group)
    assert read.notes == notes.rstrip("\n")
