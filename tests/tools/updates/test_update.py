"""`rdo update`: from a build to users, with real RPMs, real git and real dnf."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rdo.cli import main
from rdo.updates.repository import UpdateRepository
from rdo.updates.state import UpdateState
from rdo.updates.update_file import UpdateBuild, UpdateFile
from rdo.updates.yum_folder import YumFolder
from tests.conftest import GitRepository
from tests.disk import Disk
from tests.rpms import make_rpms

NVR = "python-sample-1.0-1"


class Front:
    """An update repository, a build source, and the place of users' repositories."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.git = GitRepository(folder / "rdo-update")
        self.git.commit("Begin", {"README": "### RDO update ###\n"})
        self.source = folder / "built"
        self.base = f"{folder}/openstack-"
        self.file = folder / "up.yml"

    def build(self, version: str = "1.0", **more: Any) -> tuple[Path, ...]:
        return make_rpms(self.source, version=version, **more)

    def run(self, *args: str, code: int = 0) -> str:
        ended = main.run(["update", *args])
        said = self.capsys.readouterr()
        assert ended == code, said.out + said.err
        return said.out + said.err

    def new(self, nvr: str = NVR, *more: str) -> None:
        place = ("--source", "mine", "--repo", "kilo", "--dist", "el7")
        self.run("new", str(self.file), "--build", nvr, *place, *more)

    def submit(self, nvr: str = NVR, notes: str = "A sample") -> str:
        """Submit one build, and return the id of the update."""
        self.new(nvr, "--notes", notes)
        said = self.run("submit", str(self.file), *self.places, "--json")
        return str(json.loads(said)["id"])

    @property
    def places(self) -> tuple[str, ...]:
        return ("-u", str(self.git.path), "--source", f"mine={self.source}")

    def push(self, *names: str, code: int = 0) -> str:
        return self.run("push", *names, *self.places, "--base", self.base, code=code)

    def state(self, name: str) -> UpdateState:
        return UpdateRepository(self.git.path).get(name).state

    @property
    def users(self) -> YumFolder:
        return YumFolder(Path(f"{self.base}kilo/el7"))

    def dnf_sees(self) -> set[str]:
        """The binary RPMs that dnf finds in the users' repository."""
        command = [
            *("dnf", "-q", "--repofrompath", f"u,{self.users.folder.as_uri()}", "--repo", "u"),
            *("--setopt=cachedir=" + str(self.folder / "dnf"), "--refresh", "repoquery", "*"),
            *("--qf", "%{name}-%{version}-%{release}.%{arch}\n", "--setopt=reposdir=/dev/null"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return {one for one in done.stdout.split() if not one.endswith(".src")}


@pytest.fixture
def front(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Front:
    monkeypatch.chdir(tmp_path)
    return Front(tmp_path, capsys)


def test_from_a_build_to_users_and_back(front: Front) -> None:
    front.build()
    name = front.submit()
    assert not front.file.exists()
    assert front.git.git("log", "-1", "--format=%s") == f"New {name}"
    assert (front.git.path / f"updates/{name}.yml").read_text() == (
        "---\nnotes: A sample\nbuilds:\n"
        f"  - id: {NVR}\n    source: mine\n    repo: kilo\n    dist: el7\n"
    )
    assert "is in updates" in front.push(name, code=1)
    front.run("move", name, "ready", "-u", str(front.git.path))
    assert "1 updates would be pushed" in front.run(
        "push", *front.places, "--base", front.base, "--dry-run"
    )
    assert not front.users.folder.exists()

    front.push()
    assert front.state(name) is UpdateState.PUSHED
    assert front.git.git("log", "-1", "--format=%s") == f"Push {name}"
    assert front.git.git("status", "--porcelain") == ""
    assert front.dnf_sees() == {"python3-sample-1.0-1.noarch"}
    files = (front.git.path / f"pushed/{name}.yml.files").read_text().splitlines()
    assert {Path(file).name for file in files} == {
        "python-sample-1.0-1.src.rpm",
        "python3-sample-1.0-1.noarch.rpm",
    }

    front.run("rollback", name, "-u", str(front.git.path), "--base", front.base)
    assert front.state(name) is UpdateState.ROLLBACK
    assert front.dnf_sees() == set()


def test_a_repository_that_createrepo_has_made_goes_on(front: Front) -> None:
    old = make_rpms(front.folder / "old", "python-old")
    front.users.folder.mkdir(parents=True)
    for rpm in old:
        shutil.copy(rpm, front.users.folder)
    subprocess.run(["createrepo_c", "-q", front.users.folder], check=True)
    front.build()
    name = front.submit()
    front.run("move", name, "ready", "-u", str(front.git.path))
    front.push()
    assert front.dnf_sees() == {"python3-old-1.0-1.noarch", "python3-sample-1.0-1.noarch"}


def test_what_is_wrong_with_an_update(front: Front) -> None:
    front.build()
    front.new()
    said = front.run("check", str(front.file), *front.places[2:], code=1)
    assert "the notes do not say" in said
    front.file.unlink()
    front.new("python-sample-9.9-1", "--notes", "Not there")
    assert "has no RPM of python-sample-9.9-1" in front.run(
        "check", str(front.file), *front.places[2:], code=1
    )
    assert "was not submitted" in front.run("submit", str(front.file), *front.places, code=5)
    assert front.run("list", "-u", str(front.git.path), "--json").strip() == "[]"


def test_users_never_get_something_older_or_other(front: Front) -> None:
    front.build("2.0")
    newer = front.submit("python-sample-2.0-1")
    front.run("move", newer, "ready", "-u", str(front.git.path))
    front.push()
    front.build("1.0")
    front.new()
    said = front.run(
        "check", str(front.file), "--source", f"mine={front.source}", "--base", front.base, code=1
    )
    assert "older than what users have: 2.0-1" in said
    front.file.unlink()
    front.build("2.0", summary="Another")
    again = front.submit("python-sample-2.0-1", "Again")
    front.run("move", again, "ready", "-u", str(front.git.path))
    assert "users have another" in front.push(code=1)
    assert front.state(again) is UpdateState.READY


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("notes: [", "not YAML"),
        ("- a", "not a mapping"),
        ("notes: x\nbuilds: []\n", "not a list of builds"),
        ("notes: x\nbuilds:\n- {id: foo}\n", "source is missing"),
        ("notes: x\nbuild: y\nbuilds:\n- {}\n", "unknown key 'build'"),
        ("notes: x\nbuilds:\n- {id: a-1-1, source: k, repo: ../.., dist: d}\n", "part of a path"),
        ("notes: x\nbuilds:\n- {id: a, source: k, repo: r, dist: d}\n", "NAME-VERSION-RELEASE"),
        ("notes: !!python/object/apply:os.getpid []\nbuilds: []\n", "not YAML"),
    ],
)
def test_a_bad_file_is_reported_and_stays(front: Front, text: str, said: str) -> None:
    front.file.write_text(text)
    assert said in front.run("check", str(front.file), code=2)
    assert said in front.run("submit", str(front.file), *front.places, code=2)
    assert front.file.read_text() == text


def test_a_bad_file_in_the_repository_stops_no_other(front: Front) -> None:
    front.build()
    good = front.submit()
    front.git.commit("Bad", {"ready/xxxx.yml": "notes: ["})
    front.run("move", good, "ready", "-u", str(front.git.path))
    said = front.push(code=1)
    assert "xxxx: not pushed" in said
    assert front.state(good) is UpdateState.PUSHED


def test_a_group_is_pushed_together_or_not_at_all(front: Front) -> None:
    front.build()
    repository = UpdateRepository(front.git.path)
    names = []
    for nvr in (NVR, "python-other-1.0-1"):
        build = UpdateBuild(nvr, "mine", "kilo", "el7")
        one = repository.add(UpdateFile("Together", (build,), "both"))
        names.append(repository.move(one, UpdateState.READY, "Ready").id)
    assert "of its group cannot be pushed" in front.push(code=1)
    assert not front.users.folder.exists()
    make_rpms(front.source, "python-other")
    front.push()
    assert [front.state(name) for name in names] == [UpdateState.PUSHED] * 2


def killed(front: Front, delay: float) -> None:
    """Start a push in a process of its own, and kill it after so many seconds."""
    command = [sys.executable, "-m", "rdo", "update", "push", *front.places, "--base", front.base]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        time.sleep(delay)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_push_that_is_killed_goes_on(front: Front) -> None:
    for number in range(3):
        make_rpms(front.source, f"python-part{number}")
    names = []
    for number in range(3):
        name = front.submit(f"python-part{number}-1.0-1")
        front.run("move", name, "ready", "-u", str(front.git.path))
        names.append(name)
    for delay in (0.6, 0.8, 1.0, 1.2, 1.5):
        killed(front, delay)
    front.push()
    assert [front.state(name) for name in names] == [UpdateState.PUSHED] * 3
    assert front.git.git("status", "--porcelain") == ""
    assert front.dnf_sees() == {f"python3-part{number}-1.0-1.noarch" for number in range(3)}
    assert front.git.git("log", "--format=%s").count("Push ") == 3


def test_a_reader_meets_no_entry_without_its_file(front: Front) -> None:
    for number in range(8):
        make_rpms(front.source, f"python-part{number}")
    rpms = sorted(front.source.glob("python3-*.rpm"))
    front.users.add(rpms[:2])
    ended = threading.Event()
    faults: list[str] = []

    def read() -> None:
        while not ended.is_set():
            command = ["dnf", "-q", "--repofrompath", f"u,{front.users.folder.as_uri()}"]
            command += ["--repo", "u", f"--setopt=cachedir={front.folder / 'reader'}", "--refresh"]
            command += ["--setopt=reposdir=/dev/null", "download", "--destdir"]
            command += [str(front.folder / "got"), "python3-part0"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                faults.append(done.stderr)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for rpm in rpms[2:]:
            front.users.add([rpm])
        front.users.take_out([rpms[-1].name])
    finally:
        ended.set()
        reader.join()
    assert faults == []


def test_moves_by_two_people_at_once(front: Front) -> None:
    repository = UpdateRepository(front.git.path)
    build = UpdateBuild(NVR, "mine", "kilo", "el7")

    def add() -> None:
        for _ in range(4):
            repository.add(UpdateFile("One", (build,)))

    people: list[Callable[[], None]] = [add, add, add]
    threads = [threading.Thread(target=one) for one in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(repository.updates()) == 12
    assert front.git.git("status", "--porcelain") == ""


def test_the_work_tree_follows_after_a_kill(front: Front) -> None:
    repository = UpdateRepository(front.git.path)
    one = repository.add(UpdateFile("One", (UpdateBuild(NVR, "mine", "kilo", "el7"),)))
    # as if killed after the branch had moved, before the work tree followed
    front.git.git("read-tree", "-m", "-u", "HEAD", "HEAD~1")
    assert not (front.git.path / one.path).exists()
    repository.move(one, UpdateState.READY, "Ready")
    assert (front.git.path / f"ready/{one.id}.yml").exists()
    assert front.git.git("status", "--porcelain") == ""


def test_a_copied_clone_goes_on(front: Front) -> None:
    repository = UpdateRepository(front.git.path)
    one = repository.add(UpdateFile("One", (UpdateBuild(NVR, "mine", "kilo", "el7"),)))
    shutil.copytree(front.git.path, front.folder / "copy")
    for file in (front.folder / "copy").rglob("*.yml"):
        os.utime(file, (1_500_000_000, 1_500_000_000))

    moved = UpdateRepository(front.folder / "copy").move(one, UpdateState.READY, "Ready")

    assert (front.folder / "copy" / moved.path).exists()
    assert not (front.folder / "copy" / one.path).exists()


def test_who_has_read_repomd_finds_what_it_names_after_the_next_push(front: Front) -> None:
    front.users.add(front.build())
    repodata = front.users.folder / "repodata"
    named = re.findall(r'href="repodata/([^"]+)"', (repodata / "repomd.xml").read_text())
    assert len(named) == 3
    for number in range(2):
        front.users.add(make_rpms(front.source, f"python-part{number}"))
        assert [name for name in named if not (repodata / name).exists()] == []
    long_ago = time.time() - 2 * 24 * 3600
    for name in named:
        os.utime(repodata / name, (long_ago, long_ago))
    front.users.add(make_rpms(front.source, "python-last"))
    assert [name for name in named if (repodata / name).exists()] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_is_reported_and_users_keep_what_they_have(front: Front) -> None:
    disk = Disk(front.users.folder.parent)
    disk.mount("2m")
    try:
        front.users.add(make_rpms(front.folder / "old", "python-old"))
        front.build()
        name = front.submit()
        front.run("move", name, "ready", "-u", str(front.git.path))

        failed = 0
        for room in range(0, 128 << 10, 8 << 10):
            disk.fill(but=room)
            ended = main.run(["update", "push", *front.places, "--base", front.base])
            said = front.capsys.readouterr()
            assert "python3-old-1.0-1.noarch" in front.dnf_sees()
            disk.free()
            if not ended:
                break
            assert "no space left on the disk" in said.err
            assert "Traceback" not in said.out + said.err
            assert front.state(name) is UpdateState.READY
            failed += 1

        assert failed > 2
        assert front.state(name) is UpdateState.PUSHED
        assert front.dnf_sees() == {"python3-old-1.0-1.noarch", "python3-sample-1.0-1.noarch"}
    finally:
        subprocess.run(["umount", "-l", disk.place], check=True)
