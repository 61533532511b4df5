"""A small distribution of Python packages: real repositories, built in real roots."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import GitRepository
from tests.e2e.command import PLATFORM, Result, rdo

TARGET = "master-deb12"
TESTS = """\
%if 0%{?repo_bootstrap}
%bcond_with tests
%else
%bcond_without tests
%endif
"""
SPEC = """\
%{{!?upstream_version: %global upstream_version %{{version}}}}
{tests}Name: python-{name}
Version: XXX
Release: XXX
Summary: {name} of the tests
License: MIT
Source0: https://example.test/{name}-%{{upstream_version}}.tar.gz
BuildArch: noarch
BuildRequires: python3-devel
BuildRequires: pyproject-rpm-macros
{needs}%description
{name}
%package -n python3-{name}
Summary: %{{summary}}
%description -n python3-{name}
{name}
%prep
%autosetup -n {name}-%{{upstream_version}}
%generate_buildrequires
%pyproject_buildrequires
%build
%pyproject_wheel
%install
%pyproject_install
%pyproject_save_files {name}
%check
{check}%files -n python3-{name} -f %{{pyproject_files}}
"""
PYPROJECT = """\
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"
[project]
name = "{name}"
version = "{version}"
dependencies = {requires}
[tool.setuptools]
packages = ["{name}"]
"""


@dataclass(slots=True)
class Distribution:
    """A folder with rdo.toml, metadata, and real repositories for each package.

    `log` is what the last round said on stderr, `settings` are more lines of rdo.toml: the first
    and the last ones.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    upstreams: dict[str, GitRepository] = field(default_factory=dict)
    distgits: dict[str, GitRepository] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    log: str = ""
    looks_ahead: bool = False
    settings: tuple[str, str] = ("", "")

    def add(self, name: str, *requires: str, spec_needs: str = "", tests_need: str = "") -> None:
        """A package whose source requires `requires`, its spec and its tests something more."""
        needs = f"BuildRequires: python3dist({spec_needs})\n" if spec_needs else ""
        check = "%pyproject_check_import\n"
        if tests_need:
            needs += f"%if %{{with tests}}\nBuildRequires: python3dist({tests_need})\n%endif\n"
            check += f"%if %{{with tests}}\n%{{python3}} -c 'import {tests_need}'\n%endif\n"
        distgit = GitRepository(self.folder / "distgit" / name, branch="rpm-master")
        self.distgits[name] = distgit
        text = SPEC.format(name=name, needs=needs, check=check, tests=TESTS if tests_need else "")
        distgit.commit("package it", {f"python-{name}.spec": text})
        self.upstreams[name] = GitRepository(self.folder / "upstream" / name)
        self.release(name, "1.0", *requires)
        self.lines += [f"- project: {name}", f"  name: python-{name}"]
        self.lines += [f"  upstream: {self.upstreams[name].url}", f"  distgit: {distgit.url}"]
        self.lines += ["  maintainers: [one@example.test]", "  tags: {master: }"]
        self.write_metadata()

    def release(self, name: str, version: str, *requires: str, code: str = "") -> str:
        """Commit another version upstream; returns the hash."""
        files = {
            "pyproject.toml": PYPROJECT.format(name=name, version=version, requires=list(requires)),
            f"{name}/__init__.py": f"version = {version!r}\n{code}\n",
        }
        return self.upstreams[name].commit(f"release {version}", files)

    def write_metadata(self) -> None:
        (self.folder / "rdo.toml").write_text(
            f'{self.settings[0]}[metadata]\nsource = "info"\n'
            f'[targets.{TARGET}]\nrelease = "master"\n'
            f'platform = "{PLATFORM}"\nlook-ahead = {str(self.looks_ahead).lower()}\n'
            f"{self.settings[1]}"
        )
        head = ["releases:", "- name: master", "  status: development", "  branch: rpm-master"]
        head += ["  repos:", "  - name: deb12", "packages:"]
        (self.folder / "info").mkdir(exist_ok=True)
        (self.folder / "info/rdo.yml").write_text("\n".join([*head, *self.lines, ""]))

    def rdo(self, *args: object) -> Result:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            return rdo(*args, cwd=self.folder)

    def run(self) -> tuple[int, Any]:
        done = self.rdo("trunk", "run", "--json")
        self.log = done.stderr
        assert done.stdout, done.stderr
        (report,) = done.json
        return done.code, report

    def why(self, package: str) -> Any:
        return self.rdo("why", package, "--json").json

    def name(self, name: str) -> str:
        """The target of one of the tree's names; empty if the name does not exist."""
        link = self.folder / "data" / TARGET / "repos" / name
        return str(link.readlink()) if link.is_symlink() else ""
