"""`rdo deploy`: keystone installed on a lab host by ssh, from packages that we built."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import GitRepository
from tests.e2e.command import REPOSITORY, Result, needs_roots, rdo

pytestmark = [
    needs_roots,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a lab"),
]

EXAMPLE = REPOSITORY / "examples/cloud"
PACKAGES = ("python-oslo-config", "openstack-keystone", "python-openstackclient")
BELOW = ("mariadb-server", "rabbitmq-server", "memcached", "httpd", "python3-mod_wsgi", "cronie")
HOST = "10.88.0.11"
OFF = ("CONFIG_GLANCE_INSTALL", "CONFIG_NOVA_INSTALL", "CONFIG_NEUTRON_INSTALL")
PLACES = ("CONTROLLER_HOST", "COMPUTE_HOSTS", "NETWORK_HOSTS", "MARIADB_HOST", "AMQP_HOST")


@dataclass(frozen=True, slots=True)
class Lab:
    """A factory with one lab host, and the folder of the cloud on it."""

    factory: Path

    def deploy(self, verb: str, *more: str) -> Result:
        """Run `rdo deploy` in the lab's network."""
        lab = self.factory / "data/labs/cloud"
        keeper = json.loads((lab / "keeper.json").read_text())["pid"]
        answers = [f"CONFIG_{place}={HOST}" for place in PLACES]
        answers += [f"{key}=n" for key in (*OFF, "CONFIG_PROVISION_DEMO")]
        command = ["nsenter", f"--net=/proc/{keeper}/ns/net", "--", sys.executable, "-m", "rdo"]
        command += ["deploy", verb, "--state", str(self.factory / "cloud"), "--json"]
        command += [part for one in answers for part in ("--answer", one)]
        if verb != "status":
            command += ["--identity", str(lab / "key"), "--known-hosts", str(lab / "known_hosts")]
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    def changes(self, verb: str = "plan") -> list[str]:
        """Return what would be changed, or was."""
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
        ("platform", "deps", "add", "@host", *BELOW),
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
) -> None:
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


def test_the_cloud_verifies_and_the_result_is_junit(lab: Lab, tmp_path: Path) -> None:
    done = lab.deploy("verify", "--junit", str(tmp_path / "result.xml"))

    assert done.code == 0, done.stdout + done.stderr
    assert [one["name"] for one in done.json["checks"]] == ["token", "cleaned up"]
    assert 'failures="0"' in (tmp_path / "result.xml").read_text()


def test_a_port_that_a_stranger_has_taken_is_told_before_anything_is_changed(lab: Lab) -> None:
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


def _tree(lab: Lab) -> Any:
    """Return all that a host's file system has, but for what its own services write."""
    own = r"\( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path /var/log \) -prune"
    command = f"find / -xdev {own} -o -type f -printf '%p %m %s %T@\\n' | sort"
    return [line for line in lab.on_host(command).splitlines() if "/var/lib/systemd" not in line]


def _logs(lab: Lab) -> list[str]:
    folder = lab.factory / "cloud"
    return [(folder / name).read_text() for name in ("install.log", "journal.jsonl")]
