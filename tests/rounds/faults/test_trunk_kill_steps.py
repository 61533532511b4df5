"""kill -9 at steps throughout a round with mails and retention, and how the next round recovers."""

import os
import shutil
import signal
import smtplib
import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from rdo.builders.command import DetachedCommandBuilder
from rdo.builders.protocol import Builder
from rdo.model.audiences import Audiences
from rdo.notify import outbox, smtp
from rdo.notify.mailer import Mailer
from rdo.notify.outbox import Outbox, Sent
from rdo.notify.smtp import MailServer
from rdo.publish.upkeep.retention import Rules
from rdo.store import Store
from rdo.store.messages import deliveries
from rdo.trunk.care import purge as purging
from rdo.trunk.care import verify
from tests.fakes.mail import MailBox, mail_server
from tests.rounds.factory import TARGET, Factory
from tests.rounds.farm import detached_farm, farm
from tests.rpms import make_rpms
from tests.tools.publish.test_kill import STEPS

SAMPLES = 12
SENDINGS = 16
SENDING = {outbox.__file__, smtp.__file__, deliveries.__file__, smtplib.__file__}


class Walk:
    """A factory before a round in which one package is built and another fails."""

    def __init__(self, folder: Path, box: MailBox, port: int) -> None:
        self.folder, self.box, self.port = folder, box, port
        self.packages: Factory | None = None
        self.make_farm: Callable[[Path], Builder] = farm

    def url(self, name: str) -> str:
        return f"sqlite:///{self.folder}/{name}/data/rdo.sqlite"

    def factory(self, name: str, store: Store) -> Factory:
        """The factory with the state `name`; git repositories and farm are shared by all."""
        made = Factory(self.folder / name, store)
        made.audiences = Audiences(mail=True, operator=("operator@example.test",))
        made.other_builder = self.make_farm(self.folder / "farm")
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

    def copy(self, name: str, of: str = "prepared") -> None:
        shutil.copytree(self.folder / of / "data", self.folder / name / "data", symlinks=True)
        self.box.mails.clear()

    def act(self, made: Factory) -> None:
        made.round()
        self.send(made)
        purging.purge(made.trunk, Rules(timedelta(hours=2)), dry_run=False)

    def send(self, made: Factory) -> Sent:
        made.clock.moment += timedelta(minutes=10)  # after what an earlier process has queued
        ways = {"mail": Mailer(MailServer(f"127.0.0.1:{self.port}"), "rdo@example.test")}
        return Outbox(made.store, ways, made.clock, made.folder / "notify.lock").run()

    def mails(self) -> dict[str, set[str]]:
        """The Message-IDs that arrived for each subject; what is in it was sent, once or twice."""
        found: dict[str, set[str]] = {}
        for one in self.box.mails:
            found.setdefault(one.message["Subject"], set()).add(one.message["Message-ID"])
        return found

    def child(
        self,
        name: str,
        step: int,
        act: Callable[[Factory], object] | None = None,
        die_at: Callable[[int], list[int]] | None = None,
    ) -> int:
        """Do it all in a process of its own that dies at a step; how many steps it did, or -1."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                with Store(self.url(name)) as store:
                    made = self.factory(name, store)
                    counter = (die_at or kill_at)(step)
                    (act or self.act)(made)
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


def kill_at_line(step: int) -> list[int]:
    """Kill this process before the `step`th line of the code that sends queued mails."""
    done = [0]

    def watch(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename not in SENDING:
            return None
        if event == "line":
            done[0] += 1
            if done[0] == step:
                os.kill(os.getpid(), signal.SIGKILL)
        return watch

    sys.settrace(watch)
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
    """The store's data without times and ids; nothing may be in it twice."""
    queries = {
        "outcomes": "SELECT builds.package, outcome, reason, published IS NOT NULL, upstream_hash "
        "FROM builds JOIN commits ON commit_id = commits.id "
        "WHERE reason IS NULL OR reason <> 'interrupted' ORDER BY 1, 5, 2",
        "events": "SELECT package, kind FROM events ORDER BY 1, 2",
        "deliveries": "SELECT way, recipient, sent FROM deliveries ORDER BY 1, 2",
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


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    box = MailBox()
    with mail_server(box) as port, pytest.MonkeyPatch.context() as patch:
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.test")
        made = Walk(tmp_path_factory.mktemp("walk"), box, port)
        made.prepare()
        yield made


@pytest.mark.slow
def test_a_round_killed_anywhere_ends_as_if_it_had_not_been(walk: Walk) -> None:
    walk.copy("whole")
    steps = walk.child("whole", 10**9)
    expected = walk.folder / "whole/data"
    assert steps > 100
    assert ("mail", "b@example.test", 1) in told(expected)["deliveries"]
    subjects = walk.mails().keys()
    assert len(subjects) >= 2

    for number in range(SAMPLES):
        step = 1 + number * steps // SAMPLES
        name = f"step{step}"
        walk.copy(name)
        killed = walk.child(name, step) < 0
        with Store(walk.url(name)) as store:
            made = walk.factory(name, store)
            walk.act(made)
            left = verify.verify(made.trunk).left
        data = walk.folder / name / "data"

        assert killed, step
        assert left == (), step
        assert told(data) == told(expected), step
        assert sorted({*listing(data)} ^ {*listing(expected)}) == [], step
        assert walk.mails().keys() == subjects, step
        assert all(len(ids) == 1 for ids in walk.mails().values()), step
        shutil.rmtree(walk.folder / name)


@pytest.mark.slow
def test_a_build_that_outlives_a_round_killed_anywhere_runs_once(walk: Walk) -> None:
    walk.make_farm = lambda folder: detached_farm(folder, DetachedCommandBuilder)
    runs = walk.folder / "farm/runs"
    before = len(runs.read_text().split())
    walk.copy("detached")
    steps = walk.child("detached", 10**9)
    expected = told(walk.folder / "detached/data")
    once = len(runs.read_text().split()) - before
    assert once == 2  # python-a and python-b have a new commit

    for number in range(SAMPLES):
        step = 1 + number * (steps // 2) // SAMPLES  # the builds are in the first half
        name = f"detached{step}"
        walk.copy(name)
        before = len(runs.read_text().split())
        killed = walk.child(name, step) < 0
        with Store(walk.url(name)) as store:
            made = walk.factory(name, store)
            walk.act(made)
            left = verify.verify(made.trunk).left

        assert killed, step
        assert left == (), step
        assert len(runs.read_text().split()) - before == once, step
        assert told(walk.folder / name / "data") == expected, step
        shutil.rmtree(walk.folder / name)
    walk.make_farm = farm


def test_sending_that_is_killed_anywhere_loses_no_mail_and_invents_none(walk: Walk) -> None:
    walk.copy("broken")
    with Store(walk.url("broken")) as store:
        walk.factory("broken", store).round()
    walk.copy("sent", of="broken")
    lines = walk.child("sent", 10**9, walk.send, kill_at_line)
    expected = walk.mails()
    repeated = 0
    assert lines > 50
    assert len(expected) >= 2

    for number in range(SENDINGS):
        line = 1 + number * lines // SENDINGS
        walk.copy(f"line{line}", of="broken")
        killed = walk.child(f"line{line}", line, walk.send, kill_at_line) < 0
        before = len(walk.box.mails)
        with Store(walk.url(f"line{line}")) as store:
            made = walk.factory(f"line{line}", store)
            sent = walk.send(made)
            again = walk.send(made)

        assert killed, line
        assert walk.mails() == expected, line
        assert (sent.problems, sent.left, again) == ((), 0, Sent()), line
        repeated += len(walk.box.mails) - len(expected)
        assert before <= len(expected), line
    assert 0 < repeated < SENDINGS  # killed between the sending and the note: one mail, once more
