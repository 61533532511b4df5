"""`rdo distgit serve`: real git over ssh and http, and everything that somebody may push."""

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rdo.app import App
from tests.disk import Disk
from tests.long.distgit_host import PASSWORD, Host, Said, spec
from tests.patience import PATIENCE

ALICE = f"alice%40example.test:{PASSWORD.replace(' ', '%20')}"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = Host(tmp_path_factory.mktemp("host"))
    made.set_up()
    said = made.rdo("distgit", "sync", str(made.distgits), "--dry-run")
    assert "rpms/foo: an empty repository, for rpm-master" in said
    assert "4 distgits, 4 repositories and branches would be made" in said
    assert list(made.distgits.iterdir()) == []
    said = made.rdo("distgit", "sync", str(made.distgits))
    assert "4 repositories and branches made" in said
    assert "0 repositories and branches made" in made.rdo("distgit", "sync", str(made.distgits))
    with made.serving():
        yield made


def test_a_maintainer_pushes_by_ssh_and_everybody_reads(host: Host, tmp_path: Path) -> None:
    mine = host.clone("alice", "rpms/foo", tmp_path / "a")
    head = mine.commit("Begin", {"python-foo.spec": spec()})
    mine.push("HEAD:rpm-master")

    read = host.clone_by_http("rpms/foo.git", tmp_path / "r")
    assert read.git("rev-parse", "HEAD").text.strip() == head
    assert "could not read Username" in read.push(code=128).text
    with contextlib.closing(App(host.root)) as app, app.store.read() as at:
        assert [one.package for one in at.polls.asked("master-deb12")] == ["python-foo"]
    # a release's branch that is missing begins where the newer one is
    said = host.rdo("distgit", "sync", str(host.distgits))
    assert "1 repositories and branches made" in said
    mine.git("fetch", "-q")
    assert mine.git("rev-parse", "origin/antelope-rdo").text.strip() == head


def test_who_may_push_what(host: Host, tmp_path: Path) -> None:
    stranger = host.clone("alice", "rpms/bar", tmp_path / "s")
    stranger.commit("Mine", {"python-bar.spec": spec()})
    said = stranger.push("HEAD:rpm-master", code=1).text
    assert "alice@example.test may not push to rpm-master of rpms/bar" in said
    assert "its maintainers: carol@example.test" in said

    admin = host.clone("root", "rpms/bar", tmp_path / "r")
    admin.commit("Begin", {"python-bar.spec": spec()})
    admin.push("HEAD:rpm-master")

    host.clone("mallory", "rpms/bar", tmp_path / "m", code=128)
    host.clone("alice", "../keys", tmp_path / "x", code=128)
    shell = ["sh", "-c", f"{host.ssh_command('alice')} {host.ssh.replace('ssh://', 'ssh://')} id"]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert "uid" not in done.stdout
    assert "clone, fetch and push only" in done.stderr


def test_a_maintainer_pushes_by_http_with_a_password(host: Host, tmp_path: Path) -> None:
    mine = host.clone_by_http("rpms/two", tmp_path / "a", ALICE)
    mine.commit("Begin", {"python-two.spec": spec(), "big.txt": "line\n" * 400_000})
    mine.push("HEAD:rpm-master")  # more than git sends at once, so in chunks
    wrong = host.clone_by_http("rpms/two", tmp_path / "w", ALICE.replace("horse", "cow"))
    wrong.commit("Mine", {"x": "y"})
    assert "authentication failed" in wrong.push(code=128).text.lower()


def test_two_people_at_once(host: Host, tmp_path: Path) -> None:
    people = [host.clone(name, "rpms/foo", tmp_path / name) for name in ("alice", "bob")]
    for number, one in enumerate(people):
        one.git("checkout", "-q", "-B", "at-once", code=None)
        one.commit(f"By {number}", {"python-foo.spec": spec(f"# {number}")})
    said: list[Said] = []
    threads = [
        threading.Thread(target=lambda one=one: said.append(one.push("HEAD:at-once", code=None)))
        for one in people
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one.code for one in said) == [0, 1]
    place = str(host.distgits / "rpms/foo.git")
    check = ["git", "-c", "safe.directory=*", "-C", place, "fsck", "--strict"]
    subprocess.run(check, check=True, capture_output=True)
    [refused] = [one.text for one in said if one.code]
    assert "rejected" in refused


def test_a_pack_that_is_none_and_one_that_lies(host: Host, tmp_path: Path) -> None:
    url = f"{host.http}/rpms/two/git-receive-pack"
    kind = {"Content-Type": "application/x-git-receive-pack-request"}
    login = ("alice@example.test", PASSWORD)
    new = "a" * 40
    line = f"{'0' * 40} {new} refs/heads/evil\0report-status"
    command = f"{len(line) + 4:04x}{line}0000".encode()
    for pack in (b"PACK\0\0\0\2\xff\xff\xff\xff", b"not a pack", b""):
        answer = httpx.post(url, headers=kind, auth=login, content=command + pack, timeout=PATIENCE)
        assert answer.status_code == 200
        assert b"unpack" in answer.content
        assert b"unpack ok" not in answer.content
    # a tree that leads out of every work tree
    mine = host.clone_by_http("rpms/two", tmp_path / "a", ALICE)
    blob = mine.git("hash-object", "-w", "python-two.spec").text.strip()
    tree = (
        subprocess.run(
            [
                "git",
                "-C",
                str(mine.path),
                "hash-object",
                "-t",
                "tree",
                "-w",
                "--literally",
                "--stdin",
            ],
            input=b"100644 ..\0" + bytes.fromhex(blob),
            capture_output=True,
            check=True,
        )
        .stdout.decode()
        .strip()
    )
    commit = mine.git("commit-tree", tree, "-m", "Out").text.strip()
    said = mine.push(f"{commit}:refs/heads/out", code=1).text
    assert "hasDotdot" in said
    assert "refs/heads/out" not in mine.git("ls-remote", "origin").text


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    host = Host(tmp_path / "host")
    host.set_up()
    disk = Disk(host.distgits)
    disk.mount("24m")
    try:
        host.rdo("distgit", "sync", str(host.distgits))
        with host.serving():
            mine = host.clone("alice", "rpms/full", tmp_path / "a")
            first = mine.commit("Begin", {"python-full.spec": spec()})
            mine.push("HEAD:rpm-master")
            mine.git(
                "remote", "add", "http", f"{host.http.replace('://', f'://{ALICE}@')}/rpms/full"
            )
            (mine.path / "noise").write_bytes(os.urandom(4 << 20))
            second = mine.commit("More", {})
            disk.fill(but=1 << 20)
            said = mine.push("HEAD:rpm-master", code=1).text
            assert "No space left" in said
            assert mine.git("push", "-q", "http", "HEAD:rpm-master", code=None).code != 0
            assert mine.git("ls-remote", "origin", "rpm-master").text.split()[0] == first
            disk.free()
            mine.push("HEAD:rpm-master")
            assert mine.git("ls-remote", "origin", "rpm-master").text.split()[0] == second
    finally:
        subprocess.run(["umount", "-l", str(host.distgits)], check=False)
