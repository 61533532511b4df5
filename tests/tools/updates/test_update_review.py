"""`rdo update`: reviewed, tried on top of what users have, and signed when it is pushed."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rdo.cli import main, rdopkg
from rdo.updates.repository import UpdateRepository
from tests.conftest import GitRepository
from tests.fakes.gerrit import FakeGerrit
from tests.rpms import make_rpms

NVR = "python-sample-1.0-1"
UPDATE = "notes: A sample\nbuilds:\n- {{id: {}, source: mine, repo: kilo, dist: el7}}\n"
GITREVIEW = "[gerrit]\nhost=review.example.test\nport=29418\nproject=rdo-update\n"


class Desk:
    """A clone of an update repository, an update file, and users' repositories."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.git = GitRepository(folder / "rdo-update")
        self.base = f"{folder}/openstack-"
        self.file = folder / "up.yml"

    def build(self, name: str = "python-sample", **more: Any) -> None:
        make_rpms(self.folder / "built", name, **more)

    def write(self, nvr: str = NVR) -> None:
        self.file.write_text(UPDATE.format(nvr))

    def run(self, *args: str, code: int = 0) -> str:
        return self._ran(main.run(["update", *args]), code)

    def submit(self, *more: str) -> str:
        """Submit the file, and return the id of the update."""
        assert main.run(["update", "submit", *self.places, *more, "--json"]) == 0
        return str(json.loads(self.capsys.readouterr().out)["id"])

    def rdopkg(self, *args: str, code: int = 0) -> str:
        return self._ran(rdopkg.run(args), code)

    def _ran(self, ended: int, code: int) -> str:
        said = self.capsys.readouterr()
        assert ended == code, said.out + said.err
        return said.out + said.err

    @property
    def places(self) -> tuple[str, ...]:
        return ("-u", str(self.git.path), "--source", f"mine={self.folder / 'built'}")


@pytest.fixture
def desk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, capsys)


def test_a_review_on_gerrit(desk: Desk) -> None:
    gerrit = FakeGerrit(desk.folder / "gerrit", "rdo-update")
    head = desk.git.commit("Begin", {".gitreview": GITREVIEW})
    gerrit.has(desk.git, "master", "refs/heads/master")
    desk.git.git("remote", "add", "gerrit", str(gerrit.path))
    desk.build()
    desk.write()

    name = desk.submit("--review")

    [(change, commit, ref)] = [line.split() for line in gerrit.changes()]
    assert (change[0], ref) == ("I", "refs/for/master")
    assert gerrit.git("log", "-1", "--format=%s", commit) == f"New {name}"
    assert f"Change-Id: {change}" in gerrit.git("log", "-1", "--format=%B", commit)
    assert f"id: {NVR}" in gerrit.git("show", f"{commit}:updates/{name}.yml")
    assert gerrit.git("rev-parse", f"{commit}~1") == head
    # nothing is here until it is accepted
    assert desk.git.git("rev-parse", "HEAD") == head
    assert desk.git.git("status", "--porcelain") == ""
    assert not desk.file.exists()


def test_a_review_that_is_not_taken_keeps_the_file(desk: Desk) -> None:
    desk.git.commit("Begin", {"README": "x"})
    desk.git.git("remote", "add", "origin", str(desk.folder / "nowhere"))
    desk.build()
    desk.write()
    desk.run("submit", *desk.places, "--review", code=3)
    assert desk.file.exists()
    assert UpdateRepository(desk.git.path).updates() == []


def test_a_review_as_a_branch_under_both_names(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.git.commit("Begin", {"README": "x"})
    subprocess.run(["git", "init", "-q", "--bare", desk.folder / "origin"], check=True)
    desk.git.git("remote", "add", "origin", str(desk.folder / "origin"))
    desk.write()
    said = desk.rdopkg("update", "-a", "-u", str(desk.git.path))
    name = said.split(":")[0].split()[-1]
    assert f"{name}: for review, branch update/{name} of origin" in said
    assert not desk.file.exists()

    desk.git.git("fetch", "-q", "origin")
    assert f"{name} " in desk.run("list", "review", "-u", str(desk.git.path))
    assert desk.rdopkg("list-updates", "-u", str(desk.git.path)) == ""
    said = desk.rdopkg("list-updates", "-R", "-l", str(desk.git.path))
    assert f"up for review:\n  {name}  {NVR}" in said
    # whoever accepts it merges the branch
    desk.git.git("merge", "-q", f"origin/update/{name}")
    desk.run("move", name, "ready", "-u", str(desk.git.path))
    assert "ready for push:\n" in desk.rdopkg("list-updates", "-u", str(desk.git.path))
    assert "never replaced" in desk.rdopkg(
        "push-updates", str(desk.git.path), desk.base, "-w", code=1
    )
    said = desk.rdopkg("push-updates", str(desk.git.path), desk.base, code=1)
    assert f"{name}: " in said
    assert "the build source mine is unknown" in said
    assert "0 good, 1 failed" in said


def test_an_update_is_tried_over_what_users_have(desk: Desk) -> None:
    desk.git.commit("Begin", {"README": "x"})
    users = Path(f"{desk.base}kilo/el7")
    users.mkdir(parents=True)
    for rpm in make_rpms(desk.folder / "old", "python-old"):
        shutil.copy(rpm, users)
    for rpm in make_rpms(desk.folder / "old", "python-user", requires=("python3-old = 1.0-1",)):
        shutil.copy(rpm, users)
    subprocess.run(["createrepo_c", "-q", users], check=True)
    desk.build(requires=("python3-old",))
    desk.write()
    name = desk.submit()
    assert "0 findings" in desk.run("test", name, *desk.places, "--base", desk.base)

    desk.build("python-lost", requires=("nobody-has-this",))
    desk.build("python-old", version="2.0")
    desk.file.write_text(
        "notes: x\nbuilds:\n- {id: python-lost-1.0-1, source: mine, repo: kilo, dist: el7}\n"
        "- {id: python-old-2.0-1, source: mine, repo: kilo, dist: el7}\n"
    )
    name = desk.submit()
    kept = desk.folder / "kept"
    said = desk.run("test", name, *desk.places, "--base", desk.base, "--keep", str(kept), code=1)
    assert "nothing provides nobody-has-this" in said
    assert "python3-user-1.0-1.noarch cannot be installed: " in said
    assert (kept / "kilo/el7/repodata/repomd.xml").is_file()
    assert not (users / ".listed").exists()  # users' repository was only read
