"""Platforms of RPM distributions; one is made from a small dnf repository of the tests."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rdo.checks.installed import Installation, check_installed
from rdo.roots.platform.base_python import python_of
from rdo.roots.platform.platforms import Platforms
from rdo.solver import SolverRepository
from tests.as_root import AS_ROOT
from tests.e2e import mini
from tests.e2e.command import PLATFORM, Result, base_layer, needs_roots, rdo
from tests.rpms import make_many

pytestmark = [
    needs_roots,
    pytest.mark.skipif(not shutil.which("createrepo_c"), reason="createrepo_c is not installed"),
]

NAME = "mini-x86_64"
DEFINITION = """\
family = "dnf"
arch = "x86_64"
dist = ".mini"
releasever = "7"
python = "3.11"
glibc = "2.36"
packages = [{packages}]
[macros]
rhel = "7"
[repositories.base]
baseurl = "{url}"
gpgcheck = false
"""
SPEC = """\
Name: {name}
Version: 1.0
Release: 1%{{?dist}}
Summary: A package of the tests
License: MIT
{more}
%description
A package of the tests.
%prep
%setup -q -c -T
%build
{build}
%install
{install}
%files
{files}
"""
COMPILED = SPEC.format(
    name="compiled",
    more="BuildRequires: gcc, glibc-devel\nBuildRequires: mini-devel >= 2",
    build="""\
printf '#include <stdio.h>\\n#include <mini/mini.h>\\nint main(){puts(MINI);return 0;}\\n' > main.c
gcc %{optflags} -o compiled main.c
test "$(./compiled)" = 2.0""",
    install="install -D compiled %{buildroot}%{_bindir}/compiled",
    files="%{_bindir}/compiled",
)
NOARCH = SPEC.format(
    name="noarch",
    more="BuildArch: noarch\nBuildRequires: mini-users",
    build="getent passwd miniuser",
    install="install -d %{buildroot}%{_datadir}/mini-%{mini}-%{rhel}",
    files="%{_datadir}/mini-7-7",
)

PARALLEL = SPEC.format(
    name="parallel",
    more="BuildArch: noarch\nBuildRequires: python3-devel",
    build="""\
test -e /usr/include/mini/python
test %{__python3}-%{python3_pkgversion}-%{python3_version} = /usr/bin/python3.11-3.11-3.11
%{__python3} -c 'import sys; assert sys.version_info[:2] == (3, 11)'""",
    install="install -d %{buildroot}%{_datadir}/parallel",
    files="%{_datadir}/parallel",
)


def definition(url: str) -> str:
    packages = (*mini.INSTALLED, "mini-config", "mini-filesystem")
    return DEFINITION.format(packages=", ".join(f'"{name}"' for name in packages), url=url)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of platforms, and the repository that the platform was made from."""

    folder: Path
    repository: Path

    @property
    def tree(self) -> Path:
        return Platforms(self.folder / "platforms").base(NAME).tree

    def rdo(self, *args: object, cwd: Path | None = None) -> Result:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RDO_PLATFORMS", str(self.folder / "platforms"))
            return rdo(*args, cwd=cwd or self.folder)

    def build(self, folder: Path, name: str, text: str, platform: str = NAME) -> Result:
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.spec").write_text(text)
        return self.rdo("build", f"{name}.spec", "--platform", platform, "--json", cwd=folder)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("mini")
    base = base_layer()
    found = Place(folder, mini.make_repository(base, folder / "made"))
    (folder / "mini.toml").write_text(definition(found.repository.as_uri()))
    made = found.rdo("platform", "create", NAME, "--from-definition", "mini.toml")
    assert made.code == 0, made.stderr
    yield found
    mini.remove(folder)


def test_the_base_layer_tells_the_whole_version_of_its_python() -> None:
    base = base_layer()

    said = python_of(base).version

    header = base.tree / f"usr/include/python{base.platform.python}/patchlevel.h"
    assert f'#define PY_VERSION              "{said}"' in header.read_text().splitlines()


def test_the_base_layer_was_installed_by_its_own_rpm(place: Place) -> None:
    made = (place.tree / "etc/mini-made").read_text().split()

    assert made[0] == "0"  # what a scriptlet saw of its user
    assert set(made[1:]) == {"all", "default", "lo"}  # and of the network
    assert (place.tree / "usr/lib/sysimage/rpm/rpmdb.sqlite").exists()
    assert not (place.tree / "var/lib/rpm/rpmdb.sqlite").exists()


def test_a_compiled_package_gets_its_requirements_from_the_repository(
    place: Place, tmp_path: Path
) -> None:
    done = place.build(tmp_path, "compiled", COMPILED)

    assert done.code == 0, done.stdout + done.stderr
    assert (tmp_path / "results/compiled-1.0-1.mini.x86_64.rpm").exists()
    assert not (place.tree / "usr/include/mini").exists()  # of the build's root alone


def test_a_noarch_package_meets_the_distributions_macros_and_users(
    place: Place, tmp_path: Path
) -> None:
    done = place.build(tmp_path, "noarch", NOARCH)

    assert done.code == 0, done.stdout + done.stderr
    assert (tmp_path / "results/noarch-1.0-1.mini.noarch.rpm").exists()


def test_what_the_repository_lacks_is_named(place: Place, tmp_path: Path) -> None:
    done = place.build(tmp_path, "compiled", COMPILED.replace("mini-devel >= 2", "mini-devel >= 9"))

    assert (done.code, done.json["reason"]) == (1, "missing-dependency")
    assert "mini-devel >= 9" in done.json["detail"]


def test_dnf_installs_into_a_fresh_root_of_the_platform(place: Place, tmp_path: Path) -> None:
    repo = tmp_path / "mini.repo"
    repo.write_text(f"[mini]\nname=mini\nbaseurl={place.repository.as_uri()}\ngpgcheck=0\n")
    made = place.rdo("platform", "create", NAME, "--root", tmp_path / "root", "--repo", repo)
    assert made.code == 0, made.stderr

    command = (
        *AS_ROOT,
        "dnf",
        f"--installroot={tmp_path / 'root'}",
        "-qy",
        "install",
        "mini-devel",
    )
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "root/usr/include/mini/mini.h").read_text() == '#define MINI "2.0"\n'


def test_a_python_beside_the_bases_is_a_package_of_the_repositories(
    place: Place, tmp_path: Path
) -> None:
    text = definition(place.repository.as_uri()).replace('python = "3.11"', 'python = "3.9"')
    (tmp_path / "second.toml").write_text(f'{text}[interpreter]\npython = "3.11"\n')
    (tmp_path / "absent.toml").write_text(f'{text}[interpreter]\npython = "3.12"\n')
    made = ("platform", "create", "second-x86_64", "--from-definition")

    absent = place.rdo(*made, tmp_path / "absent.toml")
    done = place.rdo(*made, tmp_path / "second.toml")

    assert (absent.code, "no repository has python3.12" in absent.stderr) == (2, True)
    assert "fix [interpreter] or `repositories` in its definition" in absent.stderr
    assert done.code == 0, done.stderr
    built = place.build(tmp_path / "a", "parallel", PARALLEL, "second-x86_64")
    assert built.code == 0, built.stdout + built.stderr
    name = "BuildRequires: python3dist(basemod)"
    of_the_base = place.build(
        tmp_path / "b",
        "parallel",
        PARALLEL.replace("BuildArch", f"{name}\nBuildArch"),
        "second-x86_64",
    )
    assert of_the_base.json["reason"] == "missing-dependency"
    assert "python3.11dist(basemod)" in of_the_base.json["detail"]


def test_many_packages_are_installed_and_looked_at_on_the_platform(
    place: Place, tmp_path: Path
) -> None:
    base = Platforms(place.folder / "platforms").base(NAME)
    installed = SolverRepository("base", base.metadata, 90, installed=True)
    own = SolverRepository("own", make_many(tmp_path / "made", 40))
    host = Installation(base, tmp_path / "roots", (own, installed), ["own"], {})

    found = check_installed(host, tmp_path / "log")

    assert found.passed, found
    assert found.said == "40 RPMs installed, 40 modules imported"


def test_a_definition_that_was_given_is_shown_and_counts(place: Place) -> None:
    shown = place.rdo("platform", "show", NAME, "--json").json
    listed = place.rdo("platform", "list", "--json").json

    assert (shown["family"], shown["made"]) == ("dnf", True)
    assert shown["definition"].endswith(f"{NAME}/definition.toml")
    assert {row["platform"] for row in listed} >= {NAME, PLATFORM, "el9s-x86_64", "el10s-x86_64"}


def test_the_faults_of_a_definition_are_reported_with_their_lines(tmp_path: Path) -> None:
    text = definition("ftp://example.test").replace("glibc", "glibcc")
    (tmp_path / "bad.toml").write_text(text)

    done = rdo("platform", "create", "bad-x86_64", "--from-definition", "bad.toml", cwd=tmp_path)

    assert done.code == 2
    assert "bad.toml:6" in done.stderr
    assert "baseurl" in done.stderr


@pytest.mark.slow
def test_a_refreshed_platform_has_what_the_repository_has_now(place: Place, tmp_path: Path) -> None:
    before = place.tree
    mini.make_own(tmp_path, place.repository, "3.0")
    mini.index(place.repository)

    made = place.rdo("platform", "create", NAME, "--refresh")
    done = place.build(tmp_path / "build", "compiled", COMPILED.replace("2.0", "3.0"))

    assert made.code == 0, made.stderr
    assert place.tree != before
    assert done.code == 0, done.stdout + done.stderr
