"""The repository of what was bridged: Debian's packages as they are, wheels without rights."""

import shutil
import subprocess
from pathlib import Path

import pytest

from rdo.bridge.dependencies import write_snapshot
from rdo.bridge.wheels import WheelRefusedError
from rdo.tools.packaging.pip import Resolved

pytestmark = pytest.mark.skipif(not shutil.which("rpmbuild"), reason="rpmbuild is not installed")

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
