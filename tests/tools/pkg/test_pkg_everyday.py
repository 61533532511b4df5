"""fedpkg's small verbs on a distgit."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.distgits import Distgit


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    repository = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    repository.spec(source="https://example.test/foo-1.0.0.tar.gz")
    repository.git("remote", "add", "origin", "https://src.fedoraproject.org/rpms/foo-bar.git")
    return repository


def test_verrel_has_the_dist_of_the_branch(distgit: Distgit) -> None:
    distgit.edit("Release: ", "Release: 3%{?dist}\n#")
    assert distgit.pkg("verrel").out.strip() == "foo-bar-1.0.0-3"
    distgit.git("checkout", "-q", "-b", "f42")
    assert distgit.pkg("verrel").out.strip() == "foo-bar-1.0.0-3.fc42"
    assert distgit.pkg("verrel", "--release", "epel9").out.strip() == "foo-bar-1.0.0-3.el9"
    found = json.loads(distgit.pkg("verrel", "--json").out)
    assert (found["ver"], found["rel"], found["epoch"]) == ("1.0.0", "3.fc42", "1")
    assert (found["ns"], found["repo_name"]) == ("rpms", "foo-bar")
    assert (found["disttag"], found["distvar"], found["distval"]) == ("fc42", "fedora", "42")
    assert (found["target"], found["localarch"]) == ("f42-candidate", os.uname().machine)
    refused = distgit.pkg("verrel", "--release", "nine", code=5)
    assert "nine is not the name of a distribution" in str(refused)


@pytest.mark.parametrize(
    ("branch", "dist"), [("epel10.1", ".el10_1"), ("epel9-next", ".el9.next"), ("epel10", ".el10")]
)
def test_the_dist_of_epels_branches(distgit: Distgit, branch: str, dist: str) -> None:
    distgit.edit("Release: ", "Release: 3%{?dist}\n#")
    distgit.git("checkout", "-q", "-b", branch)
    assert distgit.pkg("verrel").out.strip() == f"foo-bar-1.0.0-3{dist}"


def test_a_branch_of_ones_own_is_of_the_branch_that_it_follows(distgit: Distgit) -> None:
    distgit.edit("Release: ", "Release: 3%{?dist}\n#")
    distgit.git("checkout", "-q", "-b", "my-fix")
    assert distgit.pkg("verrel").out.strip() == "foo-bar-1.0.0-3"
    distgit.git("config", "branch.my-fix.remote", "origin")
    distgit.git("config", "branch.my-fix.merge", "refs/heads/f42")
    found = json.loads(distgit.pkg("verrel", "--json").out)
    assert (found["nvr"], found["branch_merge"]) == ("foo-bar-1.0.0-3.fc42", "f42")
    assert found["target"] == "f42-candidate"


def test_what_scripts_ask(distgit: Distgit) -> None:
    assert distgit.pkg("gimmespec").out == "foo-bar.spec\n"
    head = distgit.git("rev-parse", "HEAD")
    url = f"git+https://src.fedoraproject.org/rpms/foo-bar.git#{head}\n"
    assert distgit.pkg("giturl").out == url


def test_clog_is_a_commit_message(distgit: Distgit) -> None:
    entry = "* Mon Jan 01 2024 Me <me@example.test> 1.0.0-3\n- One\n- Two\n"
    distgit.edit("%changelog\n", f"%changelog\n{entry}\n")
    distgit.pkg("clog")
    assert (distgit.path / "clog").read_text() == "One\n\nTwo\n"
    distgit.pkg("clog", "--raw")
    assert (distgit.path / "clog").read_text() == "- One\n\n- Two\n"


def test_srpm_is_made_without_running_the_spec_here(distgit: Distgit, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    distgit.edit("%changelog", f"# %(touch {touched})\n%changelog")
    assert "cannot make the SRPM without foo-1.0.0.tar.gz" in str(distgit.pkg("srpm", code=5))
    (distgit.path / "foo-1.0.0.tar.gz").write_bytes(b"archive")
    said = distgit.pkg("srpm", "--outdir", str(tmp_path / "out")).out
    (made,) = (tmp_path / "out").iterdir()
    assert said == f"Wrote: {made}\n"
    assert not touched.exists()


def test_an_srpm_without_a_source_is_one(distgit: Distgit) -> None:
    distgit.edit("\n%description", "NoSource: 0\n\n%description")
    (distgit.path / "foo-1.0.0.tar.gz").write_bytes(b"archive")

    said = distgit.pkg("srpm")

    assert re.search(r"\.nosrc\.rpm$", said.out.strip())


def test_a_patch_that_is_not_used(distgit: Distgit) -> None:
    said = distgit.pkg("unused-patches")
    assert (said.out, said.err) == ("", "all patch files are used\n")
    distgit.commit("A patch", {"0001-old.patch": "x"})
    assert distgit.pkg("unused-patches").out == "0001-old.patch\n"


def test_a_patch_that_a_condition_names_is_used(distgit: Distgit) -> None:
    distgit.edit(
        "BuildArch: ",
        "%if 0%{?suse_version}\nPatch5: suse.patch\n%endif\n%ifarch aarch64\nSource5: arm.diff\n"
        "%endif\nBuildArch: ",
    )
    distgit.commit("Patches", {"suse.patch": "x", "arm.diff": "x", "old.patch": "x"})
    assert distgit.pkg("unused-patches").out == "old.patch\n"


def test_a_tag_with_the_name_of_a_branch_loses_no_commit(distgit: Distgit, tmp_path: Path) -> None:
    origin = GitRepository(tmp_path / "origin")
    origin.commit("One", {"a": "1"})
    origin.git("branch", "f42")
    distgit.git("remote", "set-url", "origin", origin.url)
    distgit.pkg("switch-branch", "f42", "--fetch")
    mine = distgit.commit("Mine", {"b": "2"})
    distgit.git("tag", "f42")
    distgit.pkg("switch-branch", "master")
    assert "  f42\n" in distgit.pkg("switch-branch", "-l").out
    distgit.pkg("switch-branch", "f42")
    assert distgit.git("rev-parse", "refs/heads/f42", "HEAD").split() == [mine, mine]


def test_a_branch_of_origin_is_tracked(distgit: Distgit, tmp_path: Path) -> None:
    origin = GitRepository(tmp_path / "origin")
    origin.commit("One", {"a": "1"})
    origin.git("branch", "f42")
    distgit.git("remote", "set-url", "origin", origin.url)
    assert "Unknown remote branch origin/f42" in str(distgit.pkg("switch-branch", "f42", code=4))
    distgit.pkg("switch-branch", "f42", "--fetch")
    assert distgit.git("rev-parse", "--abbrev-ref", "f42@{upstream}") == "origin/f42"
    distgit.pkg("switch-branch", "master")
    said = distgit.pkg("switch-branch", "-l").out
    assert said == "Locals:\n  f42\n* master\nRemotes:\n  origin/f42\n  origin/master\n"
    distgit.pkg("undo")
    assert distgit.git("symbolic-ref", "--short", "HEAD") == "f42"


def test_before_a_push(distgit: Distgit) -> None:
    assert "neither in git nor" in distgit.pkg("pre-push-check", "--offline", code=4).err
    assert "no such commit" in distgit.pkg("pre-push-check", "nothing", "--offline", code=1).err
    line = f"SHA512 (foo-1.0.0.tar.gz) = {'a' * 128}\n"
    distgit.commit("Sources", {"sources": line})
    distgit.pkg("pre-push-check", "--offline")
    assert distgit.git("worktree", "list").count("\n") == 0


def test_clone_from_a_site(
    distgit: Distgit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = GitRepository(tmp_path / "git/rpms/foo")
    for number in range(3):
        origin.commit(f"Commit {number}", {"a": str(number)})
    origin.git("branch", "f42", "HEAD~1")
    folder = tmp_path / "config/rdo/sites"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(
        f'[mine]\nanonymous = "file://{tmp_path}/git/{{package}}"\nnamespace = "rpms"\n'
    )
    distgit.pkg("clone", "--site", "mine", "-a", "-b", "f42", "--depth", "1", "foo")
    clone = GitRepository(distgit.path / "foo")
    assert clone.git("log", "--format=%s") == "Commit 1"
    said = distgit.pkg("clone", "--site", "fedora", "-a", "--dry-run", "python-requests").out
    assert said == (
        "git clone https://src.fedoraproject.org/rpms/python-requests.git python-requests\n"
    )
    assert "need --site" in str(distgit.pkg("clone", "-a", "foo", code=5))
