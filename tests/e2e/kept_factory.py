"""A factory that an older revision made, and the program that made it.

    python -m tests.e2e.kept_factory CHECKOUT FOLDER

makes one with the `rdo` of CHECKOUT, whose `.venv` is ready, and keeps it in FOLDER. Needs git,
rpmbuild and no network. The factory names its remotes by addresses under `https://git.example.test/`,
which git's own configuration leads to the folder `git` beside `data`: so it can be opened anywhere.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import COMMITTER, GitRepository
from tests.fakes.mail import MailBox, mail_server

TARGET, OTHER_TARGET = "master-deb12", "oak-deb12"
REMOTES = "https://git.example.test/"
ARCHIVE, ANSWERS = "factory.tar.xz", "answers.json"
KEPT = Path(__file__).parents[1] / "data/factory-541bb8e"

RELEASES = {"master": ("alpha", "beta", "gamma", "delta"), "oak": ("epsilon", "zeta")}
CONFIG = """\
data = "data"
base-url = "https://packages.example.test"
[metadata]
source = "info"
[mail]
server = "127.0.0.1:1"
from = "factory@example.test"
security = "none"
operator = ["operator@example.test"]
"""
TARGET_CONFIG = """\
[targets.{release}-deb12]
release = "{release}"
platform = "deb12-x86_64"
builder = "command"
command = ["python3", "-S", "../../../../farm.py", "{{resultdir}}", "{{package}}"]
"""
RELEASE = """\
- name: {release}
  status: development
  branch: rpm-master
  repos:
  - name: deb12
"""
PACKAGE = """\
- project: {name}
  name: python-{name}
  upstream: https://git.example.test/{name}
  distgit: https://git.example.test/{name}-distgit
  distro-branch: rpm-master
  maintainers: [{name}-maintainer@example.test]
  tags: {{{release}: }}
"""
BROKEN = "fail gcc: error: {0}.c\nerror: Bad exit status from /builddir/tmp (%build)"
BEGIN = 1785585600  # the first commit, of 2026-08-01


@dataclass(slots=True)
class KeptFactory:
    """The folder of a factory, with rdo.toml, metadata, remotes and farm beside its data."""

    folder: Path
    commits: int = field(default=0)

    @classmethod
    def unpack(cls, folder: Path) -> "KeptFactory":
        """Unpack a copy of the kept factory into a folder."""
        with tarfile.open(KEPT / ARCHIVE) as archive:
            archive.extractall(folder)
        return cls(folder, commits=100)

    def environment(self) -> dict[str, str]:
        """Write git's configuration beside the folder, and return what `rdo` needs to use it."""
        config = self.folder.with_name(f"{self.folder.name}.gitconfig")
        remotes = f'[url "{(self.folder / "git").as_uri()}/"]\n\tinsteadOf = {REMOTES}\n'
        config.write_text(remotes)
        return {"GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1", "LOGNAME": "packager"}

    def commit(self, name: str, version: str, farm: str = "build") -> str:
        """Commit a version upstream, with what the farm is to do for it; return the hash."""
        self.commits += 1
        files = {"version": f"{version}\n", "farm": f"{farm}\n"}
        upstream = GitRepository(self.folder / "git" / name)
        return upstream.commit(f"version {version}", files, when=BEGIN + self.commits * 60)


def write_factory(factory: KeptFactory) -> None:
    """Write the remotes with a first commit each, metadata, configuration and the farm."""
    folder = factory.folder
    (folder / "info").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("kept_farm.py"), folder / "farm.py")
    config = [CONFIG, *(TARGET_CONFIG.format(release=release) for release in RELEASES)]
    (folder / "rdo.toml").write_text("".join(config))
    metadata = ["releases:\n", *(RELEASE.format(release=name) for name in RELEASES), "packages:\n"]
    for release, names in RELEASES.items():
        for name in names:
            distgit = GitRepository(folder / "git" / f"{name}-distgit", "rpm-master")
            distgit.commit("package it", {f"python-{name}.spec": f"Name: python-{name}\n"}, BEGIN)
            factory.commit(name, "1.0")
            metadata.append(PACKAGE.format(name=name, release=release))
    (folder / "info/rdo.yml").write_text("".join(metadata))


@dataclass(frozen=True, slots=True)
class OldRdo:
    """The `rdo` of an older revision, at work on a factory."""

    checkout: Path
    factory: KeptFactory

    def command(self, *args: object) -> list[str]:
        return [str(self.checkout / ".venv/bin/rdo"), *map(str, args)]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.factory.environment()}

    def __call__(self, *args: object, code: int = 0) -> Any:
        """Run it and return its answer, which is JSON."""
        done = subprocess.run(
            self.command(*args, "--json"),
            cwd=self.factory.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != code:
            raise SystemExit(f"rdo {args}: {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def round(self, target: str = TARGET, *, mail_port: int = 1, code: int = 0) -> dict[str, int]:
        """Do a round, and return the numbers of the builds that were published, by package."""
        options = ("--set", f"mail.server=127.0.0.1:{mail_port}")
        [report] = self(*options, "trunk", "run", "--target", target, code=code)
        return {row["package"]: row["build"] for row in report["built"]}

    def killed_round(self, target: str) -> None:
        """Kill a round as soon as a build hangs and all others have ended."""
        command = self.command("trunk", "run", "--target", target)
        with subprocess.Popen(command, cwd=self.factory.folder, env=self.environment) as process:
            while not self._is_hanging(target):
                time.sleep(0.2)
            process.send_signal(signal.SIGKILL)

    def _is_hanging(self, target: str) -> bool:
        states = sorted(row["state"] for row in self("trunk", "queue", "--target", target))
        return states == ["queued", "running"] and (self.factory.folder / "hangs").exists()


def live(rdo: OldRdo) -> None:
    """Give the factory a past: builds, breaks, mails, a hold, and a killed round."""
    factory = rdo.factory
    with mail_server(MailBox()) as port:
        first = rdo.round(mail_port=port)
        factory.commit("alpha", "1.1")
        factory.commit("delta", "1.1")
        rdo.round(mail_port=port)
        why = "1.1 breaks gamma"
        rdo(
            "trunk",
            "hold",
            "python-delta",
            "--build",
            first["python-delta"],
            "--because",
            why,
            "--target",
            TARGET,
        )
        factory.commit("beta", "2.0", BROKEN.format("beta"))
        factory.commit("gamma", "2.0", "needs python3-beta 2.0")
        rdo.round(mail_port=port, code=1)
    factory.commit("alpha", "1.2", BROKEN.format("alpha"))
    rdo.round(code=1)  # from here on the mail server is away
    factory.commit("alpha", "1.3")
    rdo.round(code=1)
    rdo.round(OTHER_TARGET)
    factory.commit("epsilon", "1.1", "away")
    factory.commit("zeta", "1.1", "hang")
    (factory.folder / "outage").touch()
    rdo.killed_round(OTHER_TARGET)
    for mark in ("outage", "hangs"):
        (factory.folder / mark).unlink()


def ask(rdo: OldRdo) -> dict[str, Any]:
    """Return what the old revision prints about the factory."""
    return {
        "status": rdo("trunk", "status"),
        "queue": rdo("trunk", "queue"),
        "verify": rdo("trunk", "verify", code=1),  # for the build that was killed
        "why": {
            f"python-{name}": rdo("why", f"python-{name}")
            for names in RELEASES.values()
            for name in names
        },
    }


def pack(folder: Path, archive: Path) -> None:
    """Write the archive; nobody owns its files."""

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    with tarfile.open(archive, "w:xz", preset=9) as file:
        for path in sorted(folder.iterdir()):
            file.add(path, path.name, filter=anonymous)


def check(folder: Path, *words: str) -> None:
    """Refuse a factory whose files contain one of the words, such as a path of this machine."""
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found = [word for word in words if word.encode() in content]
        if found or (path.is_symlink() and path.readlink().is_absolute()):
            raise SystemExit(f"{path} names {', '.join(found) or 'an absolute path'}")


def make(checkout: Path, kept: Path) -> None:
    """Make a factory with the `rdo` of a checkout and keep it in a folder."""
    os.environ |= {**COMMITTER, "GIT_TEMPLATE_DIR": ""}
    with tempfile.TemporaryDirectory(prefix="kept-factory-") as scratch:
        factory = KeptFactory(Path(scratch, "factory"))
        write_factory(factory)
        rdo = OldRdo(checkout, factory)
        live(rdo)
        answers = ask(rdo)
        shutil.rmtree(factory.folder / "data/cache")  # it names the folder, and may go at any time
        check(factory.folder, f"{tempfile.gettempdir()}/", f"{checkout}/", f"{Path.home()}/")
        pack(factory.folder, kept / ARCHIVE)
    (kept / ANSWERS).write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]).absolute(), Path(sys.argv[2]))
