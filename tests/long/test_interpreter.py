"""A base whose Python is too old: the release has one of its own, made for the platform.

Debian 11 has Python 3.9. The demo's libraries, a package with a C extension and a service are
built for 3.11, installed by dnf into a fresh root, and run there; dnf and rpm keep theirs.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.as_root import AS_ROOT
from tests.conftest import GitRepository
from tests.e2e.command import REPOSITORY, needs_roots, rdo

VARIABLE = "RDO_TEST_INTERPRETER"
pytestmark = [
    needs_roots,
    pytest.mark.skipif(
        VARIABLE not in os.environ,
        reason=f"compiling a Python takes half an hour; {VARIABLE}=1 asks for it",
    ),
]

PLATFORM, TARGET = "deb11-x86_64", "master-deb11"
DEMO = REPOSITORY / "examples/demo"
SETTINGS = f"""\
[metadata]
source = "info"
file = "rdo.yml"
[bridge]
constraints = "upper-constraints.txt"
[targets.{TARGET}]
release = "master"
platform = "{PLATFORM}"
workers = 2
initial-commits = 1
"""
ENTRY = """
- project: {project}
  name: {name}
  upstream: {upstream}
  distgit: {distgit}
  maintainers: [one@example.test]
  tags: {{master: }}
"""
SPEC = """\
%{{!?upstream_version: %global upstream_version %{{version}}}}
Name: {name}
Version: XXX
Release: XXX
Summary: A package of the tests
License: MIT
Source0: https://example.test/{project}-%{{upstream_version}}.tar.gz
{head}BuildRequires: python3-devel, pyproject-rpm-macros
%description
A package of the tests.
{package}%prep
%autosetup -n {project}-%{{upstream_version}}
%generate_buildrequires
%pyproject_buildrequires
%build
%pyproject_wheel
%install
%pyproject_install
%pyproject_save_files {project}
{install}%check
%pyproject_check_import
{files}
"""
COMPILED = SPEC.format(
    name="python-doubled",
    project="doubled",
    head="BuildRequires: gcc\n",
    package="%package -n python3-doubled\nSummary: C\n%description -n python3-doubled\nC.\n",
    install="",
    files="%files -n python3-doubled -f %{pyproject_files}",
)
SERVICE = SPEC.format(
    name="openstack-greeter",
    project="greeter",
    head="BuildArch: noarch\nBuildRequires: systemd-rpm-macros\n",
    package="%pre\n%openstack_pre_user_group_create greeter greeter /sbin/nologin\n"
    "%post\n%systemd_post openstack-greeter.service\n",
    install="""\
cat > openstack-greeter.service <<END
[Unit]
Description=A service of the tests
[Service]
User=greeter
ExecStart=/usr/bin/greeter
END
install -D -m 644 openstack-greeter.service %{buildroot}%{_unitdir}/openstack-greeter.service
printf '#!/usr/bin/env python3\\nimport greeter; greeter.main()\\n' > greeter-old
install -m 755 greeter-old %{buildroot}%{_bindir}/greeter-old
""",
    files="""\
%files -f %{pyproject_files}
%{_bindir}/greeter
%{_bindir}/greeter-old
%{_unitdir}/openstack-greeter.service""",
)
C = """\
#include <Python.h>
static PyObject *twice(PyObject *self, PyObject *number) { return PyNumber_Add(number, number); }
static PyMethodDef methods[] = {{"twice", twice, METH_O, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "doubled.fast", "", -1, methods};
PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }
"""
SETUP = """\
from setuptools import Extension, setup
setup(ext_modules=[Extension("doubled.fast", ["fast.c"])])
"""
PROJECT = """\
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"
[project]
name = "{name}"
version = "1.0"
requires-python = ">=3.10"
dependencies = {requires}
{more}[tool.setuptools]
packages = ["{name}"]
"""
PROGRAM = '[project.scripts]\ngreeter = "greeter:main"\n'
GREETER = """\
import sys

from oslo_config import cfg

def main():
    match sys.version_info[:2]:
        case (major, minor):
            print(f"greetings from Python {major}.{minor} and {cfg.ConfigOpts.__name__}")
"""


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's distribution, with two packages more, for the platform."""
    folder = tmp_path_factory.mktemp("factory")
    (folder / "rdo.toml").write_text(SETTINGS)
    shutil.copy(DEMO / "upper-constraints.txt", folder)
    for place in sorted((DEMO / "distgits").iterdir()):
        files = {file.name: file.read_text() for file in place.iterdir()}
        GitRepository(folder / "distgits" / place.name, branch="rpm-master").commit("it", files)
    (folder / "info").mkdir()
    text = (DEMO / "info/rdo.yml").read_text().replace("deb12", "deb11")
    text = text.replace("DISTGITS", f"file://{folder}/distgits")
    text += _package(
        folder,
        "python-doubled",
        "doubled",
        COMPILED,
        {
            "pyproject.toml": PROJECT.format(name="doubled", requires=[], more=""),
            "setup.py": SETUP,
            "fast.c": C,
            "doubled/__init__.py": "",
        },
    )
    text += _package(
        folder,
        "openstack-greeter",
        "greeter",
        SERVICE,
        {
            "pyproject.toml": PROJECT.format(
                name="greeter", requires=["oslo.config"], more=PROGRAM
            ),
            "greeter/__init__.py": GREETER,
        },
    )
    (folder / "info/rdo.yml").write_text(text)
    return folder


def _package(folder: Path, name: str, project: str, spec: str, files: dict[str, str]) -> str:
    upstream = GitRepository(folder / "upstream" / project)
    upstream.commit("release it", files)
    distgit = GitRepository(folder / "distgits" / name, branch="rpm-master")
    distgit.commit("package it", {f"{name}.spec": spec})
    return ENTRY.format(project=project, name=name, upstream=upstream.url, distgit=distgit.url)


def test_a_release_is_built_installed_and_run_on_a_base_with_an_older_python(
    factory: Path,
) -> None:
    made = rdo("platform", "create", PLATFORM, cwd=factory)
    assert made.code == 0, made.stderr

    done = rdo("trunk", "run", "--json", cwd=factory)

    (report,) = done.json
    assert report["failed"] == [], done.stderr
    assert len(report["built"]) == 15
    root = _installed(factory)
    assert _said(root, "greeter") == "greetings from Python 3.11 and ConfigOpts\n"
    assert _said(root, "greeter-old") == "greetings from Python 3.11 and ConfigOpts\n"
    assert _said(root, "oslo-config-generator", "--help").startswith("usage:")
    twice = "from doubled import fast; print(fast.twice(21))"
    assert _said(root, "python3.11", "-c", twice) == "42\n"
    assert _said(root, "python3", "-c", "import sys; print(sys.version_info[:2])") == "(3, 9)\n"
    assert _said(root, "getent", "passwd", "greeter").startswith("greeter:")
    required = ("rpm", "--dbpath", "/var/lib/rpm", "-q", "--requires", "python3-doubled")
    assert "python(abi) = 3.11\n" in _said(root, *required)


def _installed(factory: Path) -> Path:
    """Return a fresh root with all of the packages, which dnf installs."""
    root = factory / "root"
    made = rdo("platform", "create", PLATFORM, "--root", root, "--target", TARGET, cwd=factory)
    assert made.code == 0, made.stderr
    names = [place.name.replace("python-", "python3-") for place in (DEMO / "distgits").iterdir()]
    dnf = (*AS_ROOT, "dnf", f"--installroot={root}", "--quiet", "--assumeyes", "install")
    packages = (*names, "python3-doubled", "openstack-greeter")
    subprocess.run([*dnf, *packages], check=True, timeout=1800)
    return root


def _said(root: Path, *argv: str) -> str:
    inside = (*AS_ROOT, "chroot", root, *argv)
    done = subprocess.run(inside, check=True, capture_output=True, text=True, timeout=120)
    return done.stdout
