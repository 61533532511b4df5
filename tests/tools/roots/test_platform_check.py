"""`rdo platform check`, on a small dnf repository."""

import json
import platform as machine
import shutil
import subprocess
from pathlib import Path

import pytest

from rdo.errors import RefusedError
from rdo.roots.platform.definition import built_in_platform, parse_platform
from rdo.roots.platform.platform_check import check_platform, faults
from tests.e2e.command import rdo

pytestmark = pytest.mark.skipif(not shutil.which("dnf"), reason="dnf is not installed")

DEFINITION = f"""\
family = "dnf"
arch = "{machine.machine()}"
dist = ".own"
releasever = "1"
python = "3.9"
glibc = "2.34"
packages = ["rpm-build", "gone-tools"]
[repositories.own]
baseurl = "URL"
gpgcheck = false
"""


PACKAGES = {"python3": "3.6.8", "glibc": "2.34", "rpm-build": "4.16", "acl": "2.3"}
SPEC = """\
Name: own
Version: 1
Release: 1
Summary: A distribution
License: MIT
BuildArch: noarch
%description
%{summary}.
"""
PACKAGE = """\
%package -n {name}
Version: {version}
Summary: A package
%description -n {name}
A package.
%files -n {name}
"""


@pytest.fixture
def definition(tmp_path: Path) -> str:
    """A definition whose repository has one of its packages, and an older Python than it says."""
    parts = [PACKAGE.format(name=name, version=version) for name, version in PACKAGES.items()]
    (tmp_path / "own.spec").write_text("".join([SPEC, *parts]))
    rpms = tmp_path / "rpms"
    where = ("-D", f"_topdir {tmp_path}/top", "-D", f"_rpmdir {rpms}")
    command = ["rpmbuild", "--quiet", "-bb", *where, str(tmp_path / "own.spec")]
    subprocess.run(command, check=True, capture_output=True)
    subprocess.run(["createrepo_c", "--quiet", str(rpms)], check=True, capture_output=True)
    return DEFINITION.replace("URL", rpms.as_uri())


def test_each_name_is_found_or_told_with_its_fault(tmp_path: Path, definition: str) -> None:
    found = check_platform(parse_platform("own", definition, "own.toml"), tmp_path / "cache")

    names = {(one.name, one.where): one for one in found}
    assert names["rpm-build", "packages"].found == ("rpm-build 4.16-1",)
    assert names["acl", "table"].found == ("acl 2.3-1",)
    assert names["glibc", "glibc"].fault == ""
    assert names["gone-tools", "packages"].fault == "nothing provides it"
    assert names["python3", "python"].fault == (
        "the definition says 3.9, the repositories have 3.6.8-1"
    )
    needed = {one.name for one in faults(found)}
    assert {"gone-tools", "python3"} <= needed
    assert not needed & {"rpm-build", "glibc"}
    assert not {one.name for one in faults(found) if one.where == "table"}
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_command_records_what_it_found(tmp_path: Path, definition: str) -> None:
    folder = tmp_path / "platforms/own"
    folder.mkdir(parents=True)
    (folder / "definition.toml").write_text(definition)
    (tmp_path / "rdo.toml").write_text("")
    here = ("--set", f"platforms={tmp_path / 'platforms'}")

    done = rdo(*here, "platform", "check", "own", "--record", "own.json", cwd=tmp_path)

    assert done.code == 1
    assert "gone-tools" in done.stdout
    recorded = json.loads((tmp_path / "own.json").read_text())
    assert {"name": "gone-tools", "fault": "nothing provides it"}.items() <= next(
        row for row in recorded if row["name"] == "gone-tools"
    ).items()


def test_a_debian_platform_has_no_repositories_to_ask(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="deb12-x86_64 has no repositories of RPMs"):
        check_platform(built_in_platform("deb12-x86_64"), tmp_path)
