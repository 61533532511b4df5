"""The settings of a host: files that rdo lays over its image."""

import shutil
from pathlib import Path

import pytest

from rdo.lab.addresses import HostAddress
from rdo.lab.settings_layer import HostSettings, known_host
from rdo.tools.hosts import lab_ssh

pytestmark = pytest.mark.skipif(
    not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed"
)
HOSTS = (HostAddress.of(1), HostAddress.of(2))


@pytest.fixture
def settings() -> HostSettings:
    return HostSettings(
        lab="try",
        host=HOSTS[0],
        others=HOSTS,
        login_key="ssh-ed25519 AAAA lab",
        releasever="12",
        repo_files={"delorean.repo": "[delorean]\n"},
    )


def test_a_host_knows_itself_the_others_and_its_repositories(
    settings: HostSettings, tmp_path: Path
) -> None:
    layer = tmp_path / "settings"

    public = settings.write(layer)

    assert (layer / "etc/hostname").read_text() == "host1\n"
    assert "10.88.0.12 host2" in (layer / "etc/hosts").read_text()
    assert (layer / "etc/yum.repos.d/delorean.repo").read_text() == "[delorean]\n"
    assert len((layer / "etc/machine-id").read_text()) == 33
    assert public.split()[0] == "ssh-ed25519"
    assert known_host(HOSTS[0], public) == f"10.88.0.11,host1 {public.rpartition(' ')[0]}\n"


def test_only_root_of_the_host_reads_who_may_log_in(settings: HostSettings, tmp_path: Path) -> None:
    layer = tmp_path / "settings"

    settings.write(layer)

    assert (layer / "root/.ssh/authorized_keys").read_text() == "ssh-ed25519 AAAA lab\n"
    assert [(layer / path).stat().st_mode & 0o777 for path in ("root", "root/.ssh")] == [0o700] * 2


def test_a_host_is_reached_from_the_network_of_its_lab_and_its_key_is_checked(
    tmp_path: Path,
) -> None:
    words = lab_ssh.Ssh(1, "10.88.0.11", tmp_path / "key", tmp_path / "known")._words(5)

    assert words[:3] == ["nsenter", "--net=/proc/1/ns/net", "--"]
    assert "StrictHostKeyChecking=yes" in words
    assert words[-1] == "root@10.88.0.11"
