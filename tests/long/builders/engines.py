"""Each way to build as the contract test sees it: opened as by a new process, with a real place."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rdo.app import App
from rdo.builders.command import CommandBuilder, DetachedCommandBuilder
from rdo.builders.farms.copr import CoprFarm, CoprPlan
from rdo.builders.farms.koji import KojiFarm, KojiPlan
from rdo.builders.farms.remote import Pace, RemoteBuilder
from rdo.builders.mock.builder import MockBuilder, MockPlan
from rdo.builders.protocol import Builder, build_and_wait
from rdo.builders.rooms.root import RootBuilder
from rdo.builders.trial import trial_job
from rdo.model.build import BuildJob, Waiting
from rdo.model.platform import BaseRepository, Family, Platform
from rdo.model.program import Bounds
from rdo.tools.command import Command
from rdo.tools.farms.copr_frontend import CoprFrontend, CoprLogin
from rdo.tools.farms.koji_hub import HubLogin, KojiHub
from rdo.tools.rpm.mock import Mock, config_of, user_id, write_config
from tests.e2e import mini
from tests.e2e.command import PLATFORM, base_layer, platforms
from tests.fakes.copr_frontend import LOGIN, TOKEN, USER, CoprServer
from tests.fakes.koji_hub import KojiHubServer
from tests.long.builders.mock_source import install_mock

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
FARM = r"""
import pathlib, subprocess, sys, tempfile
srpm, results = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
with pathlib.Path(__file__).with_name("begun").open("a") as begun:
    begun.write(f"{srpm.name}\n")
top = pathlib.Path(tempfile.mkdtemp(dir=pathlib.Path(__file__).parent))
with (results / "build.log").open("w") as log:
    done = subprocess.run(
        ["rpmbuild", "-ra", "-D", f"_topdir {top}", "-D", "dist .farm", str(srpm)],
        stdout=log, stderr=subprocess.STDOUT,
    )
for rpm in top.glob("*RPMS/**/*.rpm"):
    rpm.replace(results / rpm.name)
sys.exit(done.returncode)
"""


class Engine(ABC):
    """A way to build. `is_remote`: its builds outlive the process that has started them."""

    name: str
    is_remote = False
    needs_roots = False
    needs_module = ""
    needs_variable = ""

    def __init__(self, folder: Path, shared: Path) -> None:
        self.folder, self.shared = folder, shared
        self.gate = folder / "gate"
        folder.mkdir(parents=True, exist_ok=True)

    def prepare(self) -> None:  # noqa: B027 - most have nothing to prepare
        """Make what all tests share, in the folder `shared`; called once."""

    @abstractmethod
    def open(self) -> Builder:
        """Return the builder as a process that has just begun gets it."""

    def waiting(self) -> str:
        """What a spec's %build does that ends only when the gate is opened."""
        return f"echo at work; until test -e {self.gate}; do sleep 0.05; done"

    def is_at_work(self, job: BuildJob) -> bool:
        """Whether the %build of a job has begun."""
        return any("\nat work" in log.read_text() for log in self.logs(job))

    def logs(self, job: BuildJob) -> list[Path]:
        """All logs that a job has so far."""
        return [path for path in job.folder.rglob("*.log") if path.is_file()]

    def begun(self) -> int | None:
        """How many builds the place has begun; None where nobody counts."""
        return None

    def close(self) -> None:  # noqa: B027 - most have started nothing
        """End what the engine itself has started."""

    def forget(self) -> None:  # noqa: B027 - most have it all in pytest's folders
        """Remove what `prepare` has made elsewhere."""


class RootEngine(Engine):
    name = "root"
    needs_roots = True

    def open(self) -> Builder:
        places = App(self.shared).workplaces
        dependencies = places.bridges.local(PLATFORM)
        return RootBuilder(places.workshop(dependencies, minutes=5, log_mb=10))

    def prepare(self) -> None:
        """Have the bridge bring what each build asks for; once for all tests."""
        base_layer()
        (self.shared / "rdo.toml").write_text(f'platforms = "{platforms()}"\n')
        job = trial_job(self.shared / "first", now=datetime(2026, 8, 1, tzinfo=UTC))
        while isinstance(outcome := build_and_wait(self.open(), job), Waiting):
            provision = App(self.shared).bridges.local(PLATFORM).provide(outcome.needs)
            assert not provision.missing

    def waiting(self) -> str:
        return "echo at work; until test -e /no/such/gate; do sleep 0.05; done"


class MockEngine(Engine):
    """mock from its source tree, with chroots of the tests' own little distribution."""

    name = "mock"
    needs_roots = True
    needs_variable = "RDO_MOCK_SOURCE"

    def prepare(self) -> None:
        """Make the distribution and a launcher of mock, in namespaces with a group `mock`."""
        base = base_layer()
        repository = mini.make_repository(base, self._place / "made")
        install_mock(Path(os.environ["RDO_MOCK_SOURCE"]), self._place)
        packages = (*mini.INSTALLED, "mini-config", "mini-filesystem")
        row = BaseRepository("base", (repository.as_uri(),), gpgcheck=False)
        platform = Platform(
            *("mini", Family.DNF, os.uname().machine, ".mini", "7", "", "3.11", "2.36", packages),
            repositories=(row,),
        )
        image = os.environ.get("RDO_MOCK_IMAGE", "")
        write_config(self._place / "mini.cfg", config_of(platform, "rdo-mini", image))

    def open(self) -> MockBuilder:
        return MockBuilder(*self.mock_and_plan(), make_srpm_here)

    def reachable(self, name: str) -> Path:
        """A folder that mock's user, too, gets to."""
        return self._place / name

    def mock_and_plan(self) -> tuple[Mock, MockPlan]:
        """The program, and where its chroots and their bounds are."""
        mock = Mock(str(self._place / "mini.cfg"), str(self._place / "mock"), "nobody")
        bounds = Bounds(600, 10_000_000, disk_bytes=500_000_000)
        return mock, MockPlan(self._place / "slots", bounds, lambda: None)

    def waiting(self) -> str:
        return "echo at work; until test -e /no/such/gate; do sleep 0.05; done"

    def is_at_work(self, job: BuildJob) -> bool:
        """Whether so many builds are at work as have begun; a killed one leaves its log there."""
        begun = job.folder / "mock.log"
        if not begun.exists():
            return False
        since = (job.folder / "srpm").stat().st_mtime
        logs = [*self._place.glob("slots/*/results/build.log")]
        new = [log for log in logs if log.stat().st_mtime >= since]
        return sum("\nat work" in log.read_text() for log in new) >= job.id

    def rebuild_by_hand(self, srpm: Path) -> None:
        """Build an SRPM as a person does, without rdo."""
        with tempfile.TemporaryDirectory(dir=self._place) as results:
            Path(results).chmod(0o777)
            given = shutil.copy(srpm, results)
            words = [
                *(str(self._place / "mock"), "-r", str(self._place / "mini.cfg")),
                *("--isolation=simple", f"--resultdir={results}", "--rebuild", given),
            ]
            environment = {**os.environ, "SUDO_UID": str(user_id("nobody"))}
            subprocess.run(words, check=True, capture_output=True, env=environment)

    def forget(self) -> None:
        shutil.rmtree(self._place)

    @property
    def _place(self) -> Path:
        """A folder that mock's user can get to; pytest's own is none."""
        kept = self.shared / "place"
        if not kept.exists():
            place = tempfile.mkdtemp(prefix="rdo-mock-", dir="/var/tmp")
            Path(place).chmod(0o711)
            kept.write_text(place)
        return Path(kept.read_text())


class CommandEngine(Engine):
    name = "command"
    kind: Callable[..., Builder] = CommandBuilder

    def open(self) -> Builder:
        client = self.folder / "farm.py"
        if not client.exists():
            client.write_text(FARM)
        words = (sys.executable, "-S", str(client), "{srpm}", "{resultdir}")
        bounds = Bounds(120, 10_000_000, disk_bytes=50_000_000)
        return self.kind(Command(words), bounds, make_srpm_here)

    def begun(self) -> int:
        file = self.folder / "begun"
        return len(file.read_text().splitlines()) if file.exists() else 0


class DetachedEngine(CommandEngine):
    name = "command, detached"
    is_remote = True
    kind = DetachedCommandBuilder


class KojiEngine(Engine):
    name = "koji"
    is_remote = True
    needs_module = "koji"

    def __init__(self, folder: Path, shared: Path) -> None:
        super().__init__(folder, shared)
        self.hub = KojiHubServer(folder / "hub")
        (folder / "password").write_text("secret\n")

    def open(self, target: str = "rdo-el9", **plan: Any) -> RemoteBuilder:
        login = HubLogin("rdo", self.folder / "password")
        hub = KojiHub(self.hub.url, login, timeout_seconds=1)
        farm = KojiFarm("koji", hub, KojiPlan(target, **plan))
        return RemoteBuilder(farm, make_srpm_here, Pace(0.1))

    def begun(self) -> int:
        return self.hub.begun()

    def close(self) -> None:
        self.hub.close()


class RealKojiEngine(Engine):
    """A hub that the environment names; each build there is a scratch build of a minute."""

    name = "koji, a real hub"
    is_remote = True
    needs_module = "koji"

    def open(self) -> RemoteBuilder:
        asked = {key: os.environ.get(f"RDO_TEST_KOJI_{key}", "") for key in (*_LOGIN, "TARGET")}
        files = {key: Path(asked[key]) if asked[key] else None for key in _LOGIN_FILES}
        login = HubLogin(
            asked["USER"],
            files["PASSWORD_FILE"],
            files["CERTIFICATE"],
            files["AUTHORITY"],
            asked["PRINCIPAL"],
            files["KEYTAB"],
        )
        hub = KojiHub(os.environ["RDO_TEST_KOJI_SERVER"], login)
        farm = KojiFarm("koji", hub, KojiPlan(asked["TARGET"], is_scratch=True))
        return RemoteBuilder(farm, make_srpm_here, Pace(5))

    def waiting(self) -> str:
        return "echo at work; sleep 60"


class CoprEngine(Engine):
    name = "copr"
    is_remote = True

    def __init__(self, folder: Path, shared: Path) -> None:
        super().__init__(folder, shared)
        self.server = CoprServer(folder / "copr")
        text = f"[copr-cli]\nusername = {USER}\nlogin = {LOGIN}\ntoken = {TOKEN}\n"
        (folder / "copr.conf").write_text(
            f"{text}copr_url = {self.server.url}\nencrypted = false\n"
        )

    def open(
        self, project: str = "rdo-el9", pace: Pace | None = None, **plan: Any
    ) -> RemoteBuilder:
        login = CoprLogin.read(self.folder / "copr.conf")
        plan = {"owner": USER, "chroots": ("centos-stream-9-x86_64",), **plan}
        farm = CoprFarm(
            "copr", CoprFrontend(login, timeout_seconds=2), CoprPlan(project=project, **plan)
        )
        return RemoteBuilder(farm, make_srpm_here, pace or Pace(0.1))

    def begun(self) -> int:
        return self.server.begun()

    def close(self) -> None:
        self.server.close()


class RealCoprEngine(Engine):
    """A frontend that the environment names, by a file of Copr's tools, and a project of its user.

    Each build there takes minutes.
    """

    name = "copr, a real frontend"
    is_remote = True

    def open(self) -> RemoteBuilder:
        login = CoprLogin.read(Path(os.environ["RDO_TEST_COPR_CONFIG"]))
        chroots = os.environ.get("RDO_TEST_COPR_CHROOTS", "fedora-rawhide-x86_64").split()
        owner = os.environ.get("RDO_TEST_COPR_OWNER", login.username)
        plan = CoprPlan(owner, os.environ["RDO_TEST_COPR_PROJECT"], tuple(chroots))
        return RemoteBuilder(CoprFarm("copr", CoprFrontend(login), plan), make_srpm_here, Pace(10))

    def waiting(self) -> str:
        return "echo at work; sleep 60"


_LOGIN_FILES = ("PASSWORD_FILE", "CERTIFICATE", "AUTHORITY", "KEYTAB")
_LOGIN = ("USER", "PRINCIPAL", *_LOGIN_FILES)

ENGINES: tuple[type[Engine], ...] = (
    *(RootEngine, CommandEngine, DetachedEngine, MockEngine, KojiEngine, CoprEngine),
    *([RealKojiEngine] if "RDO_TEST_KOJI_SERVER" in os.environ else ()),
    *([RealCoprEngine] if "RDO_TEST_COPR_PROJECT" in os.environ else ()),
)


def make_srpm_here(job: BuildJob, _is_cancelled: Callable[[], bool]) -> Path:
    """The SRPM of a trial, made without a root in a moment: the spec is this test's own."""
    top = job.folder / "srpm"
    (top / "SOURCES").mkdir(parents=True)
    spec = git(job.distgit, "show", "master:rdo-trial.spec")
    spec = spec.replace("Version: XXX", "Version: 0.1")
    spec = spec.replace("Release: XXX", f"Release: {job.release}%{{?dist}}")
    (top / "rdo-trial.spec").write_text(f"%global upstream_version 0.1\n{spec}\n")
    archive = f"--output={top}/SOURCES/rdo-trial.tar.gz"
    git(job.upstream, "archive", archive, "--prefix=rdo-trial-0.1/", "master")
    subprocess.run(
        ["rpmbuild", "-bs", "--define", f"_topdir {top}", str(top / "rdo-trial.spec")],
        check=True,
        capture_output=True,
    )
    [srpm] = top.glob("SRPMS/*.src.rpm")
    return srpm.rename(job.folder / srpm.name)


def git(repository: Path, *words: str) -> str:
    command = ["git", f"--git-dir={repository}", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def numbered_job(engine: Engine, number: int = 1, script: str = "") -> BuildJob:
    """A job whose release number, and so whose NVR, is its own."""
    folder = engine.folder / "jobs" / str(number)
    return trial_job(folder, number, script=script, now=NOW + timedelta(days=number))


def in_a_process_to_kill(act: Callable[[], object]) -> int:
    """Do something in a process of its own that then waits to be killed; its number."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setpgid(0, 0)
        act()
        time.sleep(600)
    finally:
        os._exit(1)
