"""`coprbuild` with the flags of rdopkg 0.25, on a frontend that really builds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.distgits import Distgit
from tests.fakes.copr_frontend import LOGIN, TOKEN, USER, CoprServer

INFO = """\
releases:
- name: antelope
  status: maintained
  branch: antelope-rdo
  repos: [{name: el9s, distrepos: []}, {name: el8s, branch: antelope-old, distrepos: []}]
package-default:
  name: "%(project)s"
  maintainers: [me@example.test]
  upstream: "https://git.example.test/%(project)s"
  distgit: "https://git.example.test/%(project)s-distgit"
packages: [{project: foo-bar, tags: {antelope: }}]
"""
CONFIG = """\
[builders.copr]
config-file = "{folder}/copr.conf"
chroots = ["custom-1-x86_64"]
poll-seconds = 1
"""


@pytest.fixture
def copr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CoprServer]:
    """A frontend, and an rdo.toml that names it."""
    server = CoprServer(tmp_path / "copr")
    text = f"[copr-cli]\nusername = {USER}\nlogin = {LOGIN}\ntoken = {TOKEN}\n"
    (tmp_path / "copr.conf").write_text(f"{text}copr_url = {server.url}\nencrypted = false\n")
    (tmp_path / "rdo.toml").write_text(CONFIG.format(folder=tmp_path))
    monkeypatch.setenv("RDO_CONFIG", str(tmp_path / "rdo.toml"))
    yield server
    server.close()


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    (tmp_path / "info").mkdir()
    (tmp_path / "info/rdo.yml").write_text(INFO)
    made = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    made.spec(source="foo-1.0.0.txt", prep="%setup -q -c -T")
    made.commit("Source", {"foo-1.0.0.txt": "source"})
    made.git("checkout", "--quiet", "-b", "antelope-rdo")
    return made


def test_a_build_for_the_release_of_the_branch_becomes_an_entry(
    distgit: Distgit, copr: CoprServer, tmp_path: Path
) -> None:
    info = ("-l", str(tmp_path / "info"))
    file = distgit.path / "up.yml"

    said = distgit.pkg("coprbuild", *info, "--dry-run").out
    assert "up.yml: would be added: foo-bar-1.0.0-1.el9 from copr-rdo for antelope/el9s" in said
    assert (copr.begun(), file.exists()) == (0, False)

    said = distgit.pkg("coprbuild", *info).out
    assert "Building foo-bar-1.0.0-1.el9 for rdo/rdo-antelope-el9s\n" in said
    [build] = copr.builds.values()
    assert (build.owner, build.project) == (USER, "rdo-antelope-el9s")
    assert build.srpm.name.endswith("foo-bar-1.0.0-1.el9.src.rpm")
    assert file.read_text().count("id: foo-bar-1.0.0-1.el9") == 1

    distgit.pkg("coprbuild", *info, "-s")  # it is there already
    assert file.read_text().count("id: foo-bar-1.0.0-1.el9") == 1
    distgit.pkg("coprbuild", *info, "-s", "-d", "el8s", "-u", "else", "-f", "other.yml")
    text = (distgit.path / "other.yml").read_text()
    assert "source: copr-else" in text
    assert "dist: el8s" in text
    assert copr.begun() == 1


def test_what_cannot_be_built_adds_nothing(
    distgit: Distgit, copr: CoprServer, tmp_path: Path
) -> None:
    info = ("-l", str(tmp_path / "info"))
    said = str(distgit.pkg("coprbuild", *info, "-r", "zed", code=4))
    assert "the metadata has no release zed" in said
    (distgit.path / "up.yml").write_text("notes: x\n")
    assert "builds is missing" in str(distgit.pkg("coprbuild", *info, code=2))
    (distgit.path / "up.yml").unlink()
    assert copr.begun() == 0
    copr.may_build = False
    distgit.pkg("coprbuild", *info, code=6)
    assert not (distgit.path / "up.yml").exists()


def test_fedpkgs_copr_build_names_the_project(distgit: Distgit, copr: CoprServer) -> None:
    distgit.pkg("copr-build", "mine")
    assert [(one.owner, one.project) for one in copr.builds.values()] == [(USER, "mine")]
