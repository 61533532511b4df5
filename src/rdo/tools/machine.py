"""Check which requirements of rdo this machine meets, and find the command that installs the rest.

The packages named here are those of the lists in `packaging/`, which set up a fresh machine.
"""

import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rdo.disk_usage import count_shared
from rdo.errors import UserError
from rdo.log_tail import last_line
from rdo.run import Runner, run
from rdo.tools.machine_check import MachineCheck
from rdo.tools.walls.id_range import id_range
from rdo.tools.walls.trial import walls_in

_ANY_STATUS = range(-64, 256)
_NEEDED_GB, _WANTED_GB = 3, 15


class PackageManager(StrEnum):
    """The kind of system, named after the program that installs its packages."""

    APT = "apt"
    DNF = "dnf"


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """A program or Python module, its purpose, and the package that contains it."""

    name: str
    purpose: str
    apt: str
    dnf: str
    needed: bool = True

    def package(self, family: PackageManager) -> str:
        """Return the package for a kind of system."""
        return self.apt if family is PackageManager.APT else self.dnf


PROGRAMS = (
    Prerequisite("git", "upstreams and distgits", "git", "git"),
    Prerequisite("rpm", "reading and installing RPMs", "rpm", "rpm"),
    Prerequisite("rpmbuild", "source and binary RPMs", "rpm", "rpm-build"),
    Prerequisite("rpmspec", "reading specs", "rpm", "rpm-build"),
    Prerequisite("dnf", "installing from our repositories", "dnf", "dnf"),
    Prerequisite("createrepo_c", "repositories made by others", "createrepo-c", "createrepo_c"),
    Prerequisite("debootstrap", "the platform deb12-x86_64", "debootstrap", "debootstrap"),
    Prerequisite("setpriv", "build roots", "util-linux", "util-linux"),
    Prerequisite("newuidmap", "build roots of an ordinary user", "uidmap", "shadow-utils", False),
    Prerequisite("systemd-nspawn", "labs", "systemd-container", "systemd-container", False),
    Prerequisite("ip", "networks of labs", "iproute2", "iproute", needed=False),
    Prerequisite("ssh", "hosts of labs", "openssh-client", "openssh-clients", needed=False),
    Prerequisite("gpg", "signatures of upstream archives", "gnupg", "gnupg2", needed=False),
    Prerequisite("rpmlint", "reviews of new packages", "rpmlint", "rpmlint", needed=False),
)
MODULES = (Prerequisite("rpm", "reading specs, comparing versions", "python3-rpm", "python3-rpm"),)
# These come with rdo from PyPI; a broken one is reinstalled by pip.
OWN_MODULES = ("createrepo_c", "solv")
# Required to install and test rdo itself; a machine that runs rdo does not need it.
INSTALLERS = (
    Prerequisite("venv", "installing rdo", "python3-venv", "python3"),
    Prerequisite("pip", "installing rdo", "python3-pip", "python3-pip"),
    Prerequisite("make", "installing rdo", "make", "make"),
    Prerequisite("dnf reposync", "testing rdo", "dnf-plugins-core", "dnf-plugins-core"),
)


def family(
    os_release: Path = Path("/etc/os-release"), *, runner: Runner = run
) -> PackageManager | None:
    """Return the package manager of this machine; None for a system that we have no list for.

    A host of a Debian platform has packages from RPMs, so rpm knows its files.
    """
    if not os_release.is_file():
        return None
    lines = (line.partition("=") for line in os_release.read_text().splitlines())
    words = {key: value.strip("\"'").split() for key, _, value in lines}
    kinds = {*words.get("ID", ()), *words.get("ID_LIKE", ())}
    if kinds & {"debian", "ubuntu"}:
        return PackageManager.DNF if _is_of_rpm(os_release, runner) else PackageManager.APT
    return PackageManager.DNF if kinds & {"fedora", "rhel", "centos"} else None


def _is_of_rpm(file: Path, runner: Runner) -> bool:
    """Whether a file comes from an RPM."""
    query = ("rpm", "--dbpath", "/var/lib/rpm", "--query", "--file", file)
    return has_program("rpm") and not runner(*query, ok=_ANY_STATUS, timeout=60).returncode


def examine(data: Path, platforms: Path, *, runner: Runner = run) -> list[MachineCheck]:
    """Check programs, modules, kernel features and disk space, without changing anything."""
    here = family(runner=runner) or PackageManager.APT
    return [
        *(_program(need, here) for need in PROGRAMS),
        *(_module(need.name, need.purpose, need.package(here), runner) for need in MODULES),
        *(_module(name, "a dependency of rdo", "", runner) for name in OWN_MODULES),
        *_owners(data, platforms),
        *_walls(platforms),
        check_labs(runner),
        _space("data", data),
    ]


def fix_command(findings: Sequence[MachineCheck], family: PackageManager | None) -> str:
    """Return one command that installs what is missing; empty if no package helps."""
    lacking = [finding for finding in findings if not finding.is_good]
    packages = sorted({finding.package for finding in lacking if finding.package})
    names = [finding.name for finding in lacking]
    commands = []
    if packages and family is not None:
        tool = "apt-get" if family is PackageManager.APT else "dnf"
        sudo = "" if os.geteuid() == 0 else "sudo "
        commands.append(f"{sudo}{tool} install -y {' '.join(packages)}")
    if own := [name for name in OWN_MODULES if f"python {name}" in names]:
        commands.append(f"{sys.executable} -m pip install --force-reinstall {' '.join(own)}")
    return " && ".join(commands)


def has_program(name: str) -> bool:
    """Whether a program is installed; administrators' folders are searched too."""
    return bool(program(name))


def program(name: str) -> str | None:
    """Return the path of a program. On Debian, a user's PATH lacks sbin, where debootstrap is."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def _program(need: Prerequisite, family: PackageManager) -> MachineCheck:
    path = program(need.name)
    detail = path or f"missing: {need.purpose}"
    return MachineCheck(need.name, bool(path), need.needed, detail, need.package(family))


def _module(name: str, purpose: str, package: str, runner: Runner) -> MachineCheck:
    """Check a compiled module in a child process, because a broken one may crash."""
    done = runner(sys.executable, "-c", f"import {name}", ok=_ANY_STATUS, timeout=60)
    why = last_line(done.stderr, "crash")
    detail = "" if done.returncode == 0 else f"missing: {purpose} ({why})"
    return MachineCheck(f"python {name}", done.returncode == 0, True, detail, package)


def _owners(*folders: Path) -> list[MachineCheck]:
    """Check that existing files belong to us, and explain how to give them to another user."""
    made = _apart([folder for folder in folders if folder.is_dir()])
    owners = {_user(folder.stat().st_uid) for folder in made}
    here = _user(os.geteuid())
    strangers = sorted(owners - {here})
    if strangers:
        detail = f"of {' and '.join(strangers)}; to work as {here}, "
        return [MachineCheck("owner", False, False, f"{detail}{_hand_over(here, made)}")]
    if not made:
        return []
    more = f"; to hand it to a user, {_hand_over('USER', made)}" if os.geteuid() == 0 else ""
    return [MachineCheck("owner", True, False, f"{here}{more}")]


def _apart(folders: Sequence[Path]) -> list[Path]:
    """Return the folders without those that are inside another one."""
    real = {folder: folder.resolve() for folder in folders}
    return [one for one in real if not set(real[one].parents) & set(real.values())]


def _hand_over(user: str, folders: Sequence[Path]) -> str:
    """Explain how root gives a factory to a user, without giving away files that others share.

    All hard links of a file have the same owner, so folders that share files are copied.
    """
    places = " ".join(str(folder) for folder in folders)
    shared = count_shared(folders)
    if not shared:
        return f"stop the rounds, then as root: chown -R {user}: {places}"
    return (
        f"stop the rounds, then as root: mkdir FOLDER && cp -a {places} FOLDER &&"
        f" chown -R {user}: FOLDER; then name the copies in rdo.toml (why copies: {shared} files"
        " here have another name elsewhere, and would change their owner there, too)"
    )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _walls(platforms: Path) -> list[MachineCheck]:
    """Check what roots need of the kernel, and which of the walls around them work here."""
    try:
        id_range()
    except UserError as error:
        detail = f"{error}; {error.hint}" if error.hint else str(error)
        return [MachineCheck("subordinate ids", False, False, detail)]
    place = _existing(platforms)
    if not os.access(place, os.W_OK):
        detail = f"not tried: this user cannot write to {place}"
        return [MachineCheck("namespaces", False, False, detail)]
    with tempfile.TemporaryDirectory(dir=place, prefix=".rdo-doctor-") as folder:
        return walls_in(Path(folder))


_KINDS_OF_LINK = ("bridge", "veth")


def check_labs(runner: Runner = run, *, system: Path = Path("/")) -> MachineCheck:
    """Check what labs need besides programs: root, control groups, devices and networks."""
    if os.geteuid():
        return MachineCheck("labs", False, False, "only root can start a lab")
    lacking = [*_lacking_for_hosts(system), *_lacking_for_networks(runner)]
    return MachineCheck("labs", not lacking, False, "; ".join(lacking))


def _lacking_for_hosts(system: Path) -> Iterator[str]:
    groups = system / "sys/fs/cgroup"
    tops = [top for top in (groups / "unified", groups) if (top / "cgroup.controllers").exists()]
    if not any(os.access(top, os.W_OK) for top in tops):
        yield "no control group of version 2 that this user may divide"
    counted = any("memory" in (top / "cgroup.controllers").read_text().split() for top in tops)
    if not counted and not (groups / "memory/tasks").exists():
        yield "no control group counts memory, so a lab may take all of it"
    if not (system / "dev/net/tun").exists():
        yield "no /dev/net/tun, so hosts cannot run guests"


def _lacking_for_networks(runner: Runner) -> Iterator[str]:
    """Try to make each kind of link in a network of its own, which ends with the program."""
    unshare, ip = program("unshare"), program("ip")
    if not (unshare and ip):
        return  # the check of programs reports it
    for kind in _KINDS_OF_LINK:
        words = (unshare, "--net", ip, "link", "add", "lab0", "type", kind)
        if runner(*words, ok=_ANY_STATUS, timeout=60).returncode:
            yield f"the kernel cannot make links of the kind {kind}"


def _space(name: str, folder: Path) -> MachineCheck:
    place = _existing(folder)
    free = shutil.disk_usage(place).free / 2**30
    detail = f"{free:.1f} GB free for {folder}"
    if free < _WANTED_GB:
        detail += f"; a platform and a few builds take {_WANTED_GB} GB"
    return MachineCheck(f"{name} space", free >= _WANTED_GB, free < _NEEDED_GB, detail)


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest existing folder above it."""
    return next(place for place in (folder, *folder.parents) if place.is_dir())
