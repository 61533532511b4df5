import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from rdo.tools import machine
from rdo.tools.machine import PackageManager
from rdo.tools.machine_check import MachineCheck

PACKAGING = Path(__file__).parents[3] / "packaging"


def doctor(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rdo", "doctor", *args]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, **environ}
    )


def test_a_machine_without_rpm_is_reported_with_the_remedy(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "dnf", "createrepo_c", "setpriv", "sh", "true", "debootstrap"):
        (programs / name).symlink_to(f"/usr/bin/{name}")

    done = doctor(PATH=str(programs))

    assert done.returncode == 3
    assert "lacks rpm, rpmbuild, rpmspec" in done.stderr
    assert "missing  rpmbuild" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_missing_python_module_does_not_stop_the_doctor(tmp_path: Path) -> None:
    (tmp_path / "rpm.py").write_text("raise ImportError('no rpm here')\n")

    done = doctor("--json", PYTHONPATH=str(tmp_path))

    found = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 3
    assert "no rpm here" in found["python rpm"]["detail"]
    assert found["python createrepo_c"]["is_good"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands a factory to a user")
def test_a_factory_is_handed_over_without_files_of_others(tmp_path: Path) -> None:
    data, platforms, other = (tmp_path / name for name in ("data", "platforms", "other"))
    for folder in (data, platforms, other):
        folder.mkdir()
    (platforms / "base").write_text("one")
    (data / "base").hardlink_to(platforms / "base")
    before = _handing_over(data, platforms)
    (other / "base").hardlink_to(platforms / "base")
    after = _handing_over(data, platforms)

    assert before.endswith(f"then as root: chown -R USER: {data} {platforms}")
    command = after.partition("then as root: ")[2].partition(";")[0]
    for name, value in (("USER", "nobody"), ("FOLDER", str(tmp_path / "mine"))):
        command = command.replace(name, value)
    subprocess.run(["sh", "-c", command], check=True)
    mine = (tmp_path / "mine/data/base").stat()
    assert (mine.st_uid, mine.st_nlink) == (pwd.getpwnam("nobody").pw_uid, 2)
    assert (tmp_path / "mine/platforms/base").stat().st_ino == mine.st_ino
    assert ((other / "base").stat().st_uid, (other / "base").stat().st_nlink) == (0, 3)


def _handing_over(data: Path, platforms: Path) -> str:
    """What root is told about the owner of a factory."""
    done = doctor("--json", RDO_DATA=str(data), RDO_PLATFORMS=str(platforms))
    found = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    return str(found["owner"]["detail"])


def test_a_faulty_rdo_toml_does_not_hide_the_machine(tmp_path: Path) -> None:
    (tmp_path / "rdo.toml").write_text("dta = 1\n")

    done = doctor(RDO_CONFIG=str(tmp_path))

    assert "git" in done.stdout
    assert 'unknown key "dta"' in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("ID=debian\n", PackageManager.APT),
        ('ID="linuxmint"\nID_LIKE="ubuntu debian"\n', PackageManager.APT),
        ('ID="centos"\nID_LIKE="rhel fedora"\n', PackageManager.DNF),
        ("ID=arch\n", None),
    ],
)
def test_the_family_is_read_from_os_release(
    tmp_path: Path, text: str, family: PackageManager | None
) -> None:
    (tmp_path / "os-release").write_text(text)

    assert machine.family(tmp_path / "os-release") == family


def test_one_command_mends_programs_and_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    lacking = [
        MachineCheck("rpmbuild", False, True, "", "rpm"),
        MachineCheck("rpm", False, True, "", "rpm"),
        MachineCheck("git", True, True, "", "git"),
        MachineCheck("python solv", False, True, ""),
        MachineCheck("root", False, False, ""),
    ]

    command = machine.fix_command(lacking, PackageManager.APT)

    assert command == (
        f"sudo apt-get install -y rpm && {sys.executable} -m pip install --force-reinstall solv"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a lab")
def test_everything_that_labs_lack_is_reported_at_once(tmp_path: Path) -> None:
    groups = tmp_path / "sys/fs/cgroup"
    groups.mkdir(parents=True)
    (groups / "cgroup.controllers").write_text("cpu io\n")

    lacking = machine.check_labs(system=tmp_path)

    assert not lacking.is_good
    assert "counts memory" in lacking.detail
    assert "/dev/net/tun" in lacking.detail
    assert "version 2" not in lacking.detail


BESIDES_THE_DOCTOR = {
    PackageManager.APT: ("chromium", "libkrb5-dev", "openssh-server", "rsync"),
    PackageManager.DNF: ("krb5-devel", "openssh-server", "rsync"),
}
"""What some need: tests of pages, the client of an extra, distgits by ssh, mirrors by rsync."""


@pytest.mark.parametrize("family", PackageManager)
def test_the_lists_for_fresh_machines_have_what_the_doctor_asks_for(family: PackageManager) -> None:
    listed = (PACKAGING / f"{family}.txt").read_text().split()

    needs = (*machine.PROGRAMS, *machine.MODULES, *machine.INSTALLERS)
    others = BESIDES_THE_DOCTOR[family]
    assert listed == sorted({*(need.package(family) for need in needs), *others})
