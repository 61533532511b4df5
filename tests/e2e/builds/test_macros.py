"""Real builds with each macro of docs/macros.md that specs of RPM distributions use."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import needs_roots, rdo

pytestmark = needs_roots

MODULES = "/usr/lib/python3.11/site-packages"
SETUP = """\
Name: python-legacy
Version: 1.0
Release: 1%{?dist}
Summary: A package with a setup.py
License: MIT
BuildArch: noarch
ExclusiveArch: %{java_arches} noarch
Source0: legacy.tar.gz
Source1: legacy.tar.gz.asc
Source2: key.gpg
Patch1: one.patch
BuildRequires: git-core, gnupg2, gettext, python3-devel, openstack-macros, systemd-rpm-macros
BuildRequires: %{py3_dist setuptools PyTest}, /usr/libexec/platform-python
%bcond_without tests
%bcond_with docs
%description
%{summary}.

%package -n python3-legacy
Summary: %{summary}
%{?python_provide:%python_provide python3-legacy}
%py_provides python3-old-legacy
%{?systemd_requires}
%description -n python3-legacy
%{summary}.
%python_extras_subpkg -n python3-legacy -i %{python3_sitelib}/*.egg-info fast

%prep
%{gpgverify} --keyring=%{SOURCE2} --signature=%{SOURCE1} --data=%{SOURCE0}
%autosetup -n legacy-%{version} -S git
test "$(git log --format=%%s | wc -l)" = 2
%py_req_cleanup
test ! -e requirements.txt
%py3_shebang_fix tool.py

%build
%py3_build

%install
%py3_install
install -D tool.py %{buildroot}%{_bindir}/legacy-tool
install -D /dev/null %{buildroot}%{_datadir}/locale/de/LC_MESSAGES/legacy.mo
install -D -m 644 /dev/null %{buildroot}%{_mandir}/man1/legacy-tool.1
%find_lang legacy
for place in %{_unitdir}/legacy.service %{_sysctldir}/legacy.conf %{_tmpfilesdir}/legacy.conf \\
    %{_sysusersdir}/legacy.conf %{_sharedstatedir}/legacy/x; do
    install -D -m 644 /dev/null %{buildroot}$place
done

%check
%if %{with tests}
%pytest -q
%endif
%if %{with docs}
exit 1
%endif
test '%{?rhel}/%{?fedora}' = 9/
sh -c '[[ -x /usr/libexec/platform-python ]]'
getent group nobody wheel
test '%{default_toxenv}/%{python3_version_nodots}' = py311/311

%pre -n python3-legacy
%sysusers_create_compat %{_sourcedir}/users.conf
%openstack_pre_user_group_create legacy2 legacy2 /bin/bash
%post -n python3-legacy
%systemd_post legacy.service
%tmpfiles_create legacy.conf
%sysctl_apply legacy.conf
%preun -n python3-legacy
%systemd_preun legacy.service
%postun -n python3-legacy
%systemd_postun_with_restart legacy.service

%files -n python3-legacy -f legacy.lang
%pycached %{python3_sitelib}/legacy.py
%{python3_sitelib}/legacy-%{version}-py%{python3_version}.egg-info
%{_bindir}/legacy-tool
%{_mandir}/man1/legacy-tool.1.gz
%{_unitdir}/legacy.service
%{_sysctldir}/legacy.conf
%{_tmpfilesdir}/legacy.conf
%{_sysusersdir}/legacy.conf
%{_sharedstatedir}/legacy
"""
SETUP_FILES = {
    "setup.py": "from setuptools import setup\n"
    "setup(name='legacy', version='1.0', py_modules=['legacy'],\n"
    "      install_requires=['packaging>=20'], extras_require={'fast': ['wheel']})\n",
    "legacy.py": "answer = 41\n",
    "test_legacy.py": "import legacy\ndef test_it():\n    assert legacy.answer == 42\n",
    "tool.py": "#!/usr/bin/env python\nprint('x')\n",
    "requirements.txt": "no-such-project\n",
}
PATCH = "--- a/legacy.py\n+++ b/legacy.py\n@@ -1 +1 @@\n-answer = 41\n+answer = 42\n"

PYPROJECT = """\
Name: python-modern
Version: 2.0
Release: 1%{?dist}
Summary: A package with a pyproject.toml
License: MIT
BuildArch: noarch
Source0: tree.tar
BuildRequires: python3-devel, pyproject-rpm-macros
%description
%{summary}.
%package -n python3-modern
Summary: %{summary}
%description -n python3-modern
%{summary}.
%pyproject_extras_subpkg -n python3-modern fast

%prep
%setup -q -c

%generate_buildrequires
%pyproject_buildrequires -x fast -g lint -e %{default_toxenv},docs more-requirements.txt

%build
%pyproject_wheel

%install
%pyproject_install
%pyproject_save_files -l modern

%check
%pyproject_check_import -e 'modern.broken*'
%tox
test '%{toxenv}' = py311,docs
test -s doc/build/html/index.html

%files -n python3-modern -f %{pyproject_files}
%{_bindir}/modern
"""
PYPROJECT_FILES = {
    "pyproject.toml": """\
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"
[project]
name = "Modern.Thing"
version = "2.0"
license = {file = "LICENSE"}
dependencies = ["packaging>=20"]
[project.optional-dependencies]
fast = ["six>=1"]
[project.scripts]
modern = "modern:main"
[dependency-groups]
lint = ["iniconfig"]
[tool.setuptools]
packages = ["modern", "modern.inside"]
""",
    "LICENSE": "MIT\n",
    "more-requirements.txt": "pluggy>=1\n",
    "tox.ini": "[testenv]\nbasepython = python3\ndeps = exceptiongroup\n"  # as EL's tox 3 takes it
    "commands = python -c 'import modern, exceptiongroup, iniconfig, pluggy, six; modern.main()'\n"
    "[testenv:docs]\ndeps = sphinx>=7\ncommands = python setup.py build_sphinx\n",
    "setup.py": "import setuptools\nsetuptools.setup()\n",
    "setup.cfg": "[build_sphinx]\nall-files = 1\nwarning-is-error = 1\n"
    "source-dir = doc/source\nbuild-dir = doc/build\n",
    "doc/source/conf.py": "project = 'modern'\n",
    "doc/source/index.rst": "Modern\n======\n",
    "modern/__init__.py": "def main():\n    print('ran')\n",
    "modern/inside/__init__.py": "",
    "modern/broken.py": "raise SystemExit('imported')\n",
}
MINIMAL = """\
Name: python-minimal
Version: 1.0
Release: 1
Summary: BuildRequires that stand in files
License: MIT
BuildArch: noarch
BuildRequires: python3-devel, pyproject-rpm-macros
%description
%{summary}.
%prep
%setup -q -c -T
printf 'six>=1 # why\\n-r more.txt\\n' > requirements.txt
printf 'pluggy; python_version > "3"\\niniconfig; python_version < "3"\\n' > more.txt
printf '[build-system]\\nrequires = ["no-such-backend"]\\n' > pyproject.toml
%generate_buildrequires
%pyproject_buildrequires -N requirements.txt
%build
%install
%check
%{python3} -c 'import six, pluggy'
! %{python3} -c 'import iniconfig'
%files
"""


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("legacy")
    write(folder / "tree/legacy-1.0", SETUP_FILES)
    (folder / "one.patch").write_text(PATCH)
    (folder / "users.conf").write_text('u legacy 77 "Legacy" /var/lib/legacy\n')
    tar = ("tar", "-czf", folder / "legacy.tar.gz", "-C", folder / "tree", "legacy-1.0")
    subprocess.run(tar, check=True)
    sign(folder, "legacy.tar.gz")
    return build(folder, "python-legacy", SETUP)


@pytest.fixture(scope="module")
def modern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("modern")
    write(folder / "tree", PYPROJECT_FILES)
    subprocess.run(("tar", "-cf", folder / "tree.tar", "-C", folder / "tree", "."), check=True)
    return build(folder, "python-modern", PYPROJECT)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def sign(folder: Path, name: str) -> None:
    """Make a key, its keyring and a detached signature."""
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", "")
    commands: list[tuple[str, ...]] = [
        (*gpg, "--quick-gen-key", "one@example.test", "ed25519", "sign", "never"),
        (*gpg, "--output", str(folder / "key.gpg"), "--export"),
        (*gpg, "--armor", "--detach-sign", str(folder / name)),
    ]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True)
    subprocess.run(("gpgconf", "--homedir", str(home), "--kill", "all"), check=True)


def build(folder: Path, name: str, spec: str) -> Path:
    (folder / f"{name}.spec").write_text(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RDO_DATA", str(folder / "data"))
        done = rdo("build", f"{name}.spec", "--json", cwd=folder)
    log = folder / "results/rpmbuild.log"
    assert done.code == 0, (
        done.stdout + done.stderr + (log.read_text()[-3000:] if log.exists() else "")
    )
    return folder / "results"


def query(results: Path, name: str, *options: str) -> list[str]:
    (rpm,) = results.glob(f"{name}-[0-9]*.noarch.rpm")
    command = ("rpm", "-qp", *options, str(rpm))
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_the_older_python_macros_give_names_dependencies_and_files(legacy: Path) -> None:
    provides = set(query(legacy, "python3-legacy", "--provides"))
    requires = set(query(legacy, "python3-legacy", "--requires"))
    files = set(query(legacy, "python3-legacy", "--list"))

    assert {f"{name} = 1.0-1.deb12" for name in ("python-legacy", "python3.11-legacy")} <= provides
    assert {"python-old-legacy = 1.0-1.deb12", "python3dist(legacy) = 1"} <= provides
    assert {"python3.11dist(packaging) >= 20", "python(abi) = 3.11", "systemd"} <= requires
    assert f"{MODULES}/__pycache__/legacy.cpython-311.pyc" in files
    assert "/usr/share/locale/de/LC_MESSAGES/legacy.mo" in files
    assert "/usr/lib/systemd/system/legacy.service" in files
    assert "/var/lib/legacy/x" in files


def test_an_extra_is_a_package_with_its_requirements(legacy: Path, modern: Path) -> None:
    old = set(query(legacy, "python3-legacy+fast", "--requires"))
    new = set(query(modern, "python3-modern+fast", "--requires"))

    assert {"python3-legacy = 1.0-1.deb12", "python3.11dist(wheel)"} <= old
    assert {"python3-modern = 2.0-1.deb12", "python3.11dist(six) >= 1"} <= new
    assert "python3dist(modern-thing[fast]) = 2" in query(
        modern, "python3-modern+fast", "--provides"
    )


def test_shebangs_name_the_interpreter(legacy: Path, tmp_path: Path) -> None:
    (rpm,) = legacy.glob("python3-legacy-1*.rpm")
    unpack = f"rpm2cpio {rpm} | cpio --quiet -id './usr/bin/*'"
    subprocess.run(("sh", "-c", unpack), cwd=tmp_path, check=True)

    first = (tmp_path / "usr/bin/legacy-tool").read_text().splitlines()[0]

    assert first == "#!/usr/bin/python3 -sP"


@pytest.mark.parametrize(
    ("scriptlet", "expected"),
    [
        ("postinstall", "systemctl --no-reload preset legacy.service"),
        ("postinstall", "systemd-tmpfiles --create legacy.conf"),
        ("postinstall", "systemd-sysctl legacy.conf"),
        ("preuninstall", "systemctl --no-reload disable --now legacy.service"),
        ("postuninstall", "systemctl try-restart legacy.service"),
        ("preinstall", "groupadd -r -g 77 legacy"),
        ("preinstall", "groupadd -r legacy2"),
        ("preinstall", "-d /var/lib/legacy2 -s /bin/bash"),
    ],
)
def test_scriptlets_do_what_their_macros_promise(
    legacy: Path, scriptlet: str, expected: str
) -> None:
    text = "\n".join(query(legacy, "python3-legacy", "--scripts"))

    body = text.partition(f"{scriptlet} scriptlet")[2].partition(" scriptlet")[0]

    assert expected in " ".join(body.split())


def test_a_pyproject_is_built_from_what_it_declares(modern: Path) -> None:
    asked = (modern / "rpmbuild.log").read_text()
    files = query(modern, "python3-modern", "--list")
    licenses = query(modern, "python3-modern", "--licensefiles")

    for need in ("six", "iniconfig", "pluggy", "exceptiongroup", "tox-current-env"):
        assert f"python3dist({need})" in asked
    assert f"{MODULES}/modern/inside/__init__.py" in files
    assert not [name for name in files if name.endswith(("/RECORD", "/direct_url.json"))]
    assert [name for name in licenses if name.endswith("/LICENSE")]
    assert "\nran\n" in asked


def test_buildrequires_may_stand_in_requirement_files_alone(tmp_path: Path) -> None:
    build(tmp_path, "python-minimal", MINIMAL)


@pytest.mark.parametrize(
    ("change", "reason", "said"),
    [
        (lambda spec: spec.replace("-N req", "-N -r req"), "spec", "options -N and -r exclude"),
        (lambda spec: spec.replace("more.txt\\n'", "none.txt\\n'"), "spec", "none.txt"),
    ],
)
def test_a_wrong_use_is_reported(
    tmp_path: Path, change: Callable[[str], str], reason: str, said: str
) -> None:
    (tmp_path / "python-minimal.spec").write_text(change(MINIMAL))

    done = rdo("build", "python-minimal.spec", "--json", cwd=tmp_path)

    assert done.code == 1
    log = tmp_path / "results/rpmbuild.log"
    assert said in done.json["detail"] + (log.read_text() if log.exists() else "")
    assert done.json["reason"] == reason
