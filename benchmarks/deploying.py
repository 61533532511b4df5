"""The same 20 resources of a host by `rdo deploy`'s engine and by ansible-core, over real ssh.

    python -m benchmarks.deploying

ansible-core comes from PyPI into an environment of its own, and runs with pipelining and kept
connections. The host is an ssh server in a network namespace of the benchmark; needs root.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import asdict, dataclass
from pathlib import Path

from rdo.deploy.install.engine import looked
from rdo.deploy.install.steps import Step
from rdo.deploy.wanted import Wanted, WantedFile, WantedFolder, WantedLink, WantedSettings
from rdo.tools.hosts.access import Host, SshAccess

_HOST = "127.0.0.2"
_RUNS = 3
_FILES, _SETTINGS, _LINKS, _FOLDERS = 8, 6, 3, 3
_SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
_SSHD_CONFIG = """\
ListenAddress {host}
HostKey {folder}/host-key
AuthorizedKeysFile {folder}/key.pub
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
"""
# All of it ends with the first process of the namespace.
_BEGIN = f"""\
set -e
ip link set lo up
mount -t tmpfs none /run
mkdir -p /run/sshd
{_SSHD} -f "$1"
until (echo > /dev/tcp/{_HOST}/22) 2> /run/refused; do sleep 0.05; done
shift
exec "$@"
"""
_ANSIBLE_CONFIG = """\
[defaults]
interpreter_python = {python}
[ssh_connection]
pipelining = True
ssh_args = -o ControlMaster=auto -o ControlPersist=60s {access}
"""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds for 20 resources: the first run, which makes them, and the best of those after it."""

    rdo_first: float
    rdo_again: float
    ansible_first: float
    ansible_again: float

    @property
    def ratio(self) -> float:
        """How many times as long ansible takes for a run that changes nothing."""
        return self.ansible_again / self.rdo_again


def measure() -> Times:
    """Apply the resources by both, each in a place of its own, several times."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in ("host-key", "key"):
            made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(made, check=True)
        public = " ".join((folder / "host-key.pub").read_text().split()[:2])
        (folder / "known").write_text(f"{_HOST} {public}\n")
        (folder / "sshd.conf").write_text(_SSHD_CONFIG.format(host=_HOST, folder=folder))
        venv.create(folder / "ansible", with_pip=True)
        pip = [str(folder / "ansible/bin/pip"), "install", "--quiet", "ansible-core"]
        subprocess.run(pip, check=True)
        own = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        inner = (sys.executable, "-m", "benchmarks.deploying", str(folder))
        begin = ("unshare", *own, "--", "bash", "-c", _BEGIN, "bash", str(folder / "sshd.conf"))
        done = subprocess.run([*begin, *inner], check=True, stdout=subprocess.PIPE, text=True)
        return Times(**json.loads(done.stdout))


def _inside(folder: Path) -> Times:
    """Do the runs, beside the ssh server."""
    (folder / "rdo").mkdir()
    wants = _wants(folder / "rdo")
    ours = [_rdo(folder, wants) for _ in range(_RUNS + 1)]
    (folder / "other").mkdir()
    _write_playbook(folder, folder / "other")
    theirs = [_ansible(folder) for _ in range(_RUNS + 1)]
    return Times(ours[0], min(ours[1:]), theirs[0], min(theirs[1:]))


def _wants(place: Path) -> tuple[Wanted, ...]:
    return (
        *(WantedFolder(f"{place}/folder{number}") for number in range(_FOLDERS)),
        *(WantedFile(f"{place}/file{number}", "a line\n" * 50) for number in range(_FILES)),
        *(
            WantedSettings(f"{place}/settings{number}.conf", {"DEFAULT": {"debug": "True"}})
            for number in range(_SETTINGS)
        ),
        *(WantedLink(f"{place}/link{number}", f"{place}/file0") for number in range(_LINKS)),
    )


def _rdo(folder: Path, wants: tuple[Wanted, ...]) -> float:
    started = time.perf_counter()
    access = SshAccess("root", identity=folder / "key", known_hosts=folder / "known")
    steps = [Step("benchmark", "Benchmark", {_HOST: wants})]
    with looked([Host(_HOST, access)], steps, [], folder / "log") as found:
        found.carry_out(lambda _event, _step: None)
    return time.perf_counter() - started


def _write_playbook(folder: Path, place: Path) -> None:
    """Write the same resources as a playbook of ansible-core's own modules."""
    (folder / "content").write_text("a line\n" * 50)
    tasks: list[dict[str, object]] = [
        {"file": {"path": f"{place}/folder{number}", "state": "directory", "mode": "0755"}}
        for number in range(_FOLDERS)
    ]
    tasks += [
        {"copy": {"src": f"{folder}/content", "dest": f"{place}/file{number}", "mode": "0644"}}
        for number in range(_FILES)
    ]
    tasks += [
        {
            "lineinfile": {
                "path": f"{place}/settings{number}.conf",
                "create": True,
                "regexp": "^debug",
                "line": "debug = True",
                "mode": "0640",
            }
        }
        for number in range(_SETTINGS)
    ]
    tasks += [
        {"file": {"path": f"{place}/link{number}", "src": f"{place}/file0", "state": "link"}}
        for number in range(_LINKS)
    ]
    play = {"hosts": "all", "gather_facts": False, "remote_user": "root", "tasks": tasks}
    (folder / "play.json").write_text(json.dumps([play]))
    access = f"-o UserKnownHostsFile={folder}/known -i {folder}/key"
    config = _ANSIBLE_CONFIG.format(python=sys.executable, access=access)
    (folder / "ansible.cfg").write_text(config)


def _ansible(folder: Path) -> float:
    started = time.perf_counter()
    command = [str(folder / "ansible/bin/ansible-playbook"), "-i", f"{_HOST},"]
    subprocess.run(
        [*command, str(folder / "play.json")],
        env={**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "HOME": str(folder)},
        stdout=sys.stderr,
        check=True,
    )
    return time.perf_counter() - started


def main() -> None:
    if len(sys.argv) > 1:
        with contextlib.redirect_stdout(sys.stderr):
            times = _inside(Path(sys.argv[1]))
        sys.stdout.write(json.dumps(asdict(times)))
    else:
        times = measure()
        json.dump({**asdict(times), "ratio": times.ratio}, sys.stdout, indent=2)
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
