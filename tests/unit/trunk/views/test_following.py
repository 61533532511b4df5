"""A log is printed completely while it grows."""

from collections.abc import Callable
from pathlib import Path

from rdo.trunk.views.following import following


def writing(file: Path, *pieces: str) -> Callable[[], bool]:
    """A build that writes one piece more each time it is asked about, and then has ended."""
    left = list(pieces)

    def is_over() -> bool:
        if not left:
            return True
        with file.open("a") as log:
            log.write(left.pop(0))
        return False

    return is_over


def test_a_log_is_followed_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "rpmbuild.log"
    file.write_text("one\ntw")

    found = list(following(file, writing(file, "o\n", "three\nfour\nfi", "ve"), 0))

    assert found == ["one\n", "two\n", "three\n", "four\n", "five"]


def test_a_build_that_has_ended_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "rpmbuild.log"
    file.write_text("one\n")

    assert list(following(file, lambda: True, 3600)) == ["one\n"]
