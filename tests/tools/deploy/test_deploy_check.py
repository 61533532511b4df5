"""`rdo deploy check` against a real ssh server, in a network of the test's own."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="an ssh server must be started by root"),
    pytest.mark.skipif(
        not (Path(SSHD).exists() and shutil.which("ip")), reason="sshd or ip is not installed"
    ),
]

HOST, SILENT, ABSENT = "127.0.0.2", "127.0.0.3", "127.0.0.4"
_CONFIG = """\
ListenAddress {host}
HostKey {folder}/host-key
AuthorizedKeysFile {folder}/key.pub
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
"""
# All of it ends with the first process of the namespace.
_BEGIN = f"""\
set -e
ip link set lo up
mount -t tmpfs none /run
mkdir -p /run/sshd
{SSHD} -f "$1"
{sys.executable} -c 'import pathlib, socket, time
server = socket.create_server(("{SILENT}", 22)); pathlib.Path("/run/silent").touch()
time.sleep(600)' &
until [ -e /run/silent ]; do sleep 0.05; done
until (echo > /dev/tcp/{HOST}/22) 2> /run/refused; do sleep 0.05; done
shift
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with the keys of a host and of its user."""

    folder: Path

    def check(self, *args: str, host: str = HOST) -> "subprocess.CompletedProcess[str]":
        """Run `rdo deploy check` about one host, beside which an ssh server runs."""
        return self.deploy("check", *args, host=host)

    def deploy(self, verb: str, *args: str, host: str) -> "subprocess.CompletedProcess[str]":
        own = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        begin = ("unshare", *own, "--", "bash", "-c", _BEGIN, "bash")
        keys = ("CONFIG_CONTROLLER_HOST", "CONFIG_NETWORK_HOSTS", "CONFIG_COMPUTE_HOSTS")
        answers = [part for key in keys for part in ("--answer", f"{key}={host}")]
        command = (sys.executable, "-m", "rdo", "deploy", verb, "--json", *answers)
        more = ("--identity", "key", "--known-hosts", "known")
        return subprocess.run(
            [*begin, str(self.folder / "sshd.conf"), *command, *more, *args],
            cwd=self.folder,
            env={**os.environ, "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    def know(self, key: str) -> None:
        public = (self.folder / f"{key}.pub").read_text().split()
        (self.folder / "known").write_text(f"{HOST} {public[0]} {public[1]}\n")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("host-key", "key", "other-key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    (folder / "sshd.conf").write_text(_CONFIG.format(host=HOST, folder=folder))
    return Place(folder)


def only(done: "subprocess.CompletedProcess[str]") -> Any:
    assert done.stdout, done.stderr
    (host,) = json.loads(done.stdout)
    return host


def test_a_host_is_asked_by_ssh_as_root(place: Place) -> None:
    place.know("host-key")

    host = only(place.check())

    facts = host["facts"]
    assert (host["address"], sorted(host["duties"])) == (
        HOST,
        ["compute", "controller", "network"],
    )
    assert facts["is_root"]
    assert facts["name"] == os.uname().nodename
    assert facts["memory_mb"] > 100
    assert facts["ports"]["22"]


def test_an_unknown_key_is_refused_unless_it_is_accepted_and_then_remembered(place: Place) -> None:
    (place.folder / "known").unlink(missing_ok=True)

    refused = place.check()
    accepted = place.check("--accept-new-host-keys")
    known = place.check()

    assert refused.returncode == 6
    assert "Host key verification failed" in only(refused)["findings"][0]["said"]
    assert only(accepted)["facts"]
    assert only(known)["facts"]


def test_a_changed_key_is_refused_even_then(place: Place) -> None:
    place.know("other-key")

    done = place.check("--accept-new-host-keys")

    assert done.returncode == 6
    assert only(done)["facts"] is None


@pytest.mark.slow
@pytest.mark.parametrize("host", [SILENT, ABSENT])
def test_a_host_that_does_not_answer_is_reported(place: Place, host: str) -> None:
    done = place.check(host=host)

    (finding,) = only(done)["findings"]
    assert done.returncode == 6
    assert finding["said"].startswith(f"{host} cannot be reached: ")
    assert "ssh root@HOST" in finding["remedy"]


def test_a_key_that_the_host_does_not_take_is_reported(place: Place) -> None:
    place.know("host-key")

    done = place.check("--identity", "other-key")

    assert done.returncode == 6
    assert "Permission denied" in only(done)["findings"][0]["said"]


def test_checking_leaves_no_file_on_the_host(place: Place) -> None:
    place.know("host-key")
    before = sorted(place.folder.rglob("*"))

    assert only(place.check())["facts"]

    assert sorted(place.folder.rglob("*")) == before


@dataclass(frozen=True, slots=True)
class NoWayIn:
    """Why a host cannot be planned for: what is done about its key, and what must be told."""

    host: str
    known: str
    more: tuple[str, ...]
    remedy: str


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        NoWayIn(HOST, "host-key", ("--identity", "other-key"), "with your key"),
        NoWayIn(HOST, "", (), "--accept-new-host-keys"),
        NoWayIn(HOST, "other-key", ("--accept-new-host-keys",), "ssh-keygen -R 127.0.0.2"),
        NoWayIn(SILENT, "", (), "see whether it answers: ssh root@127.0.0.3"),
        NoWayIn(ABSENT, "", (), "see whether it runs"),
    ],
    ids=["no key that it takes", "an unknown key", "a changed key", "silent", "absent"],
)
def test_a_host_without_a_way_in_ends_a_plan_with_one_error(place: Place, case: NoWayIn) -> None:
    (place.folder / "known").unlink(missing_ok=True)
    if case.known:
        place.know(case.known)

    done = place.deploy("plan", *case.more, host=case.host)

    assert done.returncode == 6
    assert f"{case.host} cannot be reached: " in done.stderr
    assert case.remedy in done.stderr
    assert "Traceback" not in done.stderr
