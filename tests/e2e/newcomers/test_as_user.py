"""A build and a round of an ordinary user with subordinate ids leave no files of other owners."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rdo.tools.walls.id_range import COUNT
from tests.conftest import GitRepository
from tests.e2e.builds.test_build import COMPILED, PYPROJECT, hashes, write
from tests.e2e.builds.test_build import PYTHON as PYTHON_SPEC
from tests.e2e.command import PLATFORM, REPOSITORY, base_layer, platforms, rdo

USER = "rdo-test"
PYTHON = Path("/usr/bin/python3")
NOT_NEEDED = ("mypy*", "ruff*", "hypothesis*", "pytest*", "__pycache__", "uv*")
FIRST = 3_000_000
HELLO = """\
Name: hello
Version: 1
Release: 1
Summary: x
License: MIT
BuildArch: noarch
%description
x
%prep
%build
id -u
cut -c12-22 /proc/self/uid_map
%install
install -D -m644 /dev/null %{buildroot}/usr/share/hello
%files
/usr/share/hello
"""
TOML = f"""\
data = "data"
[metadata]
source = "info"
file = "rdo.yml"
[targets.t]
release = "master"
platform = "{PLATFORM}"
"""
PACKAGES = """\
releases:
- name: master
  status: development
  branch: rpm-master
  repos:
  - name: deb12
    distrepos: []
packages:
- project: hello
  name: hello
  upstream: {upstream}
  distgit: {distgit}
  source-branch: master
  distro-branch: rpm-master
  maintainers: [m@example.test]
  tags:
    master:
"""


def _same_python() -> bool:
    if not PYTHON.exists():
        return False
    script = "import sys; print(sys.version_info[:2])"
    done = subprocess.run([PYTHON, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip() == str(sys.version_info[:2])


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a user for the test"),
    pytest.mark.skipif(not _same_python(), reason="the machine's Python is of another version"),
    pytest.mark.skipif(not shutil.which("newuidmap"), reason="newuidmap is not installed"),
]


@dataclass(frozen=True, slots=True)
class Person:
    """A user of this machine, with a folder, a program `rdo` and a base layer of his own."""

    uid: int
    folder: Path
    environment: dict[str, str]

    def start(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.folder / "venv/bin/python", "-m", "rdo", *args],
            cwd=self.folder / "work",
            env=self.environment,
            user=self.uid,
            group=self.uid,
            extra_groups=[],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def rdo(self, *args: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*args)
        out, said = process.communicate(timeout=900)
        return subprocess.CompletedProcess(args, process.returncode, out, said)

    def strangers(self) -> list[Path]:
        """The files of his folder that belong to somebody else."""
        return [path for path in self.folder.rglob("*") if path.lstat().st_uid != self.uid]


@pytest.fixture(scope="module")
def person() -> Iterator[Person]:
    """A user with a range, to whom a platform that root had made was handed over."""
    base_layer()
    made = Path(platforms()) / PLATFORM
    subprocess.run(["userdel", "--force", USER], capture_output=True, check=False)
    subprocess.run(["useradd", "--no-create-home", "--user-group", USER], check=True)
    ids = f"{FIRST}-{FIRST + COUNT - 1}"
    subprocess.run(["usermod", "--add-subuids", ids, "--add-subgids", ids, USER], check=True)
    folder = Path(tempfile.mkdtemp(prefix="rdo-user-", dir="/tmp"))
    try:
        yield _person(folder, made)
    finally:
        subprocess.run(["userdel", "--force", USER], capture_output=True, check=False)
        shutil.rmtree(folder)


def _person(folder: Path, made: Path) -> Person:
    uid = pwd.getpwnam(USER).pw_uid
    folder.chmod(0o755)
    libraries = Path(sysconfig.get_paths()["purelib"])
    ignore = shutil.ignore_patterns(*NOT_NEEDED)
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    [site] = folder.glob("venv/lib/python*/site-packages")
    shutil.copytree(libraries, site, ignore=ignore, dirs_exist_ok=True)
    shutil.copytree(REPOSITORY / "src/rdo", site / "rdo", ignore=ignore)
    mine = folder / "platforms" / PLATFORM
    mine.mkdir(parents=True)
    for layer in (*made.glob("base-*"), *made.glob("macros-*")):
        subprocess.run(["cp", "--archive", layer, mine], check=True)
    (folder / "work").mkdir()
    _give(uid, folder)
    environment = {
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(folder / "work"),
        "RDO_PLATFORMS": str(folder / "platforms"),
        "LC_ALL": "C.UTF-8",
        **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
    }
    return Person(uid, folder, environment)


def _give(uid: int, folder: Path) -> None:
    subprocess.run(["chown", "--recursive", f"{uid}:{uid}", folder], check=True)


def test_a_build_gives_files_of_the_user(person: Person) -> None:
    (person.folder / "work/hello.spec").write_text(HELLO)

    done = person.rdo("build", "hello.spec")

    assert done.returncode == 0, done.stderr
    log = (person.folder / "work/results/rpmbuild.log").read_text()
    assert "\n61184\n" in log
    assert (person.folder / "work/results/hello-1-1.noarch.rpm").stat().st_uid == person.uid


def test_root_and_the_user_build_the_same_bytes(person: Person, tmp_path: Path) -> None:
    options = ("-D", "source_date_epoch_from_changelog 0", "--source-date", "1700000000")
    for folder in (tmp_path, person.folder / "work"):
        write(folder, hello__c="int main(){return 0;}\n", hello__spec=COMPILED)
        write(folder, example__py="def main(): ...\n", pyproject__toml=PYPROJECT)
        write(folder, example__spec=PYTHON_SPEC)

    for spec in ("hello.spec", "example.spec"):
        by_root = rdo("build", spec, "--results", "same", *options, cwd=tmp_path, constraints=None)
        by_user = person.rdo("build", spec, "--results", "same", *options)
        assert (by_root.code, by_user.returncode) == (0, 0), by_root.stderr + by_user.stderr

    ours, theirs = hashes(tmp_path / "same"), hashes(person.folder / "work/same")
    assert len(ours) == 6  # the compiled one has -debuginfo and -debugsource
    assert ours == theirs


def test_a_fresh_root_is_made_of_a_base_that_root_has_made(person: Person) -> None:
    done = person.rdo("platform", "create", PLATFORM, "--root", "root")

    assert done.returncode == 0, done.stderr
    assert (person.folder / "work/root/usr/bin/dash").exists()
    assert list((person.folder / "work/root/dev").iterdir()) == []


def test_a_round_publishes_and_what_a_kill_left_goes(person: Person) -> None:
    work = person.folder / "work"
    upstream = GitRepository(work / "up")
    upstream.commit("one", {"README": "x"})
    distgit = GitRepository(work / "dist", "rpm-master")
    slow = HELLO.replace("Version: 1", "Version: XXX").replace("Release: 1", "Release: XXX")
    distgit.commit("spec", {"hello.spec": slow.replace("id -u", "sleep ${SLOW:-300}")})
    (work / "rdo.toml").write_text(TOML)
    (work / "info").mkdir()
    (work / "info/rdo.yml").write_text(PACKAGES.format(upstream=upstream.url, distgit=distgit.url))
    _give(person.uid, work)

    round_ = person.start("trunk", "run")
    log = work / "data/t/builds/1/rpmbuild.log"
    deadline = time.monotonic() + 600
    while "sleep 300" not in (log.read_text() if log.exists() else ""):
        assert time.monotonic() < deadline
        assert round_.poll() is None, round_.communicate()
        time.sleep(0.2)
    os.killpg(round_.pid, signal.SIGKILL)
    round_.communicate()
    _give(0, work / "dist")  # git refuses to work in a repository of somebody else
    distgit.commit("fix", {"hello.spec": slow})
    subprocess.run(
        ["chown", "--recursive", f"{person.uid}:{person.uid}", work / "dist"], check=True
    )
    person.rdo("trunk", "cancel", "hello", "--because", "no time")
    done = person.rdo("trunk", "run")

    assert done.returncode == 0, done.stderr
    assert list(work.glob("data/t/repos/pool/*/hello-*.noarch.rpm"))
    assert list((work / "data/roots").iterdir()) == []


def test_the_factory_of_root_goes_on_as_the_users(person: Person) -> None:
    """What root has built is the same, byte for byte, when the user builds it; nothing is anew."""
    work = person.folder / "work/handed-over"
    upstream, distgit = GitRepository(work / "up"), GitRepository(work / "dist", "rpm-master")
    upstream.commit("one", {"hello.c": "int main(){return 0;}\n"})
    spec = COMPILED.replace("Version: 1.0", "Version: XXX").replace(
        "Release: 1%{?dist}", "Release: XXX"
    )
    spec = spec.replace("Source0: hello.c", "Source0: hello.tar.gz")
    spec = spec.replace(
        "%setup -q -c -T\ncp %{SOURCE0} .\n", "%setup -q -n hello-%{upstream_version}\n"
    )
    distgit.commit("spec", {"hello.spec": spec})
    (work / "rdo.toml").write_text(TOML)
    (work / "info").mkdir()
    (work / "info/rdo.yml").write_text(PACKAGES.format(upstream=upstream.url, distgit=distgit.url))
    first = rdo("trunk", "run", "--json", cwd=work, constraints=None)
    assert first.code == 0, first.stderr

    _part_from_the_platforms(work)
    _give(person.uid, work)
    again = person.rdo("-C", str(work), "trunk", "run", "--json")
    made = person.rdo("-C", str(work), "reproduce", "hello", "--json")

    assert (again.returncode, json.loads(again.stdout)[0]["built"]) == (0, []), again.stderr
    assert made.returncode == 0, made.stdout + made.stderr
    found = json.loads(made.stdout)
    assert found["same"] is True
    assert len(found["files"]) == 4


def _part_from_the_platforms(work: Path) -> None:
    """Copy all files in place: some are links of those that other tests use, which stay root's."""
    copy = work.with_name(f"{work.name}.copy")
    subprocess.run(["cp", "--archive", work, copy], check=True)
    shutil.rmtree(work)
    copy.rename(work)


def test_every_file_is_his(person: Person) -> None:
    assert person.strangers() == []
