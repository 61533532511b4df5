import fcntl
import os
import time
from pathlib import Path

from rdo.roots.images.old_images import IN_USE, KEPT_DAYS, mark_used, remove_old


def image(folder: Path, name: str, days: float) -> Path:
    made = folder / name
    (made / "layer").mkdir(parents=True)
    mark_used(made)
    then = time.time() - days * 86400
    os.utime(made / IN_USE, (then, then))
    return made


def test_an_image_goes_that_nobody_used_for_long(tmp_path: Path) -> None:
    image(tmp_path, "host-a", KEPT_DAYS + 1)
    image(tmp_path, "host-b", KEPT_DAYS - 1)
    image(tmp_path, "base-c", KEPT_DAYS + 1)

    assert remove_old(tmp_path, "host-*") == ["host-a"]
    assert sorted(path.name for path in tmp_path.glob("*-*")) == ["base-c", "host-b"]


def test_an_image_of_a_running_lab_stays(tmp_path: Path) -> None:
    old = image(tmp_path, "host-a", KEPT_DAYS + 1)

    with (old / IN_USE).open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert remove_old(tmp_path, "host-*") == []

    assert remove_old(tmp_path, "host-*") == ["host-a"]


def test_an_image_of_an_older_version_is_marked_at_first(tmp_path: Path) -> None:
    (tmp_path / "host-a").mkdir()

    assert remove_old(tmp_path, "host-*") == []
    later = time.time() + (KEPT_DAYS + 1) * 86400
    assert remove_old(tmp_path, "host-*", now=later) == ["host-a"]
