"""`rdo pkg fix`, and what all verbs share: state file, undo, dry runs, refusals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.distgits import SPEC, Distgit

ENTRY = "\n\n\n* Mon Mar 23"


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    repository = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    repository.spec()
    return repository


def with_patches(distgit: Distgit) -> None:
    distgit.upstream_version("1.0.0", {"a.py": "1\n2\n3\n"})
    distgit.patch_commits(("Mend a", {"a.py": "1\n2 mended\n3\n"}))


def describe(distgit: Distgit, text: str = "- Mend the spec") -> None:
    """Write into the empty changelog entry."""
    distgit.edit(ENTRY, f"\n{text}\n\n* Mon Mar 23")


def test_a_fix_from_begin_to_end(distgit: Distgit) -> None:
    said = distgit.rdopkg("fix")
    state = json.loads((distgit.path / ".rdopkg.json").read_text())
    status = distgit.rdopkg("status")
    describe(distgit)
    ended = distgit.rdopkg("-c")

    assert said.out == (
        "\nAction required: Edit .spec file as needed and describe changes in changelog.\n\n"
        "Once done, run `rdopkg -c` to continue.\n\n"
    )
    assert state["action"] == ["fix", "commit_distgit_update"]
    assert state["args"] | {"package": ""} == {
        "package": "",
        "branch": "master",
        "package_tags": None,
        "patches_style": "branch",
        "patches_branch": "patches/master-patches",
        "release_bump_index": "last-numeric",
        "local_patches_branch": "master-patches",
        "version": "1.0.0",
        "version_tag_style": None,
    }
    assert "Action in progress: fix" in status.out
    assert "    [x] edit_spec" in status.out
    assert "    [*] commit_distgit_update" in status.out
    assert "Action finished." in ended.out
    assert distgit.message.splitlines() == [
        "foo-bar-1.0.0-2",
        "",
        "Changelog:",
        "- Mend the spec",
    ]
    assert distgit.git("status", "--porcelain") == ""
    assert "1:1.0.0-2" in distgit.text


def test_a_state_file_of_rdopkg_itself_is_gone_on_with(distgit: Distgit) -> None:
    distgit.edit("Amazing", "Fine")
    distgit.edit(
        "* Mon Mar 23", "* Tue Mar 24 2015 A <a@example.test> 1:1.0.0-2\n- Fine\n\n* Mon Mar 23"
    )
    args = {
        "package": "foo-bar",
        "branch": "master",
        "package_tags": None,
        "version_tag_style": None,
    }
    state = {"action": ["fix", "commit_distgit_update"], "args": args}
    (distgit.path / ".rdopkg.json").write_text(json.dumps(state))

    distgit.rdopkg("--continue")

    assert "- Fine" in distgit.message


def test_giving_up_puts_the_spec_back_and_keeps_other_files(distgit: Distgit) -> None:
    before = distgit.text
    distgit.rdopkg("fix")
    (distgit.path / "foo.service").write_text("mine")

    distgit.pkg("--abort")

    assert distgit.text == before
    assert (distgit.path / "foo.service").read_text() == "mine"
    assert not (distgit.path / ".rdopkg.json").exists()
    distgit.rdopkg("--abort", code=1)
    assert "No action in progress" in distgit.rdopkg("-c", code=1).out


def test_a_fix_where_trunk_builds_number_the_package(distgit: Distgit) -> None:
    distgit.edit("Version:          1.0.0", "Version:          XXX")
    distgit.edit("Release:          1%{?dist}", "Release:          XXX")
    distgit.git("commit", "--quiet", "-am", "Placeholders")
    before = distgit.text

    distgit.rdopkg("fix", "-m", "Add a requirement")
    assert distgit.text == before
    distgit.edit("Amazing", "Fine")
    distgit.rdopkg("-c")

    assert distgit.message == "Add a requirement"
    assert "XXX" in distgit.tag("Release")


def test_the_editor_is_asked_for_a_subject(
    distgit: Distgit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "From the editor" > "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("GIT_EDITOR", str(editor))
    distgit.edit("Release:          1%{?dist}", "Release:          %autorelease")
    distgit.edit("%changelog\n", "%changelog\n%autochangelog\n")
    distgit.git("commit", "--quiet", "-am", "rpmautospec")

    distgit.rdopkg("fix")
    distgit.edit("Amazing", "Fine")
    distgit.rdopkg("-c")

    assert distgit.message == "From the editor"
    assert distgit.tag("Release") == "%autorelease"
    assert "%changelog\n%autochangelog\n" in distgit.text


def test_a_release_that_only_trunk_builds_can_read_is_no_obstacle(distgit: Distgit) -> None:
    with_patches(distgit)
    distgit.edit("Source0:", "# patches_base=1.0.0\nSource0:")
    distgit.edit("Version:          1.0.0", "Version:          XXX")
    distgit.edit("Release:          1%{?dist}", "Release:          XXX{?dist}")
    distgit.git("commit", "--quiet", "-am", "Placeholders with a slip")

    distgit.pkg("patch", "-l", "-m", "Add a patch")

    assert distgit.patches == ["0001-Mend-a.patch"]
    assert distgit.tag("Release") == "XXX{?dist}"


def test_patches_where_trunk_builds_number_the_package(distgit: Distgit) -> None:
    with_patches(distgit)
    distgit.edit("Source0:", "# patches_base=1.0.0\nSource0:")
    distgit.edit("Version:          1.0.0", "Version:          XXX")
    distgit.edit("Release:          1%{?dist}", "Release:          XXX")
    distgit.git("commit", "--quiet", "-am", "Placeholders")
    log = distgit.text.partition("%changelog")[2]

    distgit.rdopkg("patch", "-l", "-m", "Take the mended a")

    assert distgit.patches == ["0001-Mend-a.patch"]
    assert distgit.message == "Take the mended a"
    assert distgit.tag("Release") == "XXX"
    assert distgit.text.partition("%changelog")[2] == log


@pytest.mark.parametrize("args", [("new-version", "2.0.0"), ("new-version",)])
def test_new_versions_go_to_the_release_branch(distgit: Distgit, args: tuple[str, ...]) -> None:
    distgit.git("branch", "epoxy-rdo")
    distgit.edit("Version:          1.0.0", "Version:          XXX")
    distgit.edit("Release:          1%{?dist}", "Release:          XXX")
    distgit.git("commit", "--quiet", "-am", "Placeholders")

    said = distgit.rdopkg(*args, code=1)
    distgit.rdopkg("new-version", "2.0.0", "--force", "-n")

    assert "release branch (epoxy-rdo)" in said.out
    assert (distgit.tag("Version"), distgit.tag("Release")) == ("2.0.0", "1%{?dist}")


def one_more_commit(distgit: Distgit) -> None:
    distgit.commit("More", {"x": "y"})


VERBS: dict[str, tuple[tuple[str, ...], Callable[[Distgit], None]]] = {
    "fix": (("fix",), lambda distgit: None),
    "patch": (("patch", "-l"), with_patches),
    "update-patches": (("update-patches",), with_patches),
    "new-version": (("new-version", "-b", "2.0.0"), lambda distgit: None),
    "amend": (("amend",), lambda distgit: distgit.edit("Amazing", "Fine")),
    "squash": (("squash",), one_more_commit),
    "tag-patches": (("tag-patches",), with_patches),
    "set-magic-comment": (("set-magic-comment", "patches_base", "1.0"), lambda distgit: None),
    "get-patches": (("get-patches",), lambda distgit: None),
    "import-patches": (("import-patches",), lambda distgit: None),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_dry_run_changes_nothing_and_undo_brings_everything_back(
    distgit: Distgit, verb: str, tmp_path: Path
) -> None:
    args, prepare = VERBS[verb]
    prepare(distgit)
    if verb == "get-patches":
        with_patches(distgit)
        distgit.remote_patches(tmp_path / "remote")
        distgit.git("branch", "-D", "master-patches")
    if verb == "import-patches":
        with_patches(distgit)
        distgit.rdopkg("patch", "-l")
        distgit.git("branch", "-D", "master-patches")
    before = distgit.state

    dry = distgit.pkg(*args, "--dry-run")
    after_dry = distgit.state
    distgit.pkg(*args)
    changed = distgit.state
    distgit.pkg("undo")

    assert dry.out
    assert after_dry == before
    assert changed != before
    assert distgit.state == before


def test_patches_that_are_the_same_to_the_byte_are_imported_without_a_commit(
    distgit: Distgit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
    with_patches(distgit)
    distgit.rdopkg("patch", "-l")
    branch = distgit.git("rev-parse", "master-patches")
    distgit.git("branch", "-D", "master-patches")
    head = distgit.git("rev-parse", "HEAD")

    distgit.pkg("import-patches")

    assert distgit.git("rev-parse", "master-patches") == branch
    assert distgit.git("rev-parse", "HEAD") == head


def test_undo_refuses_what_somebody_has_gone_on_from(distgit: Distgit) -> None:
    distgit.rdopkg("set-magic-comment", "patches_base", "1.0")
    distgit.edit("Amazing", "Fine")
    before = distgit.state

    said = distgit.pkg("undo", code=5)

    assert "cannot undo set-magic-comment: changed since then: foo-bar.spec" in said.err
    assert distgit.state == before


def test_a_verb_that_was_killed_is_undone(distgit: Distgit, tmp_path: Path) -> None:
    (tmp_path / "wait").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "wait").chmod(0o755)
    with_patches(distgit)
    distgit.edit("Source0:", "# patches_base=1.0.0\nSource0:")
    distgit.edit("Release:          1%{?dist}", "Release:          XXX")
    distgit.git("commit", "--quiet", "-am", "Placeholder")
    before = distgit.state
    command = [sys.executable, "-m", "rdo", "pkg", "patch", "-l"]
    with subprocess.Popen(
        command,
        cwd=distgit.path,
        env={**os.environ, "GIT_EDITOR": str(tmp_path / "wait")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as killed:
        deadline = time.monotonic() + 300
        while not (distgit.path / ".git/RDO_EDITMSG").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(killed.pid, signal.SIGKILL)

    left = distgit.state
    refused = distgit.pkg("patch", "-l", code=5)
    distgit.pkg("undo")

    assert left != before
    assert "patch was interrupted; `rdo pkg undo` reverts what it changed" in refused.err
    assert distgit.state == before


def test_other_verbs_name_the_fix_that_waits(distgit: Distgit) -> None:
    with_patches(distgit)
    distgit.pkg("fix")

    refused = distgit.pkg("patch", "-l", code=5)

    assert "uncommitted changes: foo-bar.spec" in refused.err
    assert "an action is in progress: continue it with `rdo pkg -c`" in refused.err


def detached(distgit: Distgit) -> None:
    distgit.git("checkout", "--quiet", "--detach")


def no_spec(distgit: Distgit) -> None:
    distgit.git("rm", "--quiet", "foo-bar.spec")
    distgit.git("commit", "--quiet", "-m", "No spec")


def two_specs(distgit: Distgit) -> None:
    distgit.commit(
        "Two",
        {"other.spec": SPEC.format(version="1", release="1", source="x", extra="", prep="%setup")},
    )


def merging(distgit: Distgit) -> None:
    distgit.git("checkout", "--quiet", "-b", "side")
    distgit.commit("Side", {"x": "1"})
    distgit.git("checkout", "--quiet", "master")
    distgit.commit("Main", {"x": "2"})
    subprocess.run(["git", "merge", "side"], cwd=distgit.path, capture_output=True, check=False)


def no_patches_branch(distgit: Distgit) -> None:
    distgit.git("tag", "1.0.0")


def corrupt(distgit: Distgit) -> None:
    (distgit.path / ".rdopkg.json").write_text("{")


BAD = {
    "detached": (detached, ("fix",), "Unable to determine branch: HEAD is detached"),
    "no spec": (no_spec, ("fix",), "No .spec files found."),
    "two specs": (two_specs, ("pkgenv",), "there are several .spec files here"),
    "merging": (merging, ("fix",), "a merge is in progress here"),
    "no patches branch": (
        no_patches_branch,
        ("patch",),
        (
            "Configuration error: remote patches branch 'patches/master-patches' not found. \n\n"
            "Specify with -p/--patches-branch, use -l/--local-patches, or skip patches branch "
            "operations with -b/--bump-only"
        ),
    ),
    "no local branch": (
        no_patches_branch,
        ("patch", "-l"),
        "Expected git branch not found: master-patches",
    ),
    "no tag": (
        lambda distgit: None,
        ("patch", "-l"),
        (
            "Invalid base patches branch git reference: 1.0.0\n\n"
            "Make sure .spec Version references existing git tag\n"
        ),
    ),
    "no new tag": (with_patches, ("new-version", "9", "-l"), "Invalid git reference: 9"),
    "corrupt state": (corrupt, ("fix",), "the state file .rdopkg.json cannot be read"),
    "corrupt state, go on": (corrupt, ("-c",), "the state file .rdopkg.json cannot be read"),
    "bad index": (lambda distgit: None, ("fix", "-R", "xyz"), "Invalid Release bump index: xyz"),
    "bad header": (
        with_patches,
        ("patch", "-l", "-H", "not-there"),
        "File not found: not-there",
    ),
    "bad format": (
        with_patches,
        ("patch", "-l", "-C", "odd"),
        "Not a valid changelog format: odd",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error_and_changes_nothing(distgit: Distgit, case: str) -> None:
    prepare, args, sentence = BAD[case]
    prepare(distgit)
    before = distgit.state

    said = distgit.rdopkg(*args, code=1)

    assert sentence in said.out
    assert "Traceback" not in said.err
    assert {**distgit.state, "file .rdopkg.json": ""} == {**before, "file .rdopkg.json": ""}


def test_a_git_that_is_too_old_is_named(
    distgit: Distgit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    old = tmp_path / "bin/git"
    old.write_text("#!/bin/sh\necho git version 1.8.3.1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")

    said = distgit.pkg("fix", code=3)

    assert "git version 1.8.3.1 is too old; rdo pkg needs git 2.32" in said.err


def test_outside_a_repository(tmp_path: Path, distgit: Distgit) -> None:
    distgit.path = tmp_path / "empty"
    distgit.path.mkdir()

    for verb in ("fix", "pkgenv", "patchlog"):
        said = distgit.pkg(verb, code=5)
        assert "is not in a git repository" in said.err


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root rights")
@pytest.mark.parametrize("verb", ["fix", "undo"])
def test_a_folder_that_cannot_be_written_is_named(distgit: Distgit, verb: str) -> None:
    folder = str(distgit.path)
    mounted = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"'
    script = f'{mounted} && cd "$1" && exec "$2" -m rdo pkg "$3"'

    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", folder, sys.executable, verb],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 5
    assert done.stderr == f"rdo: error: {folder}/.git is not writable\n"
