"""What `pkgenv` guesses about a distgit, and how the smaller verbs use it."""

import re
from pathlib import Path

import pytest

from tests.distgits import Distgit


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    repository = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    repository.spec()
    repository.upstream_version("1.0.0", {"a.py": "1\n2\n3\n"})
    repository.patch_commits(("Mend a", {"a.py": "1\n2 mended\n3\n"}))
    return repository


def shown(distgit: Distgit, label: str) -> str:
    """What pkgenv says behind a label."""
    out = distgit.rdopkg("pkgenv").out
    match = re.search(rf"^{re.escape(label)}: +(.*)$", out, re.MULTILINE)
    assert match, out
    return match[1]


def test_the_layout_of_rdopkg(distgit: Distgit) -> None:
    tip = distgit.git("rev-parse", "master-patches")[:6]

    assert (
        distgit.rdopkg("pkgenv").out
        == f"""
Package:        foo-bar
VR:             1:1.0.0-1
Version:        1.0.0
Upstream:       upstream remote/branch not found
Release:        1%{{?dist}}
Release style:  generic
Rls bump index: last-numeric
Tag style:      X.Y.Z

Dist-git branch:        master
Patches style:          branch
Patches base:           N/A
Patches base ref:       1.0.0 : existing git tag
Local patches branch:   master-patches : {tip}
Remote patches branch:  patches/master-patches : not found
Remote upstream branch: upstream/master : not found

OS dist:                RDO
Patches apply method:   autosetup
"""
    )


def test_branches_are_guessed_from_the_longest_name_to_the_shortest(distgit: Distgit) -> None:
    distgit.git("checkout", "--quiet", "-b", "rhos-5.0-rhel-7")
    tip = distgit.git("rev-parse", "master-patches")
    distgit.git("update-ref", "refs/remotes/rhos/rhos-patches", tip)
    short = shown(distgit, "Remote patches branch")
    distgit.git("update-ref", "refs/remotes/rhos/rhos-5.0-rhel-patches", tip)
    longer = shown(distgit, "Remote patches branch")
    distgit.git("update-ref", "refs/remotes/mine/own-patches", tip)
    distgit.git("config", "rdopkg.rhos-5.0-rhel-7.patches-remote", "mine")
    distgit.git("config", "rdopkg.rhos-5.0-rhel-7.patches-branch", "own-patches")
    configured = shown(distgit, "Remote patches branch")

    assert short == f"rhos/rhos-patches : {tip[:6]}"
    assert longer == f"rhos/rhos-5.0-rhel-patches : {tip[:6]}"
    assert configured == f"mine/own-patches : {tip[:6]}"
    assert shown(distgit, "OS dist") == "RHOS"


def test_tags_with_a_v(distgit: Distgit) -> None:
    distgit.git("tag", "v1.0.0", "1.0.0")
    distgit.git("tag", "-d", "1.0.0")

    assert shown(distgit, "Tag style") == "vX.Y.Z"
    assert shown(distgit, "Patches base ref") == "v1.0.0 : existing git tag"
    distgit.rdopkg("patch", "-l")
    assert distgit.patches == ["0001-Mend-a.patch"]


def test_on_the_patches_branch_the_distgit_branch_is_meant(distgit: Distgit) -> None:
    distgit.git("checkout", "--quiet", "master-patches")

    said = distgit.rdopkg("patch", "-l")

    assert "This looks like -patches branch. Assuming distgit branch: master" in said.out
    assert distgit.patches == ["0001-Mend-a.patch"]

    distgit.git("checkout", "--quiet", "-b", "lonely-patches")
    lost = distgit.rdopkg("pkgenv", code=1)
    assert "Invalid usage: This action must be run on a distgit branch." in lost.out


def test_the_remote_branch_wins_and_what_only_was_local_is_reported(
    distgit: Distgit, tmp_path: Path
) -> None:
    distgit.remote_patches(tmp_path / "remote")
    distgit.patch_commits(("Mine alone", {"mine.py": "x\n"}))
    before = distgit.git("rev-parse", "master-patches")

    said = distgit.rdopkg("patch")

    assert distgit.patches == ["0001-Mend-a.patch"]
    assert "master-patches has commits that patches/master-patches lacks: Mine alone" in said.err
    distgit.pkg("undo")
    assert distgit.git("rev-parse", "master-patches") == before


def test_patches_outside_base_and_filter_get_no_file(distgit: Distgit) -> None:
    distgit.patch_commits(
        ("Second", {"b.py": "b\n"}),
        ("DROP-IN-RPM third", {"c.py": "c\n"}),
        ("Fourth", {"d.py": "d\n"}),
    )
    distgit.rdopkg("set-magic-comment", "patches_base", "1.0.0+1")
    distgit.rdopkg("set-magic-comment", "patches_ignore", "DROP.IN")
    distgit.git("commit", "--quiet", "-am", "Magic")

    said = distgit.rdopkg("patch", "-l")
    log = distgit.rdopkg("patchlog")

    assert distgit.patches == ["0001-Second.patch", "0002-Fourth.patch"]
    assert "4 patches on top of 1.0.0, 1 excluded by base, 1 filtered out by regex." in said.err
    assert "4 patches on top of 1.0.0, 1 excluded" in log.out


def test_excluded_patches_that_upstream_takes_hide_no_others(distgit: Distgit) -> None:
    distgit.patch_commits(("Second", {"b.py": "b\n"}))
    distgit.rdopkg("set-magic-comment", "patches_base", "1.0.0+1")
    distgit.git("commit", "--quiet", "-am", "Magic")
    distgit.rdopkg("patch", "-l")
    distgit.upstream_version("2.0.0", {"a.py": "1\n2 mended\n3\n"}, base="1.0.0")

    distgit.rdopkg("new-version", "2.0.0", "-l")

    assert distgit.patches == ["0001-Second.patch"]
    assert "patches_base" not in distgit.text


def test_an_amended_commit_keeps_its_change_id(distgit: Distgit) -> None:
    distgit.git("commit", "--quiet", "--amend", "-m", "Initial\n\nChange-Id: Ideadbeef")
    distgit.edit("- Update to upstream 1.0.0", "- Something else")

    distgit.rdopkg("amend")

    assert distgit.message.splitlines() == [
        "foo-bar-1.0.0-1",
        "",
        "Changelog:",
        "- Something else (rhbz#123456)",
        "",
        "Resolves: rhbz#123456",
        "",
        "Change-Id: Ideadbeef",
    ]


def test_a_tag_for_the_patches(distgit: Distgit, tmp_path: Path) -> None:
    remote = distgit.remote_patches(tmp_path / "remote")

    said = distgit.rdopkg("tag-patches")
    again = distgit.rdopkg("tag-patches", code=1)
    distgit.rdopkg("tag-patches", "-f", "-p")

    assert 'Not pushing tag. Run "git push patches foo-bar-1.0.0-1" by hand.' in said.out
    assert "the tag foo-bar-1.0.0-1 already exists" in again.out
    assert remote.git("tag") == "foo-bar-1.0.0-1"


def test_patches_of_the_spec_become_a_branch(distgit: Distgit) -> None:
    distgit.rdopkg("patch", "-l")
    distgit.git("branch", "-D", "master-patches")
    mine = distgit.path / "mine.diff"
    mine.write_text("--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n-1\n+one\n 2 mended\n 3\n")
    distgit.edit("Patch0001:", "Patch7: mine.diff\nPatch0001:")
    distgit.git("add", ".")
    distgit.edit("Patch7: mine.diff\n", "")
    distgit.edit("BuildArch:", "Patch7:           mine.diff\nBuildArch:")
    distgit.git("commit", "--quiet", "-am", "A patch by hand")

    before = distgit.pkg("patchlog", code=5)
    distgit.pkg("import-patches")
    after = distgit.rdopkg("patch", "-l")

    assert "create it from the patches in the .spec file: `rdo pkg import-patches`" in before.err
    subjects = distgit.git("log", "--format=%s", "1.0.0..master-patches").splitlines()
    assert subjects == ["mine", "Mend a"]
    assert distgit.patches == ["0001-Mend-a.patch", "0002-mine.patch"]
    assert "Patch7:           0002-mine.patch" in distgit.text
    assert "No changes to patches found" in after.out


@pytest.mark.parametrize(
    ("extra", "args", "code", "sentence"),
    [
        ("", (), 0, r"no linting errors found \o/"),
        ("BuildArch: noarch\nSource1: x", (), 23, "1 ERRORS found:\nfoo-bar.spec: E: buildarch-"),
        ("BuildArch: noarch\nSource1: x", ("--error-level", "-"), 0, "buildarch-before-sources"),
        ("# patches_base=1\n# patches_base=2", (), 23, "duplicate-patches-base"),
        ("", ("--lint-checks", "odd"), 1, "Invalid lint check: odd"),
    ],
)
def test_lint(
    distgit: Distgit, extra: str, args: tuple[str, ...], code: int, sentence: str
) -> None:
    distgit.edit("\nBuildArch:", f"{extra}\nBuildArch:")

    said = distgit.rdopkg("lint", "--lint-checks", "sanity", *args, code=code)

    assert sentence in said.out


def test_a_spec_in_which_patches_would_be_lost_is_left_alone(distgit: Distgit) -> None:
    distgit.edit("\nBuildArch:", "BuildArch: noarch\nSource1: x\nBuildArch:")
    distgit.git("commit", "--quiet", "-am", "Odd")
    before = distgit.state

    said = distgit.rdopkg("patch", "-l", code=23)

    assert "Linting problems detected: 1 errors, 0 warnings" in said.out
    assert distgit.state == before
