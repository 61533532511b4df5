from pathlib import Path

from rdo.roots.debian.maintainer_scripts import (
    AccessChange,
    SystemUser,
    access_changes,
    groups,
    links,
    registrations,
    users,
)

IPTABLES = r"""#!/bin/sh
set -e
ver=1.16
if [ "$1" = "configure" ]; then
    update-alternatives \
      --install /usr/sbin/iptables iptables /usr/sbin/iptables-nft 20 \
      --slave /usr/share/man/man8/iptables.8.gz iptables.8.gz /usr/share/man/man8/nft.8.gz
    update-alternatives --install /usr/bin/automake automake /usr/bin/automake-$ver 34 || true
    update-alternatives --install /usr/bin/x x $somewhere/x 1
    update-alternatives --remove y /usr/bin/y
    libgvc6-config-update -c >/dev/null; reboot
fi
x "" ''
db_get x && echo "a string that
goes on"
"""


def test_what_registers_files_is_run_as_it_stands_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "postinst").write_text(IPTABLES)

    found = list(registrations(tmp_path))

    assert [command.split()[0] for command in found] == [
        "update-alternatives",
        "update-alternatives",
        "libgvc6-config-update",
    ]
    assert found[1].endswith("/usr/bin/automake-1.16 34")
    assert links(found) == ["/usr/sbin/iptables", "/usr/bin/automake"]


def test_no_operator_of_the_shell_gets_into_a_command(tmp_path: Path) -> None:
    (tmp_path / "postinst").write_text("libgvc6-config-update `reboot` $(reboot) ; reboot\n")

    assert list(registrations(tmp_path)) == []


def test_system_users_of_scripts_and_of_sysusers(tmp_path: Path) -> None:
    folder = tmp_path / "usr/lib/sysusers.d"
    folder.mkdir(parents=True)
    (folder / "x.conf").write_text(
        'u openvswitch -\ng hugetlbfs -\nu dbus 81 "System bus, a" /run/dbus\n'
    )
    (tmp_path / "preinst").write_text(
        "  adduser \\\n  --system \\\n  --home /var/lib/mysql --quiet mysql || true\n"
    )
    (tmp_path / "postinst").write_text(
        "home=/var/lib/rabbit\nuseradd --system --gid nogroup dnsmasq\nuseradd somebody\n"
        "adduser --system $USER\nadduser --system --home=${home} rabbit\n"
        "adduser --system --home $(pwd) odd\n"
    )

    assert list(users(tmp_path, tmp_path)) == [
        SystemUser("mysql", "/var/lib/mysql"),
        SystemUser("dnsmasq"),
        SystemUser("rabbit", "/var/lib/rabbit"),
        SystemUser("openvswitch"),
        SystemUser("dbus", "/run/dbus"),
    ]


def test_system_groups_of_scripts(tmp_path: Path) -> None:
    (tmp_path / "postinst").write_text(
        "addgroup --system crontab\ngroupadd -r ssl\naddgroup people\naddgroup --system $X\n"
    )

    assert list(groups(tmp_path)) == ["crontab", "ssl"]


def test_what_a_script_does_to_the_access_of_folders(tmp_path: Path) -> None:
    (tmp_path / "postinst").write_text(
        "DIR='/var/lib/mysql'\n"
        "chown -R mysql:adm $DIR /var/log/mysql/\n"
        "chmod 0750 ${DIR}\nchmod u+s /usr/bin/x\nchgrp ssl /etc/x\n"
        "install -d -o redis -g redis -m 2750 /var/lib/redis\n"
        "dpkg-statoverride --update --add root crontab 1730 /var/spool/cron || true\n"
        "chown $USER /home/x\nchown root:root `reboot` '/a b'\n"
    )

    assert list(access_changes(tmp_path)) == [
        AccessChange("/var/lib/mysql", "mysql", "adm", is_recursive=True),
        AccessChange("/var/log/mysql", "mysql", "adm", is_recursive=True),
        AccessChange("/var/lib/mysql", mode="0750"),
        AccessChange("/etc/x", group="ssl"),
        AccessChange("/var/lib/redis", "redis", "redis", "2750"),
        AccessChange("/var/spool/cron", "root", "crontab", "1730"),
    ]
