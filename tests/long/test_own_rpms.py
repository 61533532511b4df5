"""rdo as RPMs: our own factory builds this repository like any other upstream."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.as_root import AS_ROOT
from tests.e2e.command import PLATFORM, REPOSITORY, needs_roots, rdo

pytestmark = needs_roots

TARGET = "master-deb12"
RPM = ("rpm", "--define", "_dbpath /var/lib/rpm")
OLDER = """\
alembic===1.9.4
click===8.1.7
cryptography===42.0.4
greenlet===3.0.3
packaging===23.2
paramiko===3.4.0
SQLAlchemy===1.4.51
typing_extensions===4.9.0
"""
"""What upper-constraints.txt of OpenStack 2024.1 says of libraries that rdo imports or brings."""

SETTINGS = f"""\
base-url = "http://127.0.0.1:8080"
[metadata]
source = "info"
[targets.{TARGET}]
release = "master"
platform = "{PLATFORM}"
initial-commits = 1
"""
METADATA = """\
releases:
- name: master
  status: development
  branch: packaged
  repos:
  - name: deb12
packages:
- project: rdo
  name: rdo
  upstream: {here}
  source-branch: packaged
  distgit: {here}
  distgit-path: packaging
  distro-branch: packaged
  maintainers: [packager@example.test]
  tags:
    master:
"""


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A factory that has built this repository."""
    place = tmp_path_factory.mktemp("own")
    _metadata(place)
    (place / "rdo.toml").write_text(SETTINGS)
    _do(place, "trunk", "run")
    return place


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A factory of a release with older libraries, whose distgit of rdo leaves the factory out."""
    place = tmp_path_factory.mktemp("older")
    clone = _metadata(place)
    spec = clone / "packaging/rdo.spec"
    spec.write_text(spec.read_text().replace("%bcond factory 1", "%bcond factory 0"))
    identity = ("-c", "user.name=packager", "-c", "user.email=packager@example.test")
    _run("git", "-C", clone, *identity, "commit", "--quiet", "--all", "--message", "Packstack only")
    (place / "upper-constraints.txt").write_text(OLDER)
    (place / "rdo.toml").write_text(SETTINGS + '[bridge]\nconstraints = "upper-constraints.txt"\n')
    _do(place, "trunk", "run")
    _do(place, "platform", "deps", "add", "python3dist(sqlalchemy)", "python3dist(alembic)")
    return place


def _metadata(place: Path) -> Path:
    """Write metadata of a release with only this repository; return the clone of the repository."""
    clone = place / "rdo.git"
    _run("git", "clone", "--quiet", REPOSITORY, clone)
    _run("git", "-C", clone, "checkout", "--quiet", "-B", "packaged")
    (place / "info").mkdir()
    (place / "info/rdo.yml").write_text(METADATA.format(here=f"file://{clone}"))
    return clone


@pytest.fixture(scope="module")
def root(factory: Path) -> Path:
    """A fresh root of the platform, with `rdo` from the repository that it built."""
    return _root(factory, "rdo", "openstack-packstack")


def _root(factory: Path, *packages: str) -> Path:
    """Make a root of the platform with these packages of a factory."""
    _do(factory, "platform", "create", PLATFORM, "--root", "root", "--target", TARGET)
    dnf = (*AS_ROOT, "dnf", f"--installroot={factory}/root", "--quiet", "--assumeyes")
    _run(*dnf, "install", *packages)
    return factory / "root"


def test_the_installed_programs_answer(root: Path) -> None:
    assert "Commands" in _inside(root, "rdo", "--help")
    assert "new-version" in _inside(root, "rdopkg", "--help")
    assert "--gen-answer-file" in _inside(root, "packstack", "--help")


def test_the_installed_doctor_looks_at_a_factory(root: Path) -> None:
    _inside(root, "rdo", "init", "/srv/mydistro")

    told = _inside(root, "rdo", "-C", "/srv/mydistro", "doctor", "--offline", ok=(0, 3))
    answer = _inside(root, "rdo", "-C", "/srv/mydistro", "doctor", "--offline", "--json", ok=(0, 3))

    assert "git" in told
    assert json.loads(answer)["command"].startswith("dnf install -y ")  # as rpm owns its files
    assert "rdo.toml" in told


def test_pages_units_and_completion_are_where_their_readers_look(root: Path) -> None:
    files = _inside(root, *RPM, "--query", "--list", "rdo").splitlines()

    assert "/usr/lib/systemd/system/rdo-trunk@.timer" in files
    assert "/usr/share/bash-completion/completions/rdo" in files
    assert any(file.startswith("/usr/share/man/man1/rdo-trunk-run.1") for file in files)


def test_packstack_is_installed_and_runs_beside_the_libraries_of_an_older_release(
    older: Path,
) -> None:
    root = _root(older, "openstack-packstack", "python3-sqlalchemy", "python3-alembic")

    shown = _inside(root, "packstack", "--version")
    _inside(root, "packstack", "--gen-answer-file=/root/answers.txt")
    checked = _inside(root, "packstack", "--validate-answer-file=/root/answers.txt")
    answers = _inside(root, "rdo", "deploy", "answers", "--answer-file", "/root/answers.txt")
    _inside(root, "rdo", "trunk", "status", ok=(3,))

    wanted = ("python3-click", "python3-sqlalchemy", "python3-alembic", "python3-typing-extensions")
    versions = _inside(root, *RPM, "--query", "--queryformat", "%{version} ", *wanted)
    assert versions.split() == ["8.1.7", "1.4.51", "1.9.4", "4.9"]
    assert shown.startswith("packstack ")
    assert checked.endswith("keys, no faults\n")
    assert "CONFIG_KEYSTONE_ADMIN_PW" in answers


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a lab")
def test_a_host_gets_packstack_by_the_release_package(factory: Path) -> None:
    url = f"http://10.88.0.1/{TARGET}/repos"
    _do(factory, "repo", "release-rpm", "--url", url, "--publish")
    _do(factory, "lab", "up", "try")
    try:
        _on_host(factory, "rm /etc/yum.repos.d/*")
        _on_host(factory, f"dnf install -y {url}/rdo-release.rpm")
        _on_host(factory, "dnf install -y openstack-packstack")
        answers = _on_host(factory, "packstack --gen-answer-file=a; cat a")
    finally:
        rdo("lab", "down", "try", cwd=factory, constraints=None)

    assert "CONFIG_KEYSTONE_ADMIN_PW=" in answers


def _do(factory: Path, *command: str) -> None:
    done = rdo(*command, cwd=factory, constraints=None)
    assert done.code == 0, done.stderr


def _on_host(factory: Path, command: str) -> str:
    done = rdo("lab", "ssh", "host1", "--", command, cwd=factory, constraints=None)
    assert done.code == 0, done.stdout + done.stderr
    return done.stdout


def _inside(root: Path, *command: str, ok: tuple[int, ...] = (0,)) -> str:
    return _run(*AS_ROOT, "chroot", root, *command, ok=ok)


def _run(*command: str | Path, ok: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in ok, done.stderr
    return done.stdout
