"""The ids outside that a root uses, from /etc/subuid."""

from pathlib import Path

import pytest

from rdo.tools.walls.id_range import COUNT, FIRST, id_range, one_id, subordinate


@pytest.mark.parametrize(
    ("text", "first"),
    [
        pytest.param("me:100000:65536\n", 100000, id="by name"),
        pytest.param("1000:200000:65535\n", 200000, id="by number, just enough"),
        pytest.param("you:1:65536\nme:300000:65536\n", 300000, id="the second line"),
        pytest.param("me:1:10\nme:400000:65536\n", 400000, id="a range that is long enough"),
        pytest.param("me:100000:65534\n", None, id="one too few"),
        pytest.param("men:100000:65536\n", None, id="another name"),
        pytest.param("me:x:y\nme\n\n", None, id="what is no range"),
        pytest.param("", None, id="an empty file"),
    ],
)
def test_a_range_is_found(tmp_path: Path, text: str, first: int | None) -> None:
    (tmp_path / "subuid").write_text(text)

    assert subordinate(tmp_path / "subuid", "me", 1000) == first


def test_no_file_is_no_range(tmp_path: Path) -> None:
    assert subordinate(tmp_path / "none", "me", 1000) is None


def test_root_inside_is_nobody_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)

    found = id_range()

    assert found.root == (FIRST, FIRST)
    assert [row.words for row in found.uids] == [(0, FIRST, COUNT)]


def test_a_program_that_needs_one_user_needs_no_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1234)
    monkeypatch.setattr("os.getegid", lambda: 5678)

    found = one_id()

    assert (found.uids[0].words, found.gids[0].words) == ((0, 1234, 1), (0, 5678, 1))
