from pathlib import Path

import pytest

from rdo.errors import NotFoundError
from rdo.model.build import BUILD_LOG
from rdo.store.work.builds import Build
from rdo.trunk.views.dashboard import build_log
from rdo.trunk.views.dashboard.build_log import end_of_log, grown, whole_log
from tests.unit.trunk.views.scene import Scene


@pytest.fixture
def build(scene: Scene) -> Build:
    return scene.plan()


@pytest.fixture
def log(scene: Scene, build: Build) -> Path:
    folder = scene.trunk.build_folder(build)
    folder.mkdir(parents=True)
    return folder / BUILD_LOG


def test_a_line_is_shown_once_it_is_whole(log: Path) -> None:
    log.write_bytes(b"one\ntw")
    first = end_of_log(log.parent, is_over=False)
    assert first
    log.write_bytes(b"one\ntwo\nthree")

    more = grown(log.parent, first.end, is_over=False)
    last = grown(log.parent, more.end, is_over=True)

    assert [part.lines for part in (first, more, last)] == [
        (("one", False),),
        (("two", False),),
        (("three", False),),
    ]
    assert [part.is_over for part in (first, more, last)] == [False, False, True]


def test_what_is_added_at_once_is_bounded_and_nothing_is_lost(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_log, "MOST_BYTES", 10)
    text = "".join(f"{number}\n" for number in range(20)) + "x" * 25 + "\nend\n"
    log.write_text(text)
    shown, offset, is_over = "", 0, False

    while not is_over:
        part = grown(log.parent, offset, is_over=True)
        assert part.end > offset or part.is_over
        shown += "".join(line for line, _ in part.lines)
        offset, is_over = part.end, part.is_over

    assert shown == text.replace("\n", "")


def test_an_offset_beyond_the_log_gives_nothing(log: Path) -> None:
    log.write_text("one\n")

    assert grown(log.parent, 10**12, is_over=False).lines == ()


def test_only_the_end_of_a_long_log_is_shown_from_a_whole_line(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_log, "MOST_BYTES", 10)
    log.write_text("a long beginning\nlast\nend\n")

    part = end_of_log(log.parent, is_over=True)

    assert part
    assert (part.lines, part.is_whole) == ((("last", False), ("end", False)), False)
    assert b"".join(whole_log(log.parent)) == log.read_bytes()


def test_no_log_is_told_apart_from_an_empty_one(log: Path) -> None:
    assert end_of_log(log.parent, is_over=True) is None
    with pytest.raises(NotFoundError):
        grown(log.parent, 0, is_over=True)
    log.write_text("")

    part = end_of_log(log.parent, is_over=True)

    assert part
    assert part.lines == ()
