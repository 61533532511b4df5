"""What a verb announces before it changes it: refs, commit messages and settings of remotes."""

from pathlib import Path

import pytest

from rdo.distgit.verb.touched import Touched, note, plain
from rdo.tools.git.clone import Touch


def test_announcements_are_merged_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "touched"

    note(file, Touch(refs=("HEAD",), commits=("c1", ""), files={"a": "1", "b": None}))
    note(file, Touch(messages=("Mend it\n\n",), commits=("c2", "c1"), files={"a": "2", "b": ""}))
    note(file, Touch(staged=("c",), remotes=("upstream",)))
    note(file, {"trees": ["t"], "known": ["k"]})

    assert Touched.read(file) == Touched(
        refs=frozenset({"HEAD"}),
        commits=("c1", "c2"),
        messages=frozenset({"Mend it"}),
        files={"a": frozenset({"1", "2"}), "b": frozenset({""})},
        staged=frozenset({"c"}),
        remotes=frozenset({"upstream"}),
        trees=("t",),
        known=("k",),
    )


def test_a_line_that_a_kill_has_cut_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "touched"
    note(file, Touch(refs=("refs/heads/a",)))
    whole = file.read_text()
    file.write_text(whole + whole[:20])

    found = Touched.read(file)

    assert found is not None
    assert found.refs == {"refs/heads/a"}


def test_a_verb_of_an_older_version_announced_nothing(tmp_path: Path) -> None:
    assert Touched.read(tmp_path / "not-there") is None
    (tmp_path / "empty").write_text("")
    assert Touched.read(tmp_path / "empty") == Touched()


@pytest.mark.parametrize(
    ("name", "is_announced"),
    [
        ("HEAD", True),
        ("refs/heads/master", True),
        ("refs/heads/master-2", False),
        ("refs/remotes/origin/x", True),
        ("refs/remotes", False),
        ("refs/tags/1", False),
    ],
)
def test_refs_are_announced_by_name_or_folder(name: str, is_announced: bool) -> None:
    touched = Touched(refs=frozenset({"HEAD", "refs/heads/master", "refs/remotes/"}))

    assert touched.has_ref(name) is is_announced


@pytest.mark.parametrize(
    ("message", "is_announced"),
    [
        pytest.param("Mend it\n\nWhy.\n", True, id="as it was"),
        pytest.param("Mend it  \nWhy.", True, id="git cleans up"),
        pytest.param("Mend it\n\nWhy.\n\nChange-Id: I1\n", True, id="a hook adds a trailer"),
        pytest.param("Mend it\n\nWhy.\n\nChange-Id: I1\nSigned-off-by: M <m@e>\n", True, id="two"),
        pytest.param("Mend it\n\nWhy.\n\nMore of it.\n", False, id="somebody adds a line"),
        pytest.param("Mend it\n", False, id="somebody takes one away"),
        pytest.param("Mine\n", False, id="somebody's own"),
        pytest.param("", False, id="none"),
    ],
)
def test_messages_are_announced_but_for_trailers(message: str, is_announced: bool) -> None:
    touched = Touched(messages=frozenset({plain("Mend it\n\nWhy.\n")}))

    assert touched.has_message(message) is is_announced


def test_settings_belong_to_remotes() -> None:
    touched = Touched(remotes=frozenset({"up"}))

    assert touched.has_setting("remote.up.url")
    assert not touched.has_setting("remote.upstream.url")
    assert not touched.has_setting("user.name")
