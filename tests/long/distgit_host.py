"""A host of distgits: `rdo distgit serve` as a process, its metadata, and people who push."""

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rdo.lookaside.hashes import HashType
from rdo.lookaside.sources_file import SourceEntry
from rdo.lookaside.storage import Storage
from tests.conftest import COMMITTER

CONFIG = """\
data = "data"
[metadata]
source = "info"
[targets.master-deb12]
release = "master"
platform = "deb12-x86_64"
[distgit-server]
urls = ["http://git.example.test/distgit", "ssh://git@git.example.test"]
keys = "keys"
passwords = "passwords"
admins = ["root@example.test"]
lookaside = "lookaside"
"""
INFO = """\
releases:
- name: master
  status: development
  branch: rpm-master
  repos: [{name: deb12, distrepos: []}]
- name: antelope
  status: maintained
  branch: antelope-rdo
  repos: [{name: deb12, distrepos: []}]
package-default:
  name: "python-%(project)s"
  maintainers: [alice@example.test, bob@example.test]
  upstream: "https://git.example.test/%(project)s"
  distgit: "http://git.example.test/distgit/rpms/%(project)s"
  tags: {master: , antelope: }
packages:
- {project: foo}
- {project: two}
- {project: full}
- {project: bar, maintainers: [carol@example.test]}
- {project: elsewhere, distgit: "https://other.example.test/distgit/elsewhere"}
"""
SPEC = """\
Name: python-foo
Version: 1.0
Release: 1
Summary: A sample
License: MIT
{more}
%description
A sample.
"""
PEOPLE = ("alice", "bob", "carol", "root")
PASSWORD = "correct horse"


def spec(*more: str) -> str:
    return SPEC.format(more="\n".join(more))


@dataclass(frozen=True)
class Said:
    """The exit code and output of git."""

    code: int
    text: str


@dataclass(frozen=True)
class Work:
    """A clone that belongs to a person."""

    path: Path
    env: dict[str, str]

    def git(self, *args: str, code: int | None = 0) -> Said:
        done = subprocess.run(
            ["git", "-C", str(self.path), *args],
            env=os.environ | self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        said = Said(done.returncode, done.stdout + done.stderr)
        assert code in (None, done.returncode), said.text
        return said

    def commit(self, subject: str, files: dict[str, str]) -> str:
        for name, text in files.items():
            place = self.path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD").text.strip()

    def push(self, *what: str, code: int | None = 0) -> Said:
        return self.git("push", "-q", "origin", *(what or ("HEAD",)), code=code)


class Host:
    """The folder of a host, and the addresses of its running server."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.distgits = root / "distgit"
        self.storage = Storage(root / "lookaside")
        self.http = self.ssh = ""

    def set_up(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        for folder in ("info", "distgit", "lookaside"):
            (self.root / folder).mkdir(exist_ok=True)
        (self.root / "rdo.toml").write_text(CONFIG)
        (self.root / "info/rdo.yml").write_text(INFO)
        lines = []
        for name in (*PEOPLE, "mallory"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.root / name)]
            subprocess.run(command, check=True)
            key = (self.root / f"{name}.pub").read_text()
            lines += [f"{name}@example.test {key}"] if name in PEOPLE else []
        (self.root / "keys").write_text("# people\n" + "".join(lines))
        hashing = ["openssl", "passwd", "-6", PASSWORD]
        stored = subprocess.run(hashing, capture_output=True, text=True, check=True).stdout
        (self.root / "passwords").write_text(f"alice@example.test:{stored}")

    def rdo(self, *args: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "rdo", "-C", str(self.root), *args]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def store(self, package: str, name: str, content: bytes) -> SourceEntry:
        """Put a file into the lookaside cache."""
        entry = SourceEntry(name, HashType.SHA512, hashlib.sha512(content).hexdigest())
        with self.storage.upload() as upload:
            upload.write(content)
            upload.keep(package, entry)
        return entry

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        log = self.root / "serve.log"
        command = [sys.executable, "-m", "rdo", "-C", str(self.root), "distgit", "serve"]
        command += [str(self.distgits), "--port", "0", "--ssh-port", "0"]
        with log.open("wb") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file)
        try:
            text = self._told(process, log)
            self.http = re.findall(r"http://127\.0\.0\.1:\d+", text)[0]
            self.ssh = re.findall(r"ssh://\S+@127\.0\.0\.1:\d+", text)[0]
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    def _told(self, process: "subprocess.Popen[bytes]", log: Path) -> str:
        until = time.monotonic() + 120
        while time.monotonic() < until and process.poll() is None:
            text = log.read_text()
            if "ssh://" in text and "http://" in text and self._answers(text):
                return text
            time.sleep(0.1)
        raise AssertionError(log.read_text())

    @staticmethod
    def _answers(text: str) -> bool:
        """Whether sshd listens by now."""
        port = re.findall(r"ssh://\S+@127\.0\.0\.1:(\d+)", text)[0]
        done = subprocess.run(
            ["ssh-keyscan", "-p", port, "127.0.0.1"], capture_output=True, check=False
        )
        return b"ssh-" in done.stdout

    def ssh_command(self, person: str) -> str:
        options = "-F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        only = (
            f"-o IdentitiesOnly=yes -o IdentityAgent=none -o LogLevel=ERROR -i {self.root}/{person}"
        )
        return f"ssh {options} {only}"

    def clone(self, person: str, name: str, folder: Path, *, code: int = 0) -> Work:
        """Clone by ssh, as a person."""
        return self._cloned(f"{self.ssh}/{name}", folder, self.ssh_command(person), code)

    def clone_by_http(self, name: str, folder: Path, login: str = "", *, code: int = 0) -> Work:
        at = f"{login}@" if login else ""
        return self._cloned(f"{self.http.replace('://', f'://{at}')}/{name}", folder, "", code)

    def _cloned(self, url: str, folder: Path, ssh: str, code: int) -> Work:
        env = {**COMMITTER, "GIT_SSH_COMMAND": ssh, "GIT_TERMINAL_PROMPT": "0"}
        made = Work(folder, {key: value for key, value in env.items() if value})
        command = ["git", "clone", "-q", url, str(folder)]
        done = subprocess.run(
            command, env=os.environ | made.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        return made
