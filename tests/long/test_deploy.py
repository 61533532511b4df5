"""`rdo deploy`: keystone installed on a lab host by ssh, from packages that we built."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from rdo.lab.labs import control_group
from rdo.tools.children.hosts.keep_lab import group_tops
from tests.conftest import GitRepository
from tests.e2e.command import REPOSITORY, Result, needs_roots, rdo

pytestmark = [
    needs_roots,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a lab"),
]

EXAMPLE = REPOSITORY / "examples/cloud"
PACKAGES = ("python-oslo-config", "openstack-keystone", "python-openstackclient")
BELOW = ("mariadb-server", "rabbitmq-server", "memcached", "httpd", "python3-mod_wsgi", "cronie")
FIREWALLS = ("iptables-services", "nftables", "firewalld")
HOST = "10.88.0.11"
OFF = ("CONFIG_GLANCE_INSTALL", "CONFIG_NOVA_INSTALL", "CONFIG_NEUTRON_INSTALL")
PLACES = ("CONTROLLER_HOST", "COMPUTE_HOSTS", "NETWORK_HOSTS", "MARIADB_HOST", "AMQP_HOST")


@dataclass(frozen=True, slots=True)
class Lab:
    """A factory with one lab host, and the folder of the cloud on it."""

    factory: Path

    @property
    def folder(self) -> Path:
        return self.factory / "data/labs/cloud"

    @property
    def journal(self) -> Path:
        return self.factory / "cloud/journal.jsonl"

    def inside(self, *command: str) -> list[str]:
        """Return a command as it runs in the lab's network, outside of its hosts."""
        keeper = json.loads((self.folder / "keeper.json").read_text())["pid"]
        return ["nsenter", f"--net=/proc/{keeper}/ns/net", "--", *command]

    def command(self, verb: str, identity: Path | None = None) -> list[str]:
        """Return `rdo deploy VERB` for keystone on the lab's host."""
        answers = [f"CONFIG_{place}={HOST}" for place in PLACES]
        answers += [f"{key}=n" for key in (*OFF, "CONFIG_PROVISION_DEMO")]
        command = [sys.executable, "-m", "rdo", "deploy", verb, "--json"]
        if verb != "check":
            command += ["--state", str(self.factory / "cloud")]
        command += [part for one in answers for part in ("--answer", one)]
        if verb != "status":
            key, known = identity or self.folder / "key", self.folder / "known_hosts"
            command += ["--identity", str(key), "--known-hosts", str(known)]
        return self.inside(*command)

    def deploy(self, verb: str, *more: str, identity: Path | None = None) -> Result:
        """Run `rdo deploy` in the lab's network."""
        command = [*self.command(verb, identity), *more]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    def is_open(self, port: int) -> bool:
        """Whether the host lets somebody else connect to a port."""
        asked = f"import socket; socket.create_connection(({HOST!r}, {port}), timeout=3)"
        command = self.inside(sys.executable, "-c", asked)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def changes(self, verb: str = "plan") -> list[str]:
        """Return the changes that a run plans or made."""
        done = self.deploy(verb)
        assert done.code == 0, done.stdout + done.stderr
        return [one for step in done.json["steps"] for one in step["changes"]]

    def on_host(self, command: str) -> str:
        done = rdo("lab", "ssh", "cloud/host1", "--", command, cwd=self.factory, constraints=None)
        assert done.code == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab host, and keystone's packages in a repository that it installs from."""
    factory = tmp_path_factory.mktemp("cloud")
    _distribution(factory)
    for command in (
        ("trunk", "run"),
        ("platform", "deps", "add", "@host", *BELOW, *FIREWALLS),
        ("lab", "up", "cloud"),
    ):
        done = rdo(*command, cwd=factory, constraints=None)
        assert done.code == 0, done.stdout + done.stderr
    yield Lab(factory)
    rdo("lab", "down", "cloud", cwd=factory, constraints=None)


def _distribution(factory: Path) -> None:
    """Write the part of the example cloud that keystone needs."""
    shutil.copy(EXAMPLE / "upper-constraints.txt", factory)
    text = (EXAMPLE / "rdo.toml").read_text()
    (factory / "rdo.toml").write_text(text)
    distgits = factory / "distgits"
    info = yaml.safe_load((EXAMPLE / "info/cloud.yml").read_text())
    info["package-default"]["distgit"] = f"file://{distgits}/%(name)s"
    info["packages"] = [one for one in info["packages"] if one["name"] in PACKAGES]
    (factory / "info").mkdir()
    (factory / "info/cloud.yml").write_text(yaml.safe_dump(info, sort_keys=False))
    for name in PACKAGES:
        files = {one.name: one.read_text() for one in (EXAMPLE / "distgits" / name).iterdir()}
        GitRepository(distgits / name, branch="cloud-rdo").commit("Package it", files)


def test_a_plan_writes_nothing_and_shows_no_secret(lab: Lab) -> None:  # P4
    before = _tree(lab)

    done = lab.deploy("plan")

    assert done.code == 0, done.stderr
    assert done.json["changes"] > 10
    assert _tree(lab) == before
    assert not (lab.factory / "cloud").exists()


def test_keystone_is_installed_and_gives_a_token_and_a_second_run_changes_nothing(
    lab: Lab,
) -> None:  # P8, P15
    done = lab.deploy("apply")
    assert done.code == 0, done.stdout + done.stderr
    assert done.json["changed"] >= done.json["changes"] > 10

    token = lab.on_host(". /root/keystonerc_admin; openstack token issue -f value -c id")
    mode = lab.on_host("stat -c %a /root/keystonerc_admin")
    again = lab.deploy("apply")
    status = lab.deploy("status")

    assert len(token.strip()) > 100
    assert mode == "600\n"
    assert (again.json["changed"], again.json["steps"]) == (0, [])
    assert status.json["last_run"][-1]["what"] == "finished"
    secrets = json.loads((lab.factory / "cloud/secrets.json").read_text()).values()
    said = "".join((done.stdout, done.stderr, again.stdout, *_logs(lab)))
    assert not [one for one in secrets if one in said]


def test_what_was_changed_by_hand_is_named_exactly_and_mended_exactly(lab: Lab) -> None:
    lab.on_host("sed -i 's/^provider *=.*/provider = jws/' /etc/keystone/keystone.conf")
    lab.on_host("systemctl stop memcached")
    lab.on_host(
        "mysql keystone -e \"UPDATE endpoint SET url = 'http://192.0.2.1' "
        "WHERE interface = 'admin'\""
    )

    found = lab.changes()
    mended = lab.changes("apply")

    expected = [
        "memcached: start",
        "/etc/keystone/keystone.conf: [token] provider",
        "endpoint keystone admin: http://192.0.2.1",
    ]
    assert (found, mended, lab.changes()) == (expected, expected, [])


def test_the_cloud_verifies_and_the_result_is_junit(lab: Lab, tmp_path: Path) -> None:  # P14
    done = lab.deploy("verify", "--junit", str(tmp_path / "result.xml"))

    assert done.code == 0, done.stdout + done.stderr
    assert [one["name"] for one in done.json["checks"]] == ["token", "cleaned up"]
    assert 'failures="0"' in (tmp_path / "result.xml").read_text()


def test_a_check_waits_for_whoever_is_at_work_on_the_host(lab: Lab) -> None:
    held = "sh -c 'touch /run/is-held; sleep 15; rm /run/is-held'"
    lab.on_host(f"systemd-run flock /run/lock/rdo-deploy.lock {held}")
    lab.on_host("until [ -e /run/is-held ]; do sleep 0.1; done")

    done = lab.deploy("verify")

    assert done.code == 0, done.stdout + done.stderr
    assert lab.on_host("[ -e /run/is-held ] || echo released") == "released\n"


def test_a_port_that_a_stranger_has_taken_is_reported_before_anything_is_changed(lab: Lab) -> None:
    lab.on_host("systemctl stop memcached")
    lab.on_host("systemd-run --unit=stranger python3 -m http.server 11211 --bind 127.0.0.1")
    try:
        lab.on_host("until ss -ltn | grep -q :11211; do sleep 0.1; done")
        done = lab.deploy("apply")
    finally:
        lab.on_host("systemctl stop stranger")

    assert done.code == 5
    assert f"{HOST}: memcached: port 11211, which memcached needs, is taken by python3" in (
        done.stderr
    )
    assert "stop it, then apply again" in done.stderr
    assert lab.changes("apply") == ["memcached: start"]


RULES = {
    "iptables": """
cat >/etc/sysconfig/iptables <<'END'
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
COMMIT
END
""",
    "nftables": """
cat >/etc/nftables.conf <<'END'
flush ruleset
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    iif lo accept
    tcp dport 22 accept
  }
}
END
""",
    "firewalld": "",
}
"""Firewalls as EL and their projects set them up: ssh is let in, and nothing else."""


STRANGER = "python3 -m http.server 8000"


@pytest.mark.parametrize("kind", RULES)
def test_a_firewall_stays_and_lets_in_what_others_use(lab: Lab, kind: str) -> None:
    package = {"iptables": "iptables-services"}.get(kind, kind)
    lab.on_host(f"dnf install -y -q {package}; systemd-run --unit=stranger {STRANGER}")
    lab.on_host(f"{RULES[kind]}\nsystemctl enable --now {kind}")
    try:
        _wait_for(lambda: not lab.is_open(8000))
        was_open = lab.is_open(5000)
        found = lab.changes()
        mended = lab.changes("apply")
        again = lab.changes()
        lab.on_host(f"systemctl restart {kind}")
        _wait_for(lambda: not lab.is_open(8000))
        reached = {port: lab.is_open(port) for port in (5000, 22, 8000)}
    finally:
        lab.on_host(f"systemctl stop stranger; systemctl disable --now {kind}")
        lab.on_host("! command -v nft >/dev/null || nft flush ruleset")

    expected = [f"{kind}: open tcp 5000 to everybody"]
    assert (was_open, found, mended, again) == (False, expected, expected, [])
    assert reached == {5000: True, 22: True, 8000: False}


def test_a_host_without_a_firewall_gets_none(lab: Lab) -> None:
    assert lab.changes() == []
    assert lab.is_open(5000)


@pytest.mark.parametrize("fault", ["frozen", "cut off"])
def test_a_host_that_goes_silent_is_reported_and_the_next_run_completes(
    lab: Lab, fault: str
) -> None:  # P6
    _before_memcached(lab, "sleep 40")
    with subprocess.Popen(
        lab.command("apply"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        _wait_for(lambda: '"begin"' in _last_run(lab) and "memcached" in _last_run(lab))
        _silence(lab, fault, on=True)
        try:
            _, said = run.communicate(timeout=300)
        finally:
            _silence(lab, fault, on=False)
    _before_memcached(lab, "")

    assert run.returncode == 6
    assert f"{HOST}: memcached: stopped answering" in said
    assert "apply again" in said
    assert lab.changes("apply") == ["memcached: start"]
    assert lab.changes() == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("echo Error: err: nothing is wrong", 0, f"{HOST}: memcached"),
        ("false", 5, f"{HOST}: memcached: memcached does not start"),
    ],
)
def test_success_depends_on_the_service_and_not_on_its_log(
    lab: Lab, words: str, code: int, said: str
) -> None:  # P7
    _before_memcached(lab, words)
    done = lab.deploy("apply")
    _before_memcached(lab, "")

    assert (done.code, said in done.stderr) == (code, True), done.stderr
    assert lab.changes("apply") == ["memcached: start"]


def _before_memcached(lab: Lab, words: str) -> None:
    """Stop memcached, and let a command run each time before it starts."""
    line = f"ExecStartPre={words}" if words else ""
    folder = "/run/systemd/system/memcached.service.d"
    lab.on_host(
        f"mkdir -p {folder}; printf '[Service]\n{line}\n' >{folder}/before.conf; "
        "systemctl daemon-reload; systemctl stop memcached"
    )


def test_a_host_that_does_not_let_us_in_is_reported(lab: Lab, tmp_path: Path) -> None:
    strange = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", strange], check=True)

    for verb in ("plan", "check", "verify"):
        done = lab.deploy(verb, identity=strange)

        assert done.code == 6
        assert f"{HOST} cannot be reached" in done.stdout + done.stderr


def test_a_full_disk_is_reported_with_host_step_and_remedy(lab: Lab) -> None:
    lab.on_host(
        "mount -t tmpfs -o size=4k tmpfs /etc/httpd/conf.d; "
        "cat /dev/zero >/etc/httpd/conf.d/full || true"
    )
    try:
        done = lab.deploy("apply")
    finally:
        lab.on_host("umount /etc/httpd/conf.d")

    assert done.code == 5
    assert f"{HOST}: Keystone: the disk is full" in done.stderr
    assert "free some space" in done.stderr
    assert lab.changes("apply") == []


def test_a_repository_that_is_away_is_reported_with_host_step_and_remedy(lab: Lab) -> None:
    lab.on_host(
        "rpm -e --nodeps memcached; dnf -q clean all; cp -a /etc/yum.repos.d /root/repos; "
        "sed -i 's#http://[^/]*#http://10.88.0.1:1#' /etc/yum.repos.d/*.repo"
    )
    try:
        done = lab.deploy("apply")
    finally:
        lab.on_host("rm -r /etc/yum.repos.d; mv /root/repos /etc/yum.repos.d")

    assert done.code == 5
    assert f"{HOST}: Packages: the repository " in done.stderr
    assert "cannot be reached" in done.stderr
    assert "makecache" in done.stderr
    assert lab.changes("apply")[:1] == ["install memcached"]
    assert lab.changes() == []


def _silence(lab: Lab, fault: str, *, on: bool) -> None:
    """Freeze the lab's hosts or unplug their network; or undo it."""
    if fault == "frozen":
        group = control_group(lab.folder)
        [file] = [
            one / group / "cgroup.freeze"
            for one in group_tops()
            if (one / "cgroup.controllers").exists()
        ]
        file.write_text("1" if on else "0")
    else:
        command = lab.inside("ip", "link", "set", "cable0", "down" if on else "up")
        subprocess.run(command, check=True)
    if not on:
        _wait_for(lambda: lab.is_open(22))


def _last_run(lab: Lab) -> str:
    """Return the last line of the journal, and that before it."""
    return "".join(lab.journal.read_text().splitlines(keepends=True)[-2:])


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _tree(lab: Lab) -> list[str]:
    """Return every byte of the host's file system, except files that its services write."""
    own = f"\\( {' -o '.join(f'-path {one}' for one in OWN)} \\) -prune"
    every = f"find / -xdev {own} -o -printf '%p %y %m %U %G %T@ %l\\n' | sort"
    content = f"find / -xdev {own} -o -type f -print0 | sort -z | xargs -0 sha256sum"
    return lab.on_host(f"{every}; {content}").splitlines()


OWN = (
    *("/proc", "/sys", "/run", "/dev", "/var/lib/systemd", "/var/log/journal", "/var/log/auth.log"),
    *("/var/log/syslog", "/var/log/wtmp", "/var/log/btmp", "/var/log/lastlog"),
)
"""What the host itself writes, also when somebody logs in."""


def _logs(lab: Lab) -> list[str]:
    folder = lab.factory / "cloud"
    return [(folder / name).read_text() for name in ("install.log", "journal.jsonl")]
