"""`rdo pkg patch` and similar verbs, with real git and real rpm."""

import subprocess
from pathlib import Path

import pytest

from tests.distgits import Distgit


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    repository = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    repository.spec()
    repository.upstream_version("1.0.0", {"a.py": "1\n2\n3\n", "b.py": "one\ntwo\nthree\n"})
    return repository


def with_two_patches(distgit: Distgit) -> None:
    distgit.patch_commits(
        ("Mend a", {"a.py": "1\n2 mended\n3\n"}), ("Mend b (rhbz#77)", {"b.py": "one\ntwo\n3\n"})
    )


def test_patches_of_the_branch_enter_the_distgit(distgit: Distgit) -> None:
    with_two_patches(distgit)

    said = distgit.rdopkg("patch", "-l")

    assert distgit.patches == ["0001-Mend-a.patch", "0002-Mend-b-rhbz-77.patch"]
    assert distgit.tag("Release") == "2%{?dist}"
    assert distgit.changes == ["- Mend b (rhbz#77) (rhbz#77)", "- Mend a"]
    assert distgit.message.splitlines() == [
        "foo-bar-1.0.0-2",
        "",
        "Changelog:",
        "- Mend b (rhbz#77) (rhbz#77)",
        "- Mend a",
        "",
        "Resolves: rhbz#77",
    ]
    assert "Important distgit changes:" in said.out
    assert distgit.git("status", "--porcelain") == ""


def test_the_second_time_nothing_is_changed(distgit: Distgit) -> None:
    with_two_patches(distgit)
    distgit.rdopkg("patch", "-l")
    before = distgit.state

    said = distgit.rdopkg("patch", "-l")

    assert "No changes to patches found" in said.out
    assert distgit.state == before


def test_every_change_is_undone(distgit: Distgit) -> None:
    with_two_patches(distgit)
    before = distgit.state

    distgit.rdopkg("patch", "-l")
    distgit.rdopkg("undo")

    assert distgit.state == before


def test_a_dry_run_shows_the_diff_and_the_commands_and_changes_nothing(distgit: Distgit) -> None:
    with_two_patches(distgit)
    before = distgit.state

    said = distgit.pkg("patch", "-l", "--dry-run")

    assert "+Patch0001: 0001-Mend-a.patch" in said.out.replace("Patch0001:        ", "Patch0001: ")
    assert "git commit" in said.err
    assert distgit.state == before


def test_a_tree_with_changes_is_left_alone(distgit: Distgit) -> None:
    with_two_patches(distgit)
    distgit.edit("Amazing", "Fine")
    before = distgit.state

    said = distgit.rdopkg("patch", "-l", code=1)

    assert "uncommitted changes: foo-bar.spec" in said.out
    assert distgit.state == before


SUBJECTS = (
    "Replace %define by %global in macros.demo",
    "Use %(touch ran) and %{name} and 100% of it",
    "Keep %%prep as it is",
)


def test_a_subject_stays_text_in_the_changelog_and_runs_nothing(distgit: Distgit) -> None:
    distgit.patch_commits(*((one, {"a.py": f"{one}\n"}) for one in SUBJECTS))

    distgit.rdopkg("patch", "-l")

    assert distgit.changes == [f"- {one.replace('%', '%%')}" for one in reversed(SUBJECTS)]
    assert distgit.message.splitlines()[3:6] == [f"- {one}" for one in reversed(SUBJECTS)]
    command = ["rpmspec", "-q", "--srpm", "--qf", "[%{CHANGELOGTEXT}\\n]", "foo-bar.spec"]
    said = subprocess.run(command, cwd=distgit.path, capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[:3] == [f"- {one}" for one in reversed(SUBJECTS)]
    assert not (distgit.path / "ran").exists()


def test_a_message_stays_text_in_the_changelog(distgit: Distgit) -> None:
    with_two_patches(distgit)

    distgit.rdopkg("patch", "-l", "-m", "Use %{name} 100%")

    assert distgit.changes == ["- Use %%{name} 100%%"]
    assert "- Use %{name} 100%" in distgit.message.splitlines()


def test_a_comment_below_the_changelog_is_no_part_of_the_message(distgit: Distgit) -> None:
    distgit.edit("%changelog\n", "%changelog\n# keep the newest five\n\n")
    distgit.git("commit", "--quiet", "-a", "-m", "A comment")
    with_two_patches(distgit)

    distgit.rdopkg("patch", "-l")

    assert "keep the newest five" not in distgit.message
    assert "- Mend a" in distgit.message.splitlines()


def test_the_message_is_what_rpm_shows_of_the_entry(distgit: Distgit) -> None:
    distgit.spec()
    distgit.pkg("fix")
    header = distgit.text.partition("%changelog\n")[2].splitlines()[0]
    lines = "- Build %{name} %{version}\n%dnl hidden\n# too\n%if 0\n- never\n%endif\n- 5%%\n"
    distgit.edit(f"{header}\n", f"{header}\n{lines}")

    distgit.pkg("-c")

    shown = distgit.message.split("Changelog:\n")[1].splitlines()
    assert [line for line in shown if line] == ["- Build foo-bar 1.0.0", "- 5%"]


@pytest.mark.parametrize("verb", [("patch", "-l"), ("fix",)])
def test_a_spec_that_git_does_not_track_is_refused(distgit: Distgit, verb: tuple[str, ...]) -> None:
    with_two_patches(distgit)
    distgit.git("mv", "foo-bar.spec", "hidden.in")
    (distgit.path / "foo-bar.spec").symlink_to("hidden.in")
    distgit.git("add", "foo-bar.spec")
    distgit.git("rm", "--quiet", "--cached", "hidden.in")
    distgit.git("commit", "--quiet", "-m", "Only the link")
    before = distgit.state

    told = distgit.pkg(*verb, code=5)

    assert "hidden.in is not in git, so no commit would contain its changes" in told.err
    after = distgit.state
    after.pop("file .rdopkg.json", None)
    assert after == before
