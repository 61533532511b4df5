"""`rdo pkg new-version`, with real git and real rpm."""

import subprocess
from pathlib import Path

import pytest

from tests.distgits import Distgit

A, B = "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "one\ntwo\nthree\n"


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    """Three patches in the spec; version 2.0.0 has one of them, moves another, breaks none."""
    repository = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    repository.spec()
    repository.upstream_version("1.0.0", {"a.py": A, "b.py": B})
    repository.patch_commits(
        ("Mend two", {"a.py": A.replace("2", "2 mended")}),
        ("Mend nine", {"a.py": A.replace("2", "2 mended").replace("9", "9 mended")}),
        ("Mend b", {"b.py": B.replace("two", "2")}),
    )
    repository.rdopkg("patch", "-l")
    new = {"a.py": "new\n" + A.replace("2", "2 mended"), "b.py": B}
    repository.upstream_version("2.0.0", new, base="1.0.0")
    return repository


def conflicting(distgit: Distgit) -> None:
    """A version that changes what a patch changes."""
    distgit.upstream_version("3.0.0", {"b.py": B.replace("two", "zwei")}, base="2.0.0")


def test_patches_are_put_on_the_new_version_and_told_one_by_one(distgit: Distgit) -> None:
    said = distgit.pkg("new-version", "2.0.0", "-l")

    assert distgit.tag("Version") == "2.0.0"
    assert distgit.tag("Release") == "1%{?dist}"
    assert distgit.patches == ["0001-Mend-nine.patch", "0002-Mend-b.patch"]
    assert "3 patches (2 applied, 1 dropped) on 2.0.0:" in said.out
    assert distgit.changes == [
        "- Update to 2.0.0",
        "- Drop patch, upstream has it: Mend two",
    ]
    assert "Action finished." in said.out
    assert distgit.git("rev-parse", "--abbrev-ref", "HEAD") == "master"


def test_the_changelog_of_rdopkg_has_its_one_line(distgit: Distgit) -> None:
    distgit.rdopkg("new-version", "2.0.0", "-lntU")

    assert distgit.changes == ["- Update to 2.0.0"]


def test_an_update_is_undone_and_put_back_with_its_patches_branch(distgit: Distgit) -> None:
    before = distgit.state

    distgit.pkg("new-version", "2.0.0", "-l")
    distgit.pkg("undo")

    assert distgit.state == before


def test_a_dry_run_tells_what_becomes_of_the_patches(distgit: Distgit) -> None:
    before = distgit.state

    said = distgit.pkg("new-version", "2.0.0", "-l", "--dry-run")

    assert "dropped" in said.out
    assert said.out.count("+Version:          2.0.0") == 1
    assert "    - Update to 2.0.0\n" in said.out
    assert "finished" not in said.out
    assert distgit.state == before


def test_without_a_remote_the_local_patches_branch_counts(distgit: Distgit) -> None:
    said = distgit.pkg("new-version", "2.0.0", "-n", "-d")

    assert distgit.patches == ["0001-Mend-nine.patch", "0002-Mend-b.patch"]
    assert "not found; rebasing the local master-patches onto the new version" in said.err


def test_rdopkg_only_bumps_without_a_remote(distgit: Distgit) -> None:
    said = distgit.rdopkg("new-version", "2.0.0", "-n", "-d")

    assert len(distgit.patches) == 3
    assert "Patches branch 'patches/master-patches' not found. Running in --bump-only" in said.err


def test_patches_without_a_branch_stay_and_the_way_to_one_is_reported(distgit: Distgit) -> None:
    distgit.git("branch", "--quiet", "-D", "master-patches")

    said = distgit.pkg("new-version", "2.0.0", "-n", "-d")

    assert len(distgit.patches) == 3
    assert "to make a branch from them, run `rdo pkg import-patches` before" in said.err


def test_a_conflict_is_solved_by_hand_and_gone_on_with(distgit: Distgit) -> None:
    conflicting(distgit)

    said = distgit.rdopkg("new-version", "3.0.0", "-l", code=1)
    (distgit.path / "b.py").write_text(B.replace("two", "zwei 2"))
    distgit.git("add", "b.py")
    ended = distgit.rdopkg("-c")

    assert "conflicting" in said.out
    assert "Mend b  (in b.py)" in said.out
    assert "adapted" in ended.out
    assert distgit.patches == ["0001-Mend-nine.patch", "0002-Mend-b.patch"]
    assert "+zwei 2" in (distgit.path / "0002-Mend-b.patch").read_text()


def test_a_rebase_that_a_person_has_continued_is_gone_on_with(distgit: Distgit) -> None:
    conflicting(distgit)

    distgit.rdopkg("new-version", "3.0.0", "-l", code=1)
    (distgit.path / "b.py").write_text(B.replace("two", "zwei 2"))
    distgit.git("add", "b.py")
    distgit.git("rebase", "--continue", GIT_EDITOR="true")
    distgit.rdopkg("-c")

    assert distgit.patches == ["0001-Mend-nine.patch", "0002-Mend-b.patch"]


def test_a_patch_that_a_person_skips_is_not_called_upstreams(distgit: Distgit) -> None:
    conflicting(distgit)
    changed = "new\n" + A.replace("2", "2 mended").replace("9", "neun")
    distgit.upstream_version("4.0.0", {"a.py": changed}, base="3.0.0")

    said = distgit.pkg("new-version", "4.0.0", "-l", code=5)
    with pytest.raises(subprocess.CalledProcessError):
        distgit.git("rebase", "--skip")  # to the next one, which conflicts too
    distgit.git("rebase", "--skip")
    distgit.pkg("-c")

    assert "  conflicting " in said.out
    assert "  Release 4.0.0" in said.out.partition("  upstream  ")[2]
    assert distgit.patches == []
    assert distgit.changes == [
        "- Update to 4.0.0",
        "- Drop patch, upstream has it: Mend two",
        "- Drop patch: Mend nine",
        "- Drop patch: Mend b",
    ]


def test_an_update_that_waits_is_named_before_what_it_has_changed(distgit: Distgit) -> None:
    conflicting(distgit)
    distgit.pkg("new-version", "3.0.0", "-l", code=5)

    second = distgit.pkg("new-version", "2.0.0", "-l", code=5)
    other = distgit.pkg("patch", "-l", code=5)

    assert "You're in the middle of previous action: new_version" in second.out
    assert "a rebase is in progress here" in other.err
    distgit.pkg("--abort")


def test_unsolved_conflicts_are_named_again(distgit: Distgit) -> None:
    conflicting(distgit)
    distgit.rdopkg("new-version", "3.0.0", "-l", code=1)

    said = distgit.rdopkg("-c", code=1)

    assert "there are still conflicts in b.py" in said.out


@pytest.mark.parametrize(("program", "code"), [("rdopkg", 1), ("pkg", 0)])
def test_giving_up_puts_branches_and_files_back(distgit: Distgit, program: str, code: int) -> None:
    conflicting(distgit)
    before = distgit.state
    distgit.rdopkg("new-version", "3.0.0", "-l", code=1)

    said = getattr(distgit, program)("--abort", code=code)

    assert "State file removed." in said.out
    assert distgit.state == before


def test_giving_up_leaves_no_file_of_the_old_version(distgit: Distgit) -> None:
    distgit.upstream_version("1.0.1", {"b.py": B, "a.py": A, "gone.py": "x\n"})
    distgit.patch_commits(
        ("Mend b again", {"b.py": B.replace("two", "2")}), base="1.0.1", branch="other-patches"
    )
    distgit.upstream_version(
        "3.0.0", {"b.py": B.replace("two", "zwei"), "gone.py": "x\n"}, base="1.0.1"
    )
    distgit.git("checkout", "--quiet", "3.0.0")
    distgit.git("rm", "--quiet", "gone.py")
    distgit.git("commit", "--quiet", "-m", "Release 3.1.0")
    distgit.git("tag", "3.1.0")
    distgit.git("checkout", "--quiet", "master")
    distgit.edit("Version:          1.0.0", "Version:          1.0.1")
    distgit.git("commit", "--quiet", "-am", "1.0.1")
    (distgit.path / "mine.txt").write_text("of a person")
    before = distgit.state

    distgit.pkg("new-version", "3.1.0", "-l", "-P", "other-patches", code=5)
    distgit.pkg("--abort")

    assert distgit.state == before


def test_nothing_is_pushed_unasked(distgit: Distgit, tmp_path: Path) -> None:
    remote = distgit.remote_patches(tmp_path / "remote")
    before = remote.git("for-each-ref")

    said = distgit.rdopkg("new-version", "2.0.0", "-U")

    assert remote.git("for-each-ref") == before
    assert "git push --force-with-lease=refs/heads/master-patches:" in said.err


def test_a_push_that_was_asked_for_has_a_lease(distgit: Distgit, tmp_path: Path) -> None:
    remote = distgit.remote_patches(tmp_path / "remote")

    distgit.pkg("new-version", "2.0.0", "-U", "--push-patches")

    ours = distgit.git("rev-parse", "master-patches")
    assert remote.git("rev-parse", "master-patches") == ours
    assert remote.git("tag") == "2.0.0"


def test_the_final_version_with_fewer_numbers_is_not_older(distgit: Distgit) -> None:
    distgit.rdopkg("new-version", "-b", "2.0.0.0rc1")
    before = distgit.state

    said = distgit.pkg("new-version", "-b", "2.0", "-n", code=5)

    assert "2.0 would become 1:2.0-1, which rpm does not order after 1:2.0.0-0.1.0rc1" in said.err
    assert distgit.state == before
    distgit.pkg("new-version", "-b", "2.0.0", "-n")


def test_a_further_source_of_the_old_version_is_reported(distgit: Distgit) -> None:
    source = "Source0: foo-bar-%{version}.tar.gz"
    more = "\nSource1: https://example.test/raw/v1.0.0/LICENSE\nSource2: x-%{version}.txt"
    distgit.edit(source.partition(" ")[2], f"foo-bar-%{{version}}.tar.gz{more}")
    distgit.commit("more sources", {})

    said = distgit.pkg("new-version", "-b", "2.0.0", "-n")

    assert "Source1 still names the version 1.0.0: https://example.test/raw/v1.0.0/" in said.err
    assert "Source2" not in said.err


def test_a_literal_source_has_no_epoch(distgit: Distgit) -> None:
    distgit.edit("foo-bar-%{version}.tar.gz", "foo-bar-1.0.0.tar.gz")
    distgit.commit("literal", {})

    distgit.pkg("new-version", "-b", "2!0.5.0", "-n")

    assert distgit.tag("Source0") == "foo-bar-0.5.0.tar.gz"
    assert (distgit.tag("Epoch"), distgit.tag("Version")) == ("2", "0.5.0")


def test_a_version_with_milestone_and_back(distgit: Distgit) -> None:
    distgit.rdopkg("new-version", "-b", "3.0.0.0rc1")

    assert distgit.text.startswith("%global milestone .0rc1\n")
    assert distgit.tag("Version") == "3.0.0"
    assert distgit.tag("Release") == "0.1%{?milestone}%{?dist}"

    distgit.rdopkg("new-version", "-b", "3.0.0")

    assert "milestone" not in distgit.text.partition("%changelog")[0]
    assert distgit.tag("Release") == "1%{?dist}"


def test_a_change_that_upstream_has_under_its_change_id_is_dropped(distgit: Distgit) -> None:
    distgit.patch_commits(("Mend c\n\nChange-Id: I0123abcd", {"c.py": "ours\n"}))
    distgit.upstream_version("4.0.0", {"c.py": "theirs, reviewed\n"}, base="2.0.0")
    distgit.git("checkout", "--quiet", "4.0.0")
    distgit.git("commit", "--quiet", "--amend", "-m", "Mend c\n\nChange-Id: I0123abcd")
    distgit.git("tag", "--force", "4.0.0")
    distgit.git("checkout", "--quiet", "master")

    said = distgit.pkg("new-version", "4.0.0", "-l")

    assert "Mend c  (4.0.0 has its Change-Id, " in said.out
    assert "0003-Mend-c.patch" not in distgit.patches


def test_what_upstream_took_and_reverted_again_is_kept(distgit: Distgit) -> None:
    distgit.git("checkout", "--quiet", "2.0.0")
    distgit.git("cherry-pick", "master-patches")
    distgit.git("revert", "--no-edit", "HEAD")
    distgit.git("tag", "5.0.0")
    distgit.git("checkout", "--quiet", "master")

    distgit.pkg("new-version", "5.0.0", "-l")

    assert distgit.patches == ["0001-Mend-nine.patch", "0002-Mend-b.patch"]


def test_an_older_version_is_told(distgit: Distgit) -> None:
    distgit.pkg("new-version", "2.0.0", "-ld")

    said = distgit.pkg("new-version", "1.0.0", "-bd")

    assert distgit.tag("Version") == "1.0.0"
    assert "rpm orders 1:1.0.0-1 before 1:2.0.0-1: hosts keep the newer one" in said.err


@pytest.mark.parametrize("asked", ["2.0.0", "go2.0.0"])
def test_a_tag_is_found_by_what_patches_base_has_before_the_version(
    distgit: Distgit, asked: str
) -> None:
    for version in ("1.0.0", "2.0.0"):
        distgit.git("tag", f"go{version}", version)
        distgit.git("tag", "--delete", version)
    distgit.edit("URL:", "# patches_base=go1.0.0\nURL:")
    distgit.git("commit", "--quiet", "-am", "Tags of Go")

    distgit.pkg("new-version", asked, "-ld")

    assert distgit.tag("Version") == "2.0.0"
    assert "# patches_base=go2.0.0" in distgit.text
