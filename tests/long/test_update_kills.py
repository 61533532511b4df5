"""A push killed at each of its steps, and what a reader finds then and after the next push.

UPDATE_KILLS is how many steps are tried, spread over all of them; 0 tries each one.
"""

import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import createrepo_c
import pytest

from rdo.checksum import sha256_of
from rdo.cli import main
from rdo.updates.repository import UpdateRepository
from rdo.updates.state import UpdateState
from rdo.updates.update_file import UpdateBuild, UpdateFile
from tests.conftest import GitRepository
from tests.rpms import make_rpms

KILLS = int(os.environ.get("UPDATE_KILLS", "20"))
STEPS = {
    *("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"),
    *("os.utime", "shutil.copyfile", "shutil.rmtree", "subprocess.Popen", "open"),
}
"""What Python tells an audit hook of that may change a file, or starts a program that may."""


def forked(act: Callable[[], object], die_at: int) -> int:
    """Act in a process of its own that is killed at a step; return how many steps it did, or -1."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        count = 0

        def hook(event: str, args: tuple[Any, ...]) -> None:
            nonlocal count
            if event not in STEPS or (event == "open" and not _writes(args)):
                return
            count += 1
            if count == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            act()
            os.write(writer, f"{count}".encode())
        except BaseException:  # noqa: BLE001 - nobody else would tell
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writer)
    said = os.read(reader, 20)
    os.close(reader)
    os.waitpid(pid, 0)
    return int(said) if said else -1


def _writes(args: tuple[Any, ...]) -> bool:
    _, _, flags = args
    return bool(isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


class Place:
    """Users' repository with one RPM, and two updates that are ready to be pushed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state, self.prepared = root / "state", root / "prepared"
        self.users = self.state / "openstack-kilo/el7"

    def prepare(self) -> None:
        git = GitRepository(self.state / "rdo-update")
        git.commit("Begin", {"README": "updates\n"})
        repository = UpdateRepository(git.path)
        for name in ("python-first", "python-second", "python-third"):
            make_rpms(self.root / "built", name)
            build = UpdateBuild(f"{name}-1.0-1", "mine", "kilo", "el7")
            one = repository.add(UpdateFile(f"About {name}", (build,)))
            repository.move(one, UpdateState.READY, f"Ready {name}")
            if name == "python-first":
                self.push()
        shutil.copytree(self.state, self.prepared, symlinks=True)

    def restore(self) -> None:
        shutil.rmtree(self.state)
        shutil.copytree(self.prepared, self.state, symlinks=True)

    def push(self) -> None:
        command = ["update", "push", "-u", str(self.state / "rdo-update")]
        command += ["--source", f"mine={self.root / 'built'}"]
        assert main.run([*command, "--base", f"{self.state}/openstack-"]) == 0

    def read(self) -> dict[str, str]:
        """What a reader finds: the file of each entry, with the right hash."""
        found = {}
        for one in createrepo_c.RepositoryReader.from_path(str(self.users)).iter_packages():
            file = self.users / one.location_href
            assert sha256_of(file) == one.pkgId, one.location_href
            assert one.location_href not in found
            found[one.location_href] = one.pkgId
        return found

    def end(self) -> tuple[object, ...]:
        """Everything that must be the same, however often a push was killed."""
        git = ["git", "-C", str(self.state / "rdo-update")]
        log = subprocess.run(
            [*git, "log", "--format=%s"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        status = subprocess.run(
            [*git, "status", "--porcelain"], capture_output=True, text=True, check=True
        ).stdout
        files = sorted(one.name for one in self.users.iterdir())
        listed = sorted(one.name for one in (self.users / ".listed").iterdir())
        pushed = sorted(one.name for one in (self.state / "rdo-update/pushed").iterdir())
        return self.read(), sorted(log), status, files, listed, pushed


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place(tmp_path_factory.mktemp("push"))
    made.prepare()
    return made


def test_a_push_killed_at_any_step_ends_as_one_that_was_not(place: Place) -> None:
    place.restore()
    before = place.read()
    count = forked(place.push, -1)
    assert count > 50
    wanted = place.end()
    assert len(before) == 2
    assert len(place.read()) == 6

    step = max(1, count // KILLS) if KILLS else 1
    for number in range(1, count + 1, step):
        place.restore()
        assert forked(place.push, number) == -1, number
        assert before.items() <= place.read().items(), number
        place.push()
        assert place.end() == wanted, number
