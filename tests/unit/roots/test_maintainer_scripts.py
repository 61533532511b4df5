from pathlib import Path

from rdo.roots.maintainer_scripts import links, registrations, users

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
    (folder / "x.conf").write_text("u openvswitch -\ng hugetlbfs -\n")
    (tmp_path / "preinst").write_text("  adduser \\\n  --system \\\n  --quiet mysql || true\n")
    (tmp_path / "postinst").write_text(
        "useradd --system --gid nogroup dnsmasq\nuseradd somebody\nadduser --system $USER\n"
    )

    assert list(users(tmp_path, tmp_path)) == ["mysql", "dnsmasq", "openvswitch"]
