"""fedpkg's verbs around git: commit, tag, push, pull, diff, new, clean, retire, import, prep."""

from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.distgits import Distgit

ENTRY = "* Mon Jan 01 2024 Me <me@example.test> 1.0.0-3\n- One\n- Two\n\n"


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    """A distgit that follows a bare repository, with all that its spec names."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    repository = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    repository.spec(source="foo-1.0.0.txt", prep="%setup -q -c -T")
    repository.commit("Source", {"foo-1.0.0.txt": "source"})
    bare = GitRepository(tmp_path / "origin")
    bare.git("config", "receive.denyCurrentBranch", "ignore")
    repository.git("remote", "add", "origin", bare.url)
    repository.git("push", "--quiet", "--set-upstream", "origin", "master")
    return repository


@pytest.fixture
def other(tmp_path: Path, distgit: Distgit) -> GitRepository:
    """The clone of another maintainer."""
    clone = GitRepository(tmp_path / "other")
    clone.git("pull", "--quiet", str(tmp_path / "origin"), "master")
    clone.git("remote", "add", "origin", str(tmp_path / "origin"))
    return clone


def origin_head(distgit: Distgit) -> str:
    return distgit.git("ls-remote", "origin", "refs/heads/master").split()[0]


def test_a_commit_by_the_changelog_is_tagged_and_pushed(distgit: Distgit) -> None:
    distgit.edit("%changelog\n", f"%changelog\n{ENTRY}")
    distgit.pkg("commit", "--clog", "-t", "-p", "-s")
    assert distgit.message.startswith("One\n\nTwo")
    assert "Signed-off-by: Test <test@example.test>" in distgit.message
    assert distgit.git("tag") == "foo-bar-1.0.0-1"
    assert origin_head(distgit) == distgit.git("rev-parse", "HEAD")


def test_messages_of_commits(distgit: Distgit) -> None:
    distgit.edit("%changelog\n", f"%changelog\n{ENTRY}")
    distgit.pkg("commit", "-m", "Subject", "--with-changelog", "--raw")
    assert distgit.message == "Subject\n\n- One\n- Two"
    distgit.edit("Summary: ", "Summary: w")
    distgit.pkg("commit", "-m", "Subject", "-c")
    assert distgit.message == "Subject\n\nOne\nTwo"
    distgit.edit("Summary: ", "Summary: x")
    (distgit.path / "message").write_text("From a file\n")
    distgit.pkg("commit", "-F", "message")
    assert distgit.message == "From a file"
    assert "nothing to commit" in str(distgit.pkg("commit", "-m", "x", code=5))
    distgit.edit("Summary: ", "Summary: y")
    assert "pass either --file, or" in str(distgit.pkg("commit", "-F", "message", "-c", code=5))
    assert "needs a message" in str(distgit.pkg("commit", code=5))


def test_only_the_named_files_are_committed_and_undo_takes_it_back(distgit: Distgit) -> None:
    distgit.edit("Summary: ", "Summary: x")
    (distgit.path / "foo-1.0.0.txt").write_text("new")
    before = distgit.state
    distgit.pkg("commit", "-m", "Spec", "foo-bar.spec", "--dry-run")
    assert distgit.state == before
    distgit.pkg("commit", "-m", "Spec", "foo-bar.spec")
    assert distgit.git("diff", "--name-only") == "foo-1.0.0.txt"
    distgit.pkg("undo")
    assert distgit.message == "Source"
    assert "Summary: x" in distgit.text


def test_a_push_that_is_refused_commits_nothing(distgit: Distgit) -> None:
    before = origin_head(distgit)
    distgit.edit("Source0: ", "Source0: missing-1.tar.gz\n#")
    said = str(distgit.pkg("commit", "-m", "x", "--push", code=5))
    assert "missing-1.tar.gz is neither in git nor in the list of sources" in said
    assert distgit.message == "Source"
    assert "missing-1" in distgit.text
    distgit.pkg("commit", "-m", "x")
    distgit.pkg("push", code=5)
    assert origin_head(distgit) == before
    distgit.pkg("push", "--no-verify")
    assert origin_head(distgit) == distgit.git("rev-parse", "HEAD")
    assert "Everything up-to-date" in str(distgit.pkg("push"))


def test_a_forced_push_replaces_only_what_was_seen(distgit: Distgit, other: GitRepository) -> None:
    other.commit("Theirs", {"b": "2"})
    other.git("push", "--quiet", "origin", "HEAD:master")
    distgit.commit("Mine", {"a": "1"})
    assert distgit.pkg("push", code=3)
    assert distgit.pkg("push", "--force", code=3)
    distgit.git("fetch", "--quiet", "origin")
    distgit.pkg("push", "--force")
    assert origin_head(distgit) == distgit.git("rev-parse", "HEAD")


def test_pull(distgit: Distgit, other: GitRepository) -> None:
    assert "Already up to date." in str(distgit.pkg("pull"))
    theirs = other.commit("Theirs", {"b": "2"})
    other.git("push", "--quiet", "origin", "HEAD:master")
    distgit.pkg("pull")
    assert distgit.git("rev-parse", "HEAD") == theirs
    distgit.pkg("undo")
    assert distgit.message == "Source"

    distgit.commit("Mine", {"a": "1"})
    assert "have diverged" in str(distgit.pkg("pull", code=5))
    distgit.pkg("pull", "--no-rebase")
    assert distgit.git("rev-list", "--count", "--merges", "HEAD") == "1"
    distgit.pkg("undo")
    distgit.pkg("pull", "--rebase")
    assert distgit.git("log", "--format=%s").split("\n")[:2] == ["Mine", "Theirs"]


@pytest.mark.parametrize("how", ["--rebase", "--no-rebase"])
def test_a_conflict_of_a_pull_leaves_everything(
    distgit: Distgit, other: GitRepository, how: str
) -> None:
    other.commit("Theirs", {"foo-1.0.0.txt": "theirs"})
    other.git("push", "--quiet", "origin", "HEAD:master")
    mine = distgit.commit("Mine", {"foo-1.0.0.txt": "mine"})
    assert "conflicts in foo-1.0.0.txt" in str(distgit.pkg("pull", how, code=5))
    assert distgit.git("rev-parse", "HEAD") == mine
    assert distgit.git("status", "--porcelain") == ""
    assert (distgit.path / "foo-1.0.0.txt").read_text() == "mine"


def test_tags(distgit: Distgit) -> None:
    assert "the history of this branch has no tag" in str(distgit.pkg("new", code=4))
    distgit.pkg("tag", "-m", "Ready")
    assert distgit.git("tag", "-n") == "foo-bar-1.0.0-1 Ready"
    assert "already exists" in str(distgit.pkg("tag", code=5))
    distgit.edit("Summary: ", "Summary: x")
    assert "+Summary: x" in distgit.pkg("new").out
    assert "+Summary: x" in distgit.pkg("diff").out
    said = distgit.pkg("diff", "--cached")
    assert (said.out, said.err) == ("", "no changes\n")
    distgit.pkg("tag", "-f", "other")
    assert distgit.pkg("tag", "-l").out == "foo-bar-1.0.0-1\nother\n"
    distgit.pkg("tag", "-d", "other")
    assert distgit.pkg("tag", "-d", "other", code=4)
    distgit.pkg("undo")
    assert "other" in distgit.git("tag")


def test_clean_can_be_undone(distgit: Distgit) -> None:
    (distgit.path / "new").mkdir()
    (distgit.path / "new/file").write_text("mine")
    (distgit.path / ".gitignore").write_text("ignored\n")
    (distgit.path / "ignored").touch()
    distgit.pkg("clean", "--dry-run")
    assert (distgit.path / "new/file").exists()
    assert "Removing new/file" in distgit.pkg("clean").out
    assert not (distgit.path / "new").exists()
    distgit.pkg("undo")
    assert (distgit.path / "new/file").read_text() == "mine"
    distgit.pkg("clean", "-x")
    assert not (distgit.path / "ignored").exists()


def test_a_retired_package(distgit: Distgit) -> None:
    before = distgit.state
    distgit.pkg("retire", "Replaced by bar", "--dry-run")
    assert distgit.state == before
    distgit.pkg("retire", "Replaced by bar", "--push")
    assert distgit.git("ls-files") == "dead.package"
    assert (distgit.path / "dead.package").read_text() == "Replaced by bar\n"
    assert distgit.message == "Replaced by bar"
    assert origin_head(distgit) == distgit.git("rev-parse", "HEAD")
    for verb in (("sources",), ("verrel",), ("srpm",), ("prep",), ("retire", "again")):
        assert "is retired. The action has stopped." in str(distgit.pkg(*verb, code=5))
    distgit.pkg("undo")
    assert "foo-bar.spec" in distgit.git("ls-files")


def test_fedora_retires_only_in_development(distgit: Distgit) -> None:
    said = str(distgit.pkg("retire", "x", "--site", "fedora", code=5))
    assert "not retired on master" in said
    distgit.git("checkout", "--quiet", "-b", "rawhide")
    distgit.pkg("retire", "x", "--site", "fedora")


def test_an_srpm_is_imported(distgit: Distgit, tmp_path: Path) -> None:
    distgit.edit("Source0: ", "Source0: a.tar.gz\nSource1: b.txt\n#")
    (distgit.path / "a.tar.gz").write_bytes(b"\x1f\x8b\x08\x00archive")
    (distgit.path / "b.txt").write_text("text\n")
    distgit.pkg("srpm", "--outdir", str(tmp_path))
    srpm = str(tmp_path / "foo-bar-1.0.0-1.src.rpm")
    distgit.git("checkout", "--quiet", ".")
    distgit.pkg("clean")
    distgit.commit("More", {"README.md": "x", "old.patch": "x"})
    before = distgit.state

    assert "no lookaside cache is known" in str(distgit.pkg("import", srpm, code=4))
    distgit.pkg("import", srpm, "--offline", "--dry-run")
    assert distgit.state == before
    said = distgit.pkg("import", srpm, "--offline").out
    assert "New content staged" in said
    assert "+text" in said
    staged = distgit.git("diff", "--cached", "--name-status").splitlines()
    assert "D\told.patch" in staged
    assert "A\tb.txt" in staged
    assert "a.tar.gz" not in distgit.git("ls-files")
    assert (distgit.path / "README.md").exists()
    distgit.pkg("undo")
    assert distgit.git("status", "--porcelain", "--untracked-files=no") == ""


def test_an_import_keeps_the_folders_of_the_distgit(distgit: Distgit, tmp_path: Path) -> None:
    distgit.edit("Source0: ", "Source0: a.tar.gz\nSource1: foo-1.0.0.txt\n#")
    (distgit.path / "a.tar.gz").write_bytes(b"\x1f\x8b\x08\x00archive")
    distgit.pkg("srpm", "--outdir", str(tmp_path))
    (distgit.path / "a.tar.gz").unlink()
    for folder, name in (("SPECS", "foo-bar.spec"), ("SOURCES", "foo-1.0.0.txt")):
        (distgit.path / folder).mkdir()
        distgit.git("mv", name, folder)
    distgit.git("commit", "--quiet", "--message", "Folders")
    distgit.commit("Old", {"SOURCES/old.patch": "x", "README.md": "x"})

    distgit.pkg("import", str(tmp_path / "foo-bar-1.0.0-1.src.rpm"), "--offline")

    assert set(distgit.git("ls-files").split()) == {
        *(".gitignore", ".foo-bar.metadata", "README.md"),
        *("SPECS/foo-bar.spec", "SOURCES/foo-1.0.0.txt"),
    }
    assert (distgit.path / "SOURCES/a.tar.gz").is_file()
    assert "SOURCES/a.tar.gz" in (distgit.path / ".foo-bar.metadata").read_text()
    assert not list(distgit.path.glob("*.tar.gz"))


def test_an_import_keeps_every_file(distgit: Distgit, tmp_path: Path) -> None:
    distgit.edit("Source0: ", "Source0: .profile\nSource1: run\nSource2: icon.png\n#")
    (distgit.path / ".profile").write_text("text\n")
    (distgit.path / "run").write_text("#!/bin/sh\n")
    (distgit.path / "run").chmod(0o755)
    (distgit.path / "icon.png").write_bytes(b"\x89PNG\x00new")
    distgit.pkg("srpm", "--outdir", str(tmp_path))
    distgit.git("checkout", "--quiet", ".")
    distgit.pkg("clean")
    (distgit.path / "icon.png").write_bytes(b"\x89PNG\x00old")
    distgit.commit("Icon")

    distgit.pkg("import", str(tmp_path / "foo-bar-1.0.0-1.src.rpm"), "--offline")

    staged = [line.split() for line in distgit.git("ls-files", "--stage").splitlines()]
    modes = {name: mode for mode, _, _, name in staged}
    assert (modes[".profile"], modes["run"]) == ("100644", "100755")
    assert distgit.git("diff", "--cached", "--name-only", "icon.png") == "icon.png"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a(1).tar.gz", "'a(1).tar.gz' cannot be the name of a source file"),
        (".gitattributes", "holds .gitattributes, which is a file of the distgit itself"),
    ],
)
def test_a_file_that_no_distgit_can_hold_is_refused(
    distgit: Distgit, tmp_path: Path, name: str, said: str
) -> None:
    distgit.edit("Source0: ", f"Source0: {name}\n#")
    (distgit.path / name).write_bytes(b"\x1f\x8b\x08\x00archive" if name[0] == "a" else b"text\n")
    distgit.pkg("srpm", "--outdir", str(tmp_path))
    distgit.git("checkout", "--quiet", ".")
    distgit.pkg("clean")

    srpm = str(tmp_path / "foo-bar-1.0.0-1.src.rpm")
    assert said in str(distgit.pkg("import", srpm, "--offline", code=5))


def test_what_cannot_be_imported(distgit: Distgit, tmp_path: Path) -> None:
    (tmp_path / "no.src.rpm").write_text("no RPM")
    said = str(distgit.pkg("import", str(tmp_path / "no.src.rpm"), code=5))
    assert "is not a source RPM" in said
    assert distgit.pkg("import", "absent.src.rpm", code=4)
    distgit.pkg("srpm", "--outdir", str(tmp_path))
    srpm = str(tmp_path / "foo-bar-1.0.0-1.src.rpm")
    distgit.git("remote", "set-url", "origin", "https://src.fedoraproject.org/rpms/other.git")
    assert "not other.spec" in str(distgit.pkg("import", srpm, "--offline", code=5))
    distgit.pkg("import", srpm, "--offline", "--do-not-check-specfile-name")


def test_prep_runs_in_a_sandbox_and_replaces_only_its_own(distgit: Distgit, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    distgit.edit("%setup -q -c -T", f"%setup -q -c -T\ntouch new {touched} || true\nchmod 4755 new")
    distgit.pkg("prep")
    made = distgit.path / "foo-bar-1.0.0"
    assert (made / "new").stat().st_mode & 0o7777 == 0o755
    assert not touched.exists()
    assert "foo-bar-1.0.0" not in distgit.git("status", "--porcelain")
    (made / "mine").touch()
    distgit.pkg("prep")
    assert not (made / "mine").exists()
    distgit.edit("Version: ", "Version: 2.0\n#")
    (distgit.path / "foo-bar-2.0").mkdir()
    assert "foo-bar-2.0 is in the way" in str(distgit.pkg("prep", code=5))


def test_an_srpm_has_the_dist_of_the_branch(distgit: Distgit, tmp_path: Path) -> None:
    distgit.git("checkout", "--quiet", "-b", "f42")
    distgit.pkg("srpm", "--outdir", str(tmp_path))
    assert (tmp_path / "foo-bar-1.0.0-1.fc42.src.rpm").exists()
    distgit.pkg("srpm", "--outdir", str(tmp_path), "--release", "epel9", "-D", "dist .mine")
    assert (tmp_path / "foo-bar-1.0.0-1.mine.src.rpm").exists()
