import dataclasses
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from rdo.roots.debian.el_layout import layout_digest, lines
from rdo.roots.platform.definition import built_in_platform

DEB12 = built_in_platform("deb12-x86_64")


def test_a_package_with_units_or_a_script_has_a_line() -> None:
    names = ["cron", "acl", "apache2", "openssh-server"]

    assert list(lines(DEB12, names)) == [
        "cron cron.service=crond.service",
        "apache2",
        "openssh-server ssh.service=sshd.service ssh.socket=sshd.socket",
    ]


def test_another_layout_names_another_rpm() -> None:
    other = dataclasses.replace(DEB12, units={"apache2": {"a.service": "b.service"}})

    assert layout_digest(DEB12, "acl") == []
    assert layout_digest(DEB12, "apache2") != layout_digest(other, "apache2")
    assert layout_digest(DEB12, "apache2") != layout_digest(DEB12, "libapache2-mod-wsgi-py3")


def test_every_layout_is_of_a_package_that_can_be_bridged() -> None:
    folder = resources.files("rdo.roots") / "el"
    packages = {one.name for one in folder.iterdir()} | DEB12.units.keys()

    assert packages - DEB12.bridged.keys() == {"mariadb-common"}  # in the closure of others


UNIT = """\
[Service]
EnvironmentFile=-/etc/default/{package}
ExecStart=/usr/share/start --quiet ${variable}
ExecStop=/usr/share/stop
"""


@pytest.mark.parametrize(
    ("package", "unit", "debian", "file", "el"),
    [
        ("ovn-central", "ovn-northd", "OVN_CTL_OPTS", "ovn-northd", "OVN_NORTHD_OPTS"),
        ("ovn-central", "ovn-ovsdb-server-nb", "OVN_CTL_OPTS", "ovn-northd", "OVN_NORTHD_OPTS"),
        ("ovn-central", "ovn-ovsdb-server-sb", "OVN_CTL_OPTS", "ovn-northd", "OVN_NORTHD_OPTS"),
        ("ovn-host", "ovn-controller", "OVN_CTL_OPTS", "ovn-controller", "OVN_CONTROLLER_OPTS"),
        ("openvswitch-switch", "ovs-vswitchd", "OVS_CTL_OPTS", "openvswitch", "OPTIONS"),
        ("openvswitch-switch", "ovsdb-server", "OVS_CTL_OPTS", "openvswitch", "OPTIONS"),
    ],
)
def test_a_unit_also_takes_options_from_the_file_that_it_has_on_el(
    tmp_path: Path, package: str, unit: str, debian: str, file: str, el: str
) -> None:
    units = tmp_path / "usr/lib/systemd/system"
    units.mkdir(parents=True)
    for name in (unit, "ovn-northd", "ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb"):
        text = UNIT.format(package=package, variable=debian)
        (units / f"{name}.service").write_text(text)

    _lay_out(package, tmp_path)

    wanted = UNIT.format(package=package, variable=f"{debian} ${el}").replace(
        "ExecStart", f"EnvironmentFile=-/etc/sysconfig/{file}\nExecStart"
    )
    assert wanted in (units / f"{unit}.service").read_text()


def test_yums_tools_have_their_names_of_el(tmp_path: Path) -> None:
    program = tmp_path / "usr/libexec/dnf-utils-3"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$(basename "$0") $*"\n')
    program.chmod(0o755)

    _lay_out("dnf-plugins-core", tmp_path)

    done = subprocess.check_output([tmp_path / "usr/bin/yum-config-manager", "--enable"], text=True)
    assert done == "yum-config-manager --enable\n"


def _lay_out(package: str, files: Path) -> None:
    with resources.as_file(resources.files("rdo.roots") / "el" / package) as folder:
        subprocess.run(
            ["sh", "-eu", folder / "layout"], cwd=files, env={"el": str(folder)}, check=True
        )
