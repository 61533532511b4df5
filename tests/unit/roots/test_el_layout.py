import dataclasses
from importlib import resources

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
