import threading
from pathlib import Path

import pytest

from rdo.errors import RefusedError
from rdo.lock import hold


def test_the_second_asker_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "master-deb12" / "round.lock"

    with (
        hold(path, purpose="rdo trunk run"),
        pytest.raises(RefusedError, match=r"master-deb12 is busy: rdo trunk run, process \d+"),
        hold(path, purpose="another"),
    ):
        pass


def test_a_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="boom"), hold(tmp_path / "lock", purpose="first"):
        raise ValueError("boom")

    with hold(tmp_path / "lock", purpose="second"):
        assert "second" in (tmp_path / "lock").read_text()


def test_one_who_waits_enters_when_the_holder_leaves(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with hold(tmp_path / "lock", purpose="second", wait=True):
            order.append("second")

    thread = threading.Thread(target=second)
    with hold(tmp_path / "lock", purpose="first"):
        thread.start()
        thread.join(0.1)
        order.append("first")
    thread.join()

    assert order == ["first", "second"]
