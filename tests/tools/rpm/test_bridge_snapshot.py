"""The repository of what was bridged: Debian's packages as they are, wheels without rights."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from rdo.bridge.dependencies import write_snapshot
from rdo.bridge.wheels import WheelRefusedError
from rdo.tools.packaging.pip import Resolved
from tests.as_root import AS_ROOT

pytestmark = pytest.mark.skipif(not shutil.which("rpmbuild"), reason="rpmbuild is not installed")
needs_dnf = pytest.mark.skipif(not shutil.which("dnf"), reason="dnf is not installed")

SPEC = """\
Name: fusermount
Version: 1
Release: 1
Summary: x
License: MIT
BuildArch: noarch
%description
x
%install
install -D -m755 /dev/null %{buildroot}/usr/bin/fusermount
%files
%attr(4755,root,root) /usr/bin/fusermount
"""


MODULE = """\
Name: {name}
Version: {version}
Release: {release}
Summary: x
License: MIT
BuildArch: noarch
{lines}
%description
x
%install
mkdir -p %{{buildroot}}/usr/lib/{name}
echo {version} > %{{buildroot}}/usr/lib/{name}/version
%files
/usr/lib/{name}
"""
EITHER = "(deb(python3-lemon) or python3dist(lemon))"


@pytest.fixture
def rpm(tmp_path: Path) -> Path:
    """An RPM with a setuid program."""
    (tmp_path / "x.spec").write_text(SPEC)
    define = f"_topdir {tmp_path / 'top'}"
    command = ["rpmbuild", "-bb", "--quiet", "-D", define, str(tmp_path / "x.spec")]
    subprocess.run(command, check=True, capture_output=True)
    return next(tmp_path.glob("top/RPMS/*/*.rpm"))


def test_a_setuid_program_of_debian_stays_one(rpm: Path, tmp_path: Path) -> None:
    write_snapshot(tmp_path / "snapshot", [rpm], {})

    assert (tmp_path / "snapshot" / rpm.name).read_bytes() == rpm.read_bytes()


def test_a_setuid_program_of_a_wheel_is_refused(rpm: Path, tmp_path: Path) -> None:
    with pytest.raises(WheelRefusedError, match="/usr/bin/fusermount with setuid"):
        write_snapshot(tmp_path / "snapshot", [rpm], {rpm: Resolved("lemon", "1.0", "", ())})

    assert not (tmp_path / "snapshot").exists()


@dataclass(frozen=True, slots=True)
class Bridged:
    """RPMs of a Debian package and of a wheel with the same name, in a snapshot that dnf reads."""

    folder: Path
    wheel: Path
    debian: Path

    def names_after(self, *more: Path) -> set[str]:
        """Return the RPMs of a snapshot with these two and more."""
        of_wheels = {self.wheel: Resolved("lemon", "2.4", "", ())}
        write_snapshot(
            self.folder / "snapshot",
            (self.wheel, self.debian, *more),
            of_wheels,
            in_place_of=frozenset({self.debian}),
        )
        return {one.name for one in (self.folder / "snapshot").glob("*.rpm")}

    def dnf(self, *words: str) -> str:
        """Run dnf in a root and with a cache of its own, on the snapshot alone."""
        command = [*AS_ROOT, "dnf", "--assumeyes", "--nogpgcheck", "--releasever=1"]
        command += [f"--installroot={self.folder / 'root'}", "--disableplugin=local"]
        command += [f"--setopt=cachedir={self.folder / 'kept'}"]
        command += [f"--setopt=reposdir={self.folder / 'repos.d'}"]
        command += [f"--repofrompath=deps,{self.folder / 'snapshot'}", "--repo=deps", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


def built(folder: Path, name: str, version: str, release: str, *lines: str) -> Path:
    spec = folder / f"{name}-{release}.spec"
    text = MODULE.format(name=name, version=version, release=release, lines="\n".join(lines))
    spec.write_text(text)
    top = folder / f"top-{name}-{release}"
    command = ["rpmbuild", "-bb", "--quiet", "-D", f"_topdir {top}", str(spec)]
    subprocess.run(command, check=True, capture_output=True)
    return next(top.glob("RPMS/*/*.rpm"))


@pytest.fixture
def bridged(tmp_path: Path) -> Bridged:
    """A wheel 2.4 and Debian's package 2.4.0, which rpm calls newer."""
    name = "python3-lemon"
    wheel = built(tmp_path, name, "2.4", "0.0.pypi6", "Provides: python3dist(lemon) = 2.4")
    debian = built(tmp_path, name, "2.4.0", "2", "Provides: deb(python3-lemon) = 2.4.0-2")
    return Bridged(tmp_path, wheel, debian)


@needs_dnf
def test_an_upgrade_leaves_a_wheel_that_debian_has_in_a_newer_version(bridged: Bridged) -> None:
    tool = built(bridged.folder, "tool", "1", "1", f"Requires: {EITHER}")
    needing = built(bridged.folder, "cake", "1", "1", "Requires: python3dist(lemon) = 2.4")
    names = bridged.names_after(tool, needing)
    bridged.dnf("install", "tool", "cake")

    upgraded = bridged.dnf("upgrade")

    assert bridged.debian.name not in names
    assert "Nothing to do" in upgraded
    assert "conflict" not in upgraded


def test_a_debian_package_stays_that_something_else_needs_besides_the_wheel(
    bridged: Bridged,
) -> None:
    tool = built(bridged.folder, "tool", "1", "1", "Requires: deb(python3-lemon)")

    assert bridged.debian.name in bridged.names_after(tool)
