"""Finding the processes that work in a folder, also for a user who may not see all of them."""

import os
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from rdo.tools.walls.processes import at_work_in
from tests.patience import until

NOBODY = 65534


@pytest.fixture
def at_work(tmp_path: Path) -> Iterator[int]:
    """A process that works in the folder `here`.

    The kernel tells of the start of a program before it gives the process the program's name.
    """
    (tmp_path / "here").mkdir()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, cwd=tmp_path / "here") as process:
        until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "cat\n")
        yield process.pid
        process.communicate()


def seen_by_nobody(folder: Path, users: Collection[int]) -> bytes:
    """What a user who may look at no process of ours finds."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setuid(NOBODY)
            os.write(write, repr(at_work_in(folder, "cat", users)).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read, "rb") as answer:
        return answer.read()


def test_only_who_works_in_the_folder_is_named(at_work: int, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()

    assert at_work in at_work_in(tmp_path / "here", "cat", ())
    assert at_work not in at_work_in(tmp_path / "elsewhere", "cat", (os.getuid(),))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_process_that_may_not_be_looked_at_counts_for_its_own_user(
    at_work: int, tmp_path: Path
) -> None:
    assert str(at_work) in seen_by_nobody(tmp_path, {0}).decode()
    assert str(at_work) not in seen_by_nobody(tmp_path, {NOBODY}).decode()
