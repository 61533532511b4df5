"""`rdo pkg undo` against real git: it reverts what a verb changed, and loses nothing else."""

import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.distgits import Distgit

A, B = "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "one\ntwo\nthree\n"


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    """A distgit with `sources`, a `.gitignore` and two patches, which 2.0.0 does not break."""
    repository = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    repository.spec()
    repository.commit("Sources", {"sources": "SHA512 (a) = 1\n", ".gitignore": "*.tar.gz\n*.log\n"})
    repository.upstream_version("1.0.0", {"a.py": A, "b.py": B})
    repository.patch_commits(
        ("Mend nine", {"a.py": A.replace("9", "9 mended")}),
        ("Mend b", {"b.py": B.replace("two", "2")}),
    )
    repository.rdopkg("patch", "-l")
    repository.upstream_version("2.0.0", {"a.py": f"new\n{A}", "b.py": B}, base="1.0.0")
    repository.upstream_version("3.0.0", {"b.py": B.replace("two", "zwei")}, base="2.0.0")
    return repository


def update(distgit: Distgit) -> None:
    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")


def stop_at_conflict(distgit: Distgit) -> None:
    distgit.pkg("new-version", "3.0.0", "-l", "-n", "-d", code=5)


def files_of(distgit: Distgit) -> dict[str, str]:
    return {key: value for key, value in distgit.state.items() if key.startswith("file ")}


def test_what_a_person_did_after_the_verb_stays(distgit: Distgit) -> None:
    before = files_of(distgit)
    head = distgit.git("rev-parse", "HEAD")
    update(distgit)
    (distgit.path / "notes.txt").write_text("an hour of work")
    (distgit.path / "sources").write_text("SHA512 (b) = 2\n")
    (distgit.path / "staged.txt").write_text("staged")
    distgit.git("add", "staged.txt")
    (distgit.path / "notes").mkdir()
    (distgit.path / "notes/deep.txt").write_text("deep")
    (distgit.path / "foo.tar.gz").write_text("ignored")
    (distgit.path / "link").symlink_to("notes.txt")

    distgit.pkg("undo")

    assert distgit.git("rev-parse", "HEAD") == head
    assert (distgit.path / "notes.txt").read_text() == "an hour of work"
    assert (distgit.path / "sources").read_text() == "SHA512 (b) = 2\n"
    assert (distgit.path / "notes/deep.txt").read_text() == "deep"
    assert (distgit.path / "foo.tar.gz").read_text() == "ignored"
    assert (distgit.path / "link").is_symlink()
    assert distgit.git("diff", "--cached", "--name-only") == "staged.txt"
    assert distgit.git("status", "--porcelain", "sources") == "M sources"
    left = files_of(distgit)
    mine = {"file notes.txt", "file notes/deep.txt", "file staged.txt", "file foo.tar.gz"}
    assert left.keys() - before.keys() == {*mine, "file link"}
    assert {key for key in before if left[key] != before[key]} == {"file sources"}


def own_branch(distgit: Distgit) -> None:
    distgit.git("branch", "mine")


def own_tag(distgit: Distgit) -> None:
    distgit.git("tag", "mine")


def own_remote(distgit: Distgit) -> None:
    distgit.git("remote", "add", "mine", "https://example.test/mine")


@pytest.mark.parametrize(
    ("act", "shown"),
    [
        pytest.param(own_branch, ("branch", "--list", "mine"), id="a branch"),
        pytest.param(own_tag, ("tag", "--list", "mine"), id="a tag"),
        pytest.param(own_remote, ("remote",), id="a remote"),
    ],
)
def test_refs_and_remotes_of_a_person_stay(
    distgit: Distgit, act: Callable[[Distgit], None], shown: tuple[str, ...]
) -> None:
    update(distgit)
    act(distgit)

    distgit.pkg("undo")

    assert distgit.git(*shown) == "mine"


def edit_spec(distgit: Distgit) -> str:
    distgit.edit("Amazing", "Fine")
    return "foo-bar.spec"


def edit_patch(distgit: Distgit) -> str:
    name = distgit.patches[0]
    (distgit.path / name).write_text("mine")
    return name


def stage_spec(distgit: Distgit) -> str:
    distgit.edit("Amazing", "Fine")
    distgit.git("add", "foo-bar.spec")
    distgit.edit("Fine", "Amazing")
    return "foo-bar.spec"


def folder_for_spec(distgit: Distgit) -> str:
    (distgit.path / "foo-bar.spec").unlink()
    (distgit.path / "foo-bar.spec").mkdir()
    (distgit.path / "foo-bar.spec/mine.txt").write_text("mine")
    return "foo-bar.spec"


def link_for_spec(distgit: Distgit) -> str:
    (distgit.path / "mine.spec.txt").write_text("mine")
    (distgit.path / "foo-bar.spec").unlink()
    (distgit.path / "foo-bar.spec").symlink_to("mine.spec.txt")
    return "foo-bar.spec"


def executable_spec(distgit: Distgit) -> str:
    (distgit.path / "foo-bar.spec").chmod(0o755)
    return "foo-bar.spec"


def own_commit(distgit: Distgit) -> str:
    distgit.commit("Mine", {"mine.txt": "mine"})
    return "master"


def own_merge(distgit: Distgit) -> str:
    distgit.git("checkout", "--quiet", "-b", "side", "HEAD~")
    distgit.commit("Side", {"x": "1"})
    distgit.git("checkout", "--quiet", "master")
    distgit.git("merge", "--quiet", "--no-commit", "side")
    return "a merge is in progress"


@pytest.mark.slow
@pytest.mark.parametrize(
    "act",
    [
        edit_spec,
        edit_patch,
        stage_spec,
        folder_for_spec,
        link_for_spec,
        executable_spec,
        own_commit,
        own_merge,
    ],
)
def test_undo_refuses_to_lose_a_later_change_and_a_dry_run_says_the_same(
    distgit: Distgit, act: Callable[[Distgit], str]
) -> None:
    update(distgit)
    name = act(distgit)
    before = distgit.state

    dry = distgit.pkg("undo", "--dry-run", code=5)
    real = distgit.pkg("undo", code=5)

    assert name in real.err
    assert dry.err == real.err
    assert dry.out == real.out == ""
    assert distgit.state == before


def test_an_ignored_file_in_the_place_of_one_to_bring_back_is_named(distgit: Distgit) -> None:
    distgit.remote_patches(distgit.path.parent / "remote")
    distgit.pkg("get-patches")
    (distgit.path / ".git/info/exclude").write_text("sources\n")
    (distgit.path / "sources").write_text("of a person")

    said = distgit.pkg("undo", code=5)

    assert "changed since then: sources" in said.err
    assert (distgit.path / "sources").read_text() == "of a person"
    (distgit.path / "sources").rename(distgit.path / "sources.mine")
    distgit.pkg("undo")
    assert (distgit.path / "sources").read_text() == "SHA512 (a) = 1\n"


def test_a_repository_in_the_folder_stays(distgit: Distgit) -> None:
    for name in ("with-commit", "without-commit"):
        subprocess.run(["git", "init", "-q", str(distgit.path / name)], check=True)
        (distgit.path / name / "file").write_text("mine")
    inner = ["git", "-C", str(distgit.path / "with-commit")]
    subprocess.run([*inner, "add", "-A"], check=True)
    subprocess.run([*inner, "commit", "-q", "-m", "Mine"], check=True)

    update(distgit)
    (distgit.path / "with-commit/file").write_text("mine again")
    distgit.pkg("undo")

    assert (distgit.path / "with-commit/file").read_text() == "mine again"
    assert (distgit.path / "without-commit/file").read_text() == "mine"
    assert (distgit.path / "with-commit/.git/HEAD").exists()


def test_a_submodule_is_in_the_index_again(distgit: Distgit) -> None:
    subprocess.run(["git", "init", "-q", str(distgit.path / "module")], check=True)
    inner = ["git", "-C", str(distgit.path / "module")]
    subprocess.run([*inner, "commit", "-q", "--allow-empty", "-m", "Module"], check=True)
    distgit.commit("Add a module")
    distgit.remote_patches(distgit.path.parent / "remote")
    before = distgit.state
    staged = distgit.git("ls-files", "--stage")

    distgit.pkg("get-patches")
    distgit.pkg("undo")

    assert "160000" in staged
    assert distgit.git("ls-files", "--stage") == staged
    assert distgit.state == before
    assert (distgit.path / "module/.git").exists()


def test_the_permissions_of_a_file_stay(distgit: Distgit) -> None:
    spec = distgit.path / "foo-bar.spec"
    spec.chmod(0o600)

    distgit.pkg("set-magic-comment", "patches_base", "1.0.0")
    changed = stat.S_IMODE(spec.stat().st_mode)
    distgit.pkg("undo")

    assert changed == 0o600
    assert stat.S_IMODE(spec.stat().st_mode) == 0o600


def test_the_dry_run_of_undo_is_short_and_true(distgit: Distgit) -> None:
    update(distgit)

    dry = distgit.pkg("undo", "--dry-run")

    assert dry.out.splitlines()[0] == "would undo new-version"
    assert "refs/heads/master: " in dry.out
    assert "refs/heads/master-patches: " in dry.out
    assert "foo-bar.spec" in dry.out.splitlines()[-1]
    assert len(dry.out.splitlines()) == 4


def test_undo_in_a_conflict_that_somebody_works_on(distgit: Distgit) -> None:
    stop_at_conflict(distgit)
    (distgit.path / "b.py").write_text("half of the work")

    dry = distgit.pkg("undo", "--dry-run", code=5)
    real = distgit.pkg("undo", code=5)

    assert dry.err == real.err
    assert "changed since then: b.py" in real.err
    assert len(f"{real.out}{real.err}".splitlines()) <= 3
    assert (distgit.path / "b.py").read_text() == "half of the work"


def test_undo_of_a_conflict_that_nobody_touched(distgit: Distgit) -> None:
    before = distgit.state
    stop_at_conflict(distgit)
    (distgit.path / "mine.txt").write_text("mine")
    (distgit.path / "staged.txt").write_text("staged")
    distgit.git("add", "staged.txt")

    dry = distgit.pkg("undo", "--dry-run")
    distgit.pkg("undo")

    assert len(dry.out.splitlines()) <= 4
    assert (distgit.path / "mine.txt").read_text() == "mine"
    assert (distgit.path / "staged.txt").read_text() == "staged"
    (distgit.path / "mine.txt").unlink()
    distgit.git("rm", "--quiet", "--cached", "staged.txt")
    (distgit.path / "staged.txt").unlink()
    assert distgit.state == before
    assert not (distgit.path / ".git/rebase-merge").exists()
    assert not (distgit.path / ".git/CHERRY_PICK_HEAD").exists()


def test_an_abort_keeps_files_and_undo_brings_back_half_of_a_resolution(distgit: Distgit) -> None:
    before = distgit.state
    stop_at_conflict(distgit)
    (distgit.path / "b.py").write_text("half of the work")
    (distgit.path / "mine.txt").write_text("mine")
    (distgit.path / "staged.txt").write_text("staged")
    distgit.git("add", "b.py", "staged.txt")
    distgit.git("branch", "mine")

    distgit.pkg("--abort")

    assert (distgit.path / "mine.txt").read_text() == "mine"
    assert (distgit.path / "staged.txt").read_text() == "staged"
    assert distgit.git("branch", "--list", "mine") == "mine"
    assert not (distgit.path / "b.py").exists()
    assert distgit.git("rev-parse", "--abbrev-ref", "HEAD") == "master"
    assert distgit.text == bytes.fromhex(before["file foo-bar.spec"]).decode()
    distgit.pkg("undo")
    assert (distgit.path / "b.py").read_text() == "half of the work"


def test_a_file_made_while_an_action_waited_stays_after_its_undo(distgit: Distgit) -> None:
    distgit.pkg("fix", "-m", "Mend it")
    (distgit.path / "notes.txt").write_text("mine")
    (distgit.path / "sources").write_text("mine")
    distgit.pkg("-c")

    distgit.pkg("undo")

    assert (distgit.path / "notes.txt").read_text() == "mine"
    assert (distgit.path / "sources").read_text() == "mine"
    assert distgit.git("status", "--porcelain", "sources") == "M sources"


def test_a_verb_that_fails_keeps_what_a_person_wrote_meanwhile(
    distgit: Distgit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text(
        f"#!/bin/sh\necho mine > {distgit.path}/notes.txt\n"
        f"echo mine >> {distgit.path}/sources\nexit 1\n"
    )
    editor.chmod(0o755)
    distgit.edit("Release:          2%{?dist}", "Release:          %autorelease")
    log = distgit.text.partition("%changelog\n")[2]
    distgit.edit(log, "%autochangelog\n")
    distgit.git("commit", "--quiet", "-am", "rpmautospec")
    distgit.patch_commits(("Mend c", {"b.py": B.replace("two", "2").replace("three", "3")}))
    text, head = distgit.text, distgit.git("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_EDITOR", str(editor))

    distgit.pkg("patch", "-l", code=5)

    assert (distgit.path / "notes.txt").read_text() == "mine\n"
    assert (distgit.path / "sources").read_text().endswith("mine\n")
    assert (distgit.text, distgit.git("rev-parse", "HEAD")) == (text, head)
    assert distgit.git("status", "--porcelain") == "M sources\n?? notes.txt"


@pytest.mark.parametrize("name", ["b.py", "b.py/deep.txt"])
def test_a_verb_does_not_write_over_an_ignored_file(distgit: Distgit, name: str) -> None:
    (distgit.path / ".git/info/exclude").write_text("b.py\n")
    (distgit.path / name).parent.mkdir(exist_ok=True)
    (distgit.path / name).write_text("mine")

    said = distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d", code=5)

    assert "b.py" in said.err
    assert (distgit.path / name).read_text() == "mine"
    assert distgit.git("rev-parse", "--abbrev-ref", "HEAD") == "master"
    assert distgit.tag("Version") == "1.0.0"


def test_a_new_patch_does_not_replace_an_ignored_file(distgit: Distgit) -> None:
    distgit.patch_commits(("Mend c", {"c.py": "c\n"}))
    (distgit.path / ".git/info/exclude").write_text("*.patch\n")
    (distgit.path / "0003-Mend-c.patch").write_text("mine")
    before = distgit.state

    said = distgit.pkg("patch", "-l", code=5)

    assert "0003-Mend-c.patch" in said.err
    assert distgit.state == before


def test_what_undo_took_away_can_be_found(distgit: Distgit) -> None:
    update(distgit)
    head = distgit.git("rev-parse", "HEAD")

    distgit.pkg("undo")

    refs = distgit.git("for-each-ref", "--format=%(refname)", "refs/rdo/undone").splitlines()
    assert refs
    assert head in distgit.git("rev-list", refs[-1]).splitlines()


def kill_at_the_end(distgit: Distgit) -> None:
    """Make the newest entry of the journal that of a verb killed after its last change."""
    file = max((distgit.path / ".git/rdo/undo").glob("*.json"))
    row = json.loads(file.read_text())
    file.write_text(json.dumps({**row, "after": None}))


def new_file(distgit: Distgit) -> None:
    (distgit.path / "mine.txt").write_text("mine")


def other_edit(distgit: Distgit) -> None:
    (distgit.path / "sources").write_text("mine")


def staged_edit(distgit: Distgit) -> None:
    (distgit.path / "sources").write_text("mine")
    distgit.git("add", "sources")


@pytest.mark.slow
@pytest.mark.parametrize(
    "act", [new_file, other_edit, staged_edit, own_branch, own_tag, own_remote]
)
@pytest.mark.parametrize("verb", [("patch", "-l"), ("fix", "-m", "Mend it")], ids=["patch", "fix"])
def test_after_a_kill_everything_else_stays(
    distgit: Distgit, act: Callable[[Distgit], None], verb: tuple[str, ...]
) -> None:
    distgit.patch_commits(("Mend c", {"c.py": "c\n"}))
    before = distgit.state
    distgit.pkg(*verb)
    kill_at_the_end(distgit)
    act(distgit)
    mine = {
        key: value
        for key, value in distgit.state.items()
        if key in {"file mine.txt", "file sources", "config"}
    }
    own = distgit.git("for-each-ref", "--format=%(refname:short)", "refs/*/mine")

    dry = distgit.pkg("undo", "--dry-run")
    distgit.pkg("undo")

    left = distgit.state
    assert dry.out.startswith(f"would undo {verb[0]}\n")
    assert {key: left[key] for key in mine} == mine
    assert distgit.git("for-each-ref", "--format=%(refname:short)", "refs/*/mine") == own
    changed = {"refs", "status", *mine}
    assert {k: v for k, v in left.items() if k not in changed} == {
        k: v for k, v in before.items() if k not in changed
    }
    assert distgit.git("status", "--porcelain", "foo-bar.spec") == ""


@pytest.mark.slow
@pytest.mark.parametrize("act", [edit_spec, stage_spec, link_for_spec, folder_for_spec, own_commit])
def test_after_a_kill_undo_refuses_to_lose_a_change_too(
    distgit: Distgit, act: Callable[[Distgit], str]
) -> None:
    update(distgit)
    kill_at_the_end(distgit)
    name = act(distgit)
    before = distgit.state

    dry = distgit.pkg("undo", "--dry-run", code=5)
    real = distgit.pkg("undo", code=5)

    assert name in real.err
    assert dry.err == real.err
    assert distgit.state == before


def test_after_a_kill_a_patch_that_somebody_has_edited_stays(distgit: Distgit) -> None:
    distgit.patch_commits(("Mend c", {"c.py": "c\n"}))
    distgit.pkg("patch", "-l")
    kill_at_the_end(distgit)
    (distgit.path / "0003-Mend-c.patch").write_text("mine")

    distgit.pkg("undo")

    assert (distgit.path / "0003-Mend-c.patch").read_text() == "mine"
    assert distgit.git("status", "--porcelain") == "?? 0003-Mend-c.patch"


def test_a_file_that_git_has_written_in_part_is_restored(distgit: Distgit) -> None:
    before = distgit.state
    update(distgit)
    kill_at_the_end(distgit)
    (distgit.path / "foo-bar.spec").write_text(distgit.text[:100])

    distgit.pkg("undo")

    assert distgit.state == before


def test_an_undo_that_was_killed_is_completed_by_the_next_verb(distgit: Distgit) -> None:
    before = distgit.state
    update(distgit)
    pending = distgit.path / ".git/rdo/undo/revert"
    blocked = distgit.path / ".git/index.lock"
    blocked.write_text("")
    distgit.pkg("undo", code=3)
    blocked.unlink()

    assert pending.exists()
    dry = distgit.pkg("fix", "--dry-run", code=5)
    dry_undo = distgit.pkg("undo", "--dry-run", code=5)
    distgit.pkg("tag-patches")

    assert "the undo of new-version was interrupted" in dry.err
    assert "rdo pkg undo completes it" in dry.err
    assert dry_undo.err == dry.err
    assert not pending.exists()
    distgit.pkg("undo")
    assert distgit.state == before


def test_an_interrupted_undo_does_not_overwrite_what_was_done_since(distgit: Distgit) -> None:
    before = distgit.state
    update(distgit)
    blocked = distgit.path / ".git/index.lock"
    blocked.write_text("")
    distgit.pkg("undo", code=3)
    blocked.unlink()
    distgit.edit("Amazing", "Fine")
    mine = distgit.text

    refused = distgit.pkg("undo", code=5)

    assert "cannot complete the undo of new-version: changed meanwhile: foo-bar.spec" in refused.err
    assert distgit.text == mine
    (distgit.path / "foo-bar.spec").unlink()
    assert "undid new-version" in distgit.pkg("undo").out
    assert distgit.state == before


def test_a_verb_of_an_older_version_is_undone(distgit: Distgit) -> None:
    before = distgit.state
    update(distgit)
    max((distgit.path / ".git/rdo/undo").glob("*.touched")).unlink()
    new_file(distgit)

    distgit.pkg("undo")

    assert (distgit.path / "mine.txt").read_text() == "mine"
    (distgit.path / "mine.txt").unlink()
    assert distgit.state == before
