"""`rdo lab`: hosts from our RPMs alone boot, install packages, and are removed without a trace."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import pytest

from rdo.roots.platform.definition import built_in_platform
from tests.e2e.command import CONSTRAINTS, PLATFORM, REPOSITORY, Result, platforms
from tests.e2e.distribution import Distribution
from tests.long import guest
from tests.long.namespaces import left_of_labs


def on(factory: Distribution, host: str, *command: str) -> Result:
    return factory.rdo("lab", "ssh", host, "--", *command)


def test_a_lab_boots_installs_and_goes(factory: Distribution) -> None:
    up = factory.rdo("lab", "up", "try", "--hosts", 2, "--json")

    assert up.code == 0, up.stderr
    [lab] = up.json
    assert (lab["state"], [host["name"] for host in lab["hosts"]]) == ("up", ["host1", "host2"])
    started = on(factory, "host1", "systemctl is-system-running --wait").stdout
    failed = on(factory, "host1", "systemctl --failed --no-legend; journalctl -b -p 4 --no-pager")
    assert started == "running\n", failed.stdout
    assert on(factory, "host1", "hostname").stdout == "host1\n"
    assert on(factory, "try/host2", "cat", "/proc/1/comm").stdout == "systemd\n"

    for host in ("host1", "host2"):  # no group holds a process of another host, which reads as 0
        members = on(factory, host, "find /sys/fs/cgroup -name cgroup.procs -exec cat {} +").stdout
        assert (members.split().count("0"), "1" in members.split()) == (0, True)

    keys = on(factory, "host1", "cd /etc/ssh && ls ssh_host_*").stdout.split()
    assert keys == ["ssh_host_ed25519_key", "ssh_host_ed25519_key.pub"]  # each host has its own

    image = factory.folder / "guest.img"
    assert factory.rdo("lab", "guest-image", image).code == 0
    digest = on(factory, "host1", "sha256sum </usr/share/rdo-guest-image/guest.img").stdout
    assert digest.split()[0] == hashlib.sha256(image.read_bytes()).hexdigest()

    installed = on(factory, "host1", "dnf", "install", "-y", "python3-greeting")
    assert installed.code == 0, installed.stdout + installed.stderr
    shown = on(factory, "host1", "python3 -c 'import greeting; print(greeting.version)'")
    assert shown.stdout == "1.0\n"
    assert on(factory, "host2", "rpm", "-q", "python3-greeting").code == 1

    assert on(factory, "host1", "ping", "-c1", "-W2", "host2").code == 0
    assert on(factory, "host1", "ping", "-c1", "-W2", "10.88.0.1").code == 0

    again = factory.rdo("lab", "up", "try")
    assert (again.code, "there is a lab try already" in again.stderr) == (5, True)

    assert factory.rdo("lab", "reset", "try").code == 0
    assert on(factory, "host1", "rpm", "-q", "python3-greeting").code == 1

    assert factory.rdo("lab", "down", "try").code == 0
    assert left_of_labs(factory.folder) == []


def test_what_rpm_finds_changed_on_a_fresh_host_is_what_the_page_explains(
    factory: Distribution,
) -> None:
    page = (REPOSITORY / "docs/how-to/lab.md").read_text().partition("`rpm -Va` on a fresh host")[2]
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    patterns = [pattern for row in rows for pattern in re.findall(r"`([^`]+)`", row)]
    assert factory.rdo("lab", "up", "try").code == 0

    lines = on(factory, "host1", "rpm -Va").stdout.splitlines()

    changed = {line.split()[-1] for line in lines}
    assert {one for one in changed if not any(fnmatch(one, x) for x in patterns)} == set()
    assert {x for x in patterns if not any(fnmatch(one, x) for one in changed)} == set()


def test_no_way_leads_out_of_a_lab(factory: Distribution) -> None:
    assert factory.rdo("lab", "up", "try").code == 0
    addresses = subprocess.run(["hostname", "-I"], check=True, capture_output=True, text=True)

    for address in (*addresses.stdout.split(), "192.0.2.1"):
        assert on(factory, "host1", "ping", "-c1", "-W1", address).code != 0
    links = on(factory, "host1", "ip -o link | wc -l").stdout
    assert links == "2\n"  # lo, and the cable to the bridge
    outside = json.loads((factory.folder / "data/labs/try/keeper.json").read_text())["pid"]
    bridge = subprocess.run(
        ["nsenter", f"--net=/proc/{outside}/ns/net", "ip", "-o", "link"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert [line.split()[1].split("@")[0].rstrip(":") for line in bridge.splitlines()] == [
        "lo",
        "lab0",
        "cable0",
    ]


def test_root_of_a_host_is_nobody_outside(factory: Distribution) -> None:
    assert factory.rdo("lab", "up", "try", "--memory", 1).code == 0

    # A machine's root could do each of these.
    for act in (
        "mount -t ext4 /dev/vda /mnt",
        "echo 1 > /proc/sys/kernel/panic",
        "date -s 2000-01-01",
    ):
        assert on(factory, "host1", act).code != 0
    maps = on(factory, "host1", "cat", "/proc/self/uid_map").stdout.split()
    assert int(maps[1]) > 0
    eats = "python3 -c 'print(len(bytearray(3 << 29)))'"
    assert on(factory, "host1", eats).code != 0  # more than the lab may use
    assert on(factory, "host1", "true").code == 0
    assert on(factory, "host1", "ls /dev/vda /dev/sda /dev/kmsg").code != 0


def test_two_labs_do_not_know_each_other(factory: Distribution) -> None:
    assert factory.rdo("lab", "up", "one").code == 0
    assert factory.rdo("lab", "up", "two", "--hosts", 2).code == 0

    assert on(factory, "one/host1", "touch", "/root/mine").code == 0
    assert on(factory, "two/host1", "test", "-e", "/root/mine").code == 1
    ids = [
        on(factory, f"{lab}/host1", "cat", "/proc/self/uid_map").stdout for lab in ("one", "two")
    ]
    assert ids[0] != ids[1]
    owner = on(factory, "two/host1", "stat", "-c", "%u %U", "/usr/bin/chage", "/var/lib/chrony")
    assert owner.stdout.split()[::2] == [
        "0",
        on(factory, "two/host1", "id -u _chrony").stdout.strip(),
    ]
    assert on(factory, "one/host1", "ping", "-c1", "-W1", "host2").code != 0
    several = on(factory, "host1", "true")
    assert (several.code, "there are several labs: one, two" in several.stderr) == (2, True)
    assert factory.rdo("lab", "down", "one").code == 0
    assert on(factory, "host2", "true").code == 0


def test_a_host_comes_back_from_a_reboot_with_its_files(factory: Distribution) -> None:
    assert factory.rdo("lab", "up", "try").code == 0
    assert on(factory, "host1", "touch", "/root/mine").code == 0
    before = on(factory, "host1", "cat", "/proc/sys/kernel/random/boot_id").stdout

    on(factory, "host1", "systemctl", "reboot")
    after = before
    deadline = time.monotonic() + 60
    while after in ("", before) and time.monotonic() < deadline:
        time.sleep(0.2)
        after = on(factory, "host1", "cat", "/proc/sys/kernel/random/boot_id").stdout

    assert after not in ("", before)
    assert on(factory, "host1", "test", "-e", "/root/mine").code == 0


def test_a_lab_that_was_ended_from_outside_is_reported_and_started_again(
    factory: Distribution,
) -> None:
    assert factory.rdo("lab", "up", "try").code == 0
    keeper = json.loads((factory.folder / "data/labs/try/keeper.json").read_text())["pid"]

    os.kill(keeper, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while Path(f"/proc/{keeper}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    [lab] = factory.rdo("lab", "list", "--json").json
    assert lab["state"] == "stopped"
    told = on(factory, "host1", "true")
    assert (told.code, "rdo lab reset try" in told.stderr) == (3, True)
    assert factory.rdo("lab", "reset", "try").code == 0
    assert on(factory, "host1", "true").code == 0


def run_and_kill(
    factory: Distribution, seconds: float, begun: Callable[[], bool], *args: str
) -> None:
    """Run `rdo lab ARGS` and kill it `seconds` after it has begun its work."""
    environment = {
        **os.environ,
        "RDO_PLATFORMS": platforms(),
        "RDO_BRIDGE__CONSTRAINTS": str(CONSTRAINTS),
    }
    command = [sys.executable, "-m", "rdo", "lab", *args]
    with subprocess.Popen(
        command,
        cwd=factory.folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 60
        while not begun() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(seconds)
        process.kill()


@pytest.mark.parametrize("seconds", [0.0, 0.4, 0.8, 1.2, 1.8, 2.6])
def test_a_killed_up_leaves_a_whole_lab_or_none(factory: Distribution, seconds: float) -> None:
    assert factory.rdo("lab", "up", "warm").code == 0
    assert factory.rdo("lab", "down", "warm").code == 0

    folder = factory.folder / "data/labs/try"
    run_and_kill(factory, seconds, folder.exists, "up", "try", "--hosts", "2")

    labs = factory.rdo("lab", "list", "--json").json
    if labs:  # it was faster
        assert [lab["state"] for lab in labs] == ["up"]
        assert on(factory, "host2", "true").code == 0
        assert factory.rdo("lab", "down", "try").code == 0
    assert left_of_labs(factory.folder) == []


@pytest.mark.parametrize(
    ("verb", "seconds"), [("reset", 0.0), ("reset", 0.3), ("reset", 1.0), ("down", 0.0)]
)
def test_a_killed_reset_or_down_leaves_what_the_next_command_ends(
    factory: Distribution, verb: str, seconds: float
) -> None:
    assert factory.rdo("lab", "up", "try", "--hosts", 2).code == 0
    keeper = json.loads((factory.folder / "data/labs/try/keeper.json").read_text())["pid"]

    run_and_kill(factory, seconds, lambda: not Path(f"/proc/{keeper}").exists(), verb, "try")

    for lab in factory.rdo("lab", "list", "--json").json:
        assert lab["state"] in ("up", "stopped")
        assert factory.rdo("lab", "reset", "try").code == 0
        assert on(factory, "host2", "true").code == 0
        assert factory.rdo("lab", "down", "try").code == 0
    assert left_of_labs(factory.folder) == []


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("up", "Not-a-name"), 2, "cannot be the name of a lab"),
        (("up", "try", "--name", "nothing"), 4, "has no repository nothing yet"),
        (("up", "try", "--hosts", "0"), 2, "a lab has 1 to 200 hosts"),
        (("down", "none"), 4, "there is no lab 'none'"),
        (("reset", "none"), 4, "there is no lab 'none'"),
        (("ssh", "host1"), 4, "there is no lab"),
    ],
)
def test_a_mistake_is_reported_and_starts_nothing(
    factory: Distribution, args: tuple[str, ...], code: int, said: str
) -> None:
    done = factory.rdo("lab", *args)

    assert (done.code, said in done.stderr) == (code, True), done.stderr
    assert left_of_labs(factory.folder) == []


def test_a_dry_run_starts_nothing(factory: Distribution) -> None:
    done = factory.rdo("lab", "up", "try", "--hosts", 2, "--dry-run", "--json")

    assert (done.code, done.json["hosts"]) == (0, 2)
    assert factory.rdo("lab", "list", "--json").json == []


SERVICES = {
    "mariadb": "disabled",
    "rabbitmq-server": "disabled",
    "memcached": "disabled",
    "httpd": "disabled",
    "crond": "enabled",
    "rsyslog": "enabled",
    "redis": "disabled",
    "openvswitch": "disabled",
    "ovn-northd": "disabled",
    "ovn-controller": "disabled",
    "libvirtd": "enabled",
    "sshd": "enabled",
    "chronyd": "enabled",
    "iptables": "disabled",
}
"""The units of the platform's set `services`, and whether EL enables them at installation."""

STARTED = [name for name in SERVICES if name != "chronyd"]
"""The clock of a lab is the machine's."""

CALLED = """\
mariadb-server-galera openvswitch-ovn-central openvswitch-ovn-host openvswitch-ovn-common yum nc
httpd-tools mod_ssl iptables-nft-services audit sos yum-utils openstack-selinux"""
"""Names by which EL's roles look for packages."""

EL_DATABASE = """\
[mysqld]
log-error = /var/log/mariadb/mariadb.log
pid-file = /run/mariadb/mariadb.pid
"""
"""What /etc/my.cnf.d/mariadb-server.cnf says on EL."""

OPEN_NORTHBOUND = "OVN_NORTHD_OPTS=--db-nb-create-insecure-remote=yes"
"""The file of options that puppet-ovn writes for EL's ovn-northd.service."""

WSGI = """\
WSGIScriptAlias /answer /var/www/cgi-bin/answer
"""
APPLICATION = """\
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"from python"]
"""


def test_every_service_of_a_cloud_is_installed_as_on_el_and_starts(factory: Distribution) -> None:
    assert factory.rdo("platform", "deps", "add", "@services").code == 0
    assert factory.rdo("lab", "up", "try").code == 0
    names = built_in_platform(PLATFORM).sets["services"]

    installed = on(factory, "host1", "dnf", "install", "-y", *names)

    assert installed.code == 0, installed.stdout + installed.stderr
    states = on(factory, "host1", "systemctl", "is-enabled", *SERVICES).stdout.split()
    assert dict(zip(SERVICES, states, strict=True)) == SERVICES
    on(factory, "host1", f"echo '{WSGI}' > /etc/httpd/conf.d/answer.conf")
    on(factory, "host1", f"echo '{APPLICATION}' > /var/www/cgi-bin/answer")
    on(factory, "host1", f"echo '{EL_DATABASE}' > /etc/my.cnf.d/mariadb-server.cnf")
    on(factory, "host1", f"echo '{OPEN_NORTHBOUND}' > /etc/sysconfig/ovn-northd")
    started = on(factory, "host1", "systemctl", "start", *STARTED)
    assert started.code == 0, on(factory, "host1", "journalctl", "-b", "-p3", "--no-pager").stdout
    states = on(factory, "host1", "systemctl", "is-active", *STARTED).stdout.split()
    assert states == ["active"] * len(STARTED)
    assert on(factory, "host1", "mariadb -e 'select 6 * 7' | tail -n1").stdout == "42\n"
    assert on(factory, "host1", "httpd -t").code == 0
    assert on(factory, "host1", "curl -s localhost/answer").stdout == "from python"
    units = on(factory, "host1", "systemctl list-unit-files --no-legend 'apache*' 'httpd*'").stdout
    assert units.split()[0::3] == ["httpd.service"]
    assert on(factory, "host1", "systemctl enable httpd crond sshd redis ovn-northd").code == 0
    named = on(factory, "host1", "rpm", "-q", "--whatprovides", *CALLED.split())
    assert named.code == 0, named.stdout
    assert on(factory, "host1", "/usr/libexec/qemu-kvm --version && nc -h").code == 0
    assert on(factory, "host1", "yum-config-manager --dump && repoquery --help").code == 0
    assert on(factory, "host1", "ss -Htln sport = 6641").stdout.split()[3:4] == ["0.0.0.0:6641"]
    assert on(factory, "host1", "python3 -c 'import libvirt, pymysql'").code == 0

    begun = on(factory, "host1", guest.START)
    assert begun.code == 0, begun.stderr
    assert on(factory, "host1", guest.WAIT).stdout == guest.LEASE
    failed = on(factory, "host1", "grep 'ended with' /var/log/rdo-host.log")
    assert (failed.code, failed.stdout) == (1, "")
