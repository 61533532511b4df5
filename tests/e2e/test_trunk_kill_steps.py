"""kill -9 at steps all through a round with its retention, and what the next one makes of it."""

import os
import shutil
import signal
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from rdo.notify.audiences import Audiences
from rdo.publish.retention import Rules
from rdo.store import Store
from rdo.trunk import purge as purging
from rdo.trunk import verify
from tests.e2e.factory import TARGET, Factory
from tests.e2e.farm import farm
from tests.rpms import make_rpms
from tests.tools.publish.test_kill import STEPS

SAMPLES = 12


class Walk:
    """A factory before a round in which one package is built and another fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages: Factory | None = None

    def url(self, name: str) -> str:
        return f"sqlite:///{self.folder}/{name}/data/rdo.sqlite"

    def factory(self, name: str, store: Store) -> Factory:
        """The factory with the state `name`; git repositories and farm are shared by all."""
        made = Factory(self.folder / name, store)
        made.audiences = Audiences(mail=True, operator=("operator@example.test",))
        made.other_builder = farm(self.folder / "farm")
        if self.packages:
            made.packages, made.upstreams = self.packages.packages, self.packages.upstreams
        made.clock.moment += timedelta(days=int(name != "prepared"))
        return made

    def prepare(self) -> None:
        for name in ("a", "b", "c"):
            make_rpms(self.folder / "farm/shelf" / f"python-{name}", f"python-{name}")
        (self.folder / "prepared/data").mkdir(parents=True)
        with Store(self.url("prepared")) as store:
            made = self.factory("prepared", store)
            made.add("a", "b", "c")
            for number, package in enumerate(made.packages):
                mail = (f"{package.project}@example.test",)
                made.change(package.project, maintainers=mail)
                assert made.packages[number].maintainers == mail
            self.packages = made
            made.round()
            # python-c is broken all the time: `consistent` must not depend on who ends first.
            (self.folder / "farm/python-c").write_text("exit 3")
            for name in ("a", "c"):
                made.upstreams[name].commit("two")
            made.round()
            for name in ("a", "b"):
                made.upstreams[name].commit("three")
        (self.folder / "farm/python-b").write_text("exit 3")

    def copy(self, name: str) -> None:
        shutil.copytree(self.folder / "prepared/data", self.folder / name / "data", symlinks=True)

    def child(self, name: str, step: int) -> int:
        """Do it all in a process of its own that dies at a step; how many steps it did, or -1."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                with Store(self.url(name)) as store:
                    made = self.factory(name, store)
                    counter = kill_at(step)
                    act(made)
                    os.write(writer, str(counter[0]).encode())
            finally:
                os._exit(0)
        os.close(writer)
        _, status = os.waitpid(pid, 0)
        with os.fdopen(reader) as pipe:
            said = pipe.read()
        if os.WIFSIGNALED(status):
            return -1
        assert said, "it failed before it was killed"
        return int(said)


def act(made: Factory) -> None:
    made.round()
    purging.purge(made.means, Rules(timedelta(hours=2)), dry_run=False)


def kill_at(step: int) -> list[int]:
    """Have this process die at its `step`th change of the file system or of the database."""
    done = [0]

    def watch(event: str, args: tuple[object, ...]) -> None:
        writes = (
            event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if event in STEPS or writes or event in {"ctypes.dlsym", "subprocess.Popen"}:
            done[0] += 1
            if done[0] == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    return done


def listing(data: Path) -> list[str]:
    """Every name in the tree, with where links lead; checksums of metadata left out."""
    repos = data / TARGET / "repos"
    found = []
    for path in sorted(repos.rglob("*")):
        name = str(path.relative_to(repos))
        if name.startswith(".publishing"):
            continue
        if "repodata/" in name:
            name = name.rpartition("-")[2]
        found.append(f"{name} -> {path.readlink()}" if path.is_symlink() else name)
    return found


def told(data: Path) -> dict[str, list[tuple[object, ...]]]:
    """What the store says but for times and ids: nothing may be in it twice."""
    queries = {
        "outcomes": "SELECT builds.package, outcome, reason, published IS NOT NULL, upstream_hash "
        "FROM builds JOIN commits ON commit_id = commits.id "
        "WHERE reason IS NULL OR reason <> 'interrupted' ORDER BY 1, 5, 2",
        "events": "SELECT package, kind FROM events ORDER BY 1, 2",
        "deliveries": "SELECT way, recipient FROM deliveries ORDER BY 1, 2",
        "open": "SELECT id FROM intents WHERE done IS NULL",
        "names": "SELECT names.name, path FROM names JOIN repositories "
        "ON repository_id = repositories.id ORDER BY 1",
        "repositories": "SELECT path, removed IS NULL FROM repositories ORDER BY 1",
    }
    connection = sqlite3.connect(data / "rdo.sqlite")
    try:
        return {name: connection.execute(query).fetchall() for name, query in queries.items()}
    finally:
        connection.close()


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    made = Walk(tmp_path)
    made.prepare()
    return made


def test_a_round_killed_anywhere_ends_as_if_it_had_not_been(walk: Walk) -> None:
    walk.copy("whole")
    steps = walk.child("whole", 10**9)
    expected = walk.folder / "whole/data"
    assert steps > 100
    assert ("mail", "b@example.test") in told(expected)["deliveries"]

    for number in range(SAMPLES):
        step = 1 + number * steps // SAMPLES
        name = f"step{step}"
        walk.copy(name)
        killed = walk.child(name, step) < 0
        with Store(walk.url(name)) as store:
            made = walk.factory(name, store)
            act(made)
            left = verify.verify(made.means).left
        data = walk.folder / name / "data"

        assert killed, step
        assert left == (), step
        assert told(data) == told(expected), step
        assert sorted({*listing(data)} ^ {*listing(expected)}) == [], step
        shutil.rmtree(walk.folder / name)
