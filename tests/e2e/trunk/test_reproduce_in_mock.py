"""`rdo reproduce` of builds that mock has made: from the lock of their chroot, or why not."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.e2e.command import PLATFORM, Result, needs_roots, rdo
from tests.e2e.trunk.test_trunk_srpm import HEAD
from tests.fakes.mock import CONFIG, install_stand_in

pytestmark = needs_roots

SETTINGS = """\
data = "data"
[metadata]
source = "info"
[builders.mock]
program = "{place}/bin/mock"
user = "nobody"
folder = "{place}"
mock-config = "{config}"
[targets.one]
release = "master"
platform = "{platform}"
builder = "mock"
workers = 1
"""
SPEC = """\
Name: {name}
Version: XXX
Release: XXX
Summary: x
License: ASL
BuildArch: noarch
Source0: x.tar.gz
%description
x
%prep
%setup -q -n {name}
%build
{build}
%install
install -D -m 0644 file %{{buildroot}}/usr/share/{name}/file
%check
exit 1
%files
/usr/share/{name}
"""
BUILDS = {"first": "", "second": "", "third": "exit 3"}


@dataclass
class Site:
    """A factory whose builds were made by mock, one after the other."""

    folder: Path
    place: Path

    def add(self, name: str, build: str) -> None:
        upstream = GitRepository(self.folder / "git" / name)
        upstream.commit("one", {"file": name})
        upstream.git("tag", "1.2.0")
        distgit = GitRepository(self.folder / "git" / f"{name}-distgit", "rpm-master")
        distgit.commit("spec", {f"{name}.spec": SPEC.format(name=name, build=build)})
        metadata = self.folder / "info/rdo.yml"
        metadata.write_text(
            f"{metadata.read_text()}- project: {name}\n  name: {name}\n"
            f"  upstream: {upstream.url}\n  distgit: {distgit.url}\n"
            "  skip-tests: they need a cloud\n  tags:\n    master:\n"
        )

    def build(self, number: int) -> Path:
        return self.folder / "data/one/builds" / str(number)

    def reproduce(self, name: str, *words: object) -> Result:
        results = Path(tempfile.mkdtemp(dir=self.folder)) / "again"
        return rdo("reproduce", name, "--results", results, *words, cwd=self.folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = Path(tempfile.mkdtemp(prefix="rdo-mock-"))  # mock's user must get there
    place.chmod(0o755)
    install_stand_in(place / "bin")
    made = Site(tmp_path_factory.mktemp("site"), place)
    settings = SETTINGS.format(place=place, config=CONFIG, platform=PLATFORM)
    (made.folder / "rdo.toml").write_text(settings)
    (made.folder / "info").mkdir()
    (made.folder / "info/rdo.yml").write_text(HEAD)
    for number, (name, build) in enumerate(BUILDS.items(), 1):
        made.add(name, build)
        done = rdo("trunk", "run", cwd=made.folder)
        assert done.code == (1 if build else 0), done.stdout + done.stderr
        assert (made.build(number) / "buildroot_lock.json").is_file()
    yield made
    shutil.rmtree(place)


def test_a_build_in_mock_gives_the_same_bytes_again(site: Site) -> None:
    done = site.reproduce("second")

    assert done.code == 0, done.stdout + done.stderr
    assert "build 2 of second@" in done.stdout
    assert "builds again" in done.stdout
    assert done.stdout.count("the same bytes: second-1.2.0-0.") == 2
    assert re.search(r"  the same root: \d+ packages\n", done.stdout)


def test_a_failing_build_in_mock_gives_the_same_verdict_again(site: Site) -> None:
    done = site.reproduce("third", "--json")

    assert done.code == 0, done.stdout + done.stderr
    assert done.json["outcome"]["reason"] == "compile"
    assert done.json["same"]


def test_what_cannot_be_made_again_is_reported_in_one_line(site: Site) -> None:
    install_stand_in(site.place / "bin", repeats=False)
    old = site.reproduce("second")
    install_stand_in(site.place / "bin")
    lock = site.build(2) / "buildroot_lock.json"
    text = lock.read_text()
    lock.write_text(text.replace("file:///", "file:///no/such/"))
    gone = site.reproduce("second")
    lock.write_text(text)

    assert old.code == 5
    assert "mock 5.6 cannot make a build again: mock can since 5.7" in old.stderr
    assert "install a newer mock; then rdo trunk recheck" in old.stderr
    assert gone.code == 6
    assert "build 2 could not be made again: RPMs of the chroot are gone: /no/such/" in gone.stderr


def test_a_shell_opens_in_roots_of_rdo_only(site: Site) -> None:
    done = site.reproduce("third", "--shell")

    assert done.code == 5
    assert "build 3 ran in mock, and --shell opens a root of rdo only" in done.stderr
