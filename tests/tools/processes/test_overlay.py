from pathlib import Path

import pytest

from rdo.builders.sources.overlay import export_folder, lay_over
from rdo.model.build import LaidOver
from rdo.model.package import SpecRule
from rdo.tools.git.mirror import Mirror
from tests.conftest import GitRepository

THERE = "Name: x\nEpoch: 1\n%changelog\n* there\n"
OURS = "Name: old\n%changelog\n* ours\n"


@pytest.fixture
def there(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "there")


def laid(
    tmp_path: Path, there: GitRepository, *, keep_changelog: bool = False, path: str = ""
) -> Path:
    """Our folder after the other distgit was laid over it."""
    folder = tmp_path / "ours" / path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x.spec").write_text(OURS)
    (folder / "ours.patch").write_text("ours")
    overlay = LaidOver(
        there.path / ".git", there.git("rev-parse", "HEAD"), (SpecRule.parse("^Epoch: 1/Epoch: 2"),)
    )
    lay_over(folder, overlay, path=path, keep_changelog=keep_changelog)
    return folder


def test_files_from_there_replace_ours_and_rules_change_the_spec(
    tmp_path: Path, there: GitRepository
) -> None:
    there.commit("spec", {"x.spec": THERE, "there.patch": "there", ".gitignore": "y"})

    folder = laid(tmp_path, there)

    assert (folder / "x.spec").read_text() == THERE.replace("Epoch: 1", "Epoch: 2")
    assert sorted(path.name for path in folder.iterdir()) == ["ours.patch", "there.patch", "x.spec"]


def test_our_changelog_may_stay(tmp_path: Path, there: GitRepository) -> None:
    there.commit("spec", {"x.spec": THERE})

    text = (laid(tmp_path, there, keep_changelog=True) / "x.spec").read_text()

    assert text == "Name: x\nEpoch: 2\n%changelog\n* ours\n"


def test_bytes_that_are_no_utf_8_come_back(tmp_path: Path, there: GitRepository) -> None:
    spec = there.path / "sub/x.spec"
    spec.parent.mkdir()
    spec.write_bytes(b"Name: caf\xe9\n")
    there.commit("spec")

    assert (laid(tmp_path, there, path="sub") / "x.spec").read_bytes() == b"Name: caf\xe9\n"


def test_links_and_missing_folders_are_left_out(tmp_path: Path, there: GitRepository) -> None:
    (there.path / "link.spec").symlink_to("/etc/hostname")
    there.commit("a link", {"other/x.spec": THERE})

    assert not (laid(tmp_path, there) / "link.spec").exists()


def exported(tmp_path: Path, there: GitRepository, path: str = "") -> dict[str, str]:
    """What a build gets of a distgit at its newest commit."""
    mirror, commit = Mirror(there.path / ".git"), there.git("rev-parse", "HEAD").strip()
    export_folder(mirror, commit, path, tmp_path / "given")
    return {file.name: file.read_text() for file in (tmp_path / "given").iterdir()}


@pytest.mark.parametrize("path", ["", "rpm"])
def test_a_link_within_the_distgit_is_the_file_behind_it(
    tmp_path: Path, there: GitRepository, path: str
) -> None:
    folder = there.path / path
    folder.mkdir(exist_ok=True)
    (folder / "x.spec").symlink_to("./SPECS/real.spec")
    (folder / "x.conf").symlink_to(f"{'../' if path else ''}common/x.conf")
    below = f"{path}/" if path else ""
    there.commit("links", {f"{below}SPECS/real.spec": THERE, "common/x.conf": "x = 1\n"})

    found = exported(tmp_path, there, path)
    commit = there.git("rev-parse", "HEAD").strip()
    read = Mirror(there.path / ".git").read_folder(commit, path, ".spec")

    assert found == {"x.spec": THERE, "x.conf": "x = 1\n"}
    assert list(read.values()) == [THERE]


def test_a_source_stays_executable(tmp_path: Path, there: GitRepository) -> None:
    (there.path / "run").write_text("#!/bin/sh\n")
    (there.path / "run").chmod(0o755)
    (there.path / "link").symlink_to("run")
    there.commit("a program", {"plain": "x"})

    exported(tmp_path, there)

    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "given").iterdir()}
    assert (modes["run"], modes["link"], modes["plain"]) == (0o755, 0o755, 0o644)


def test_a_second_name_of_a_spec_is_not_another_spec(tmp_path: Path, there: GitRepository) -> None:
    (there.path / "y.spec").symlink_to("x.spec")
    there.commit("a second name", {"x.spec": THERE})

    found = exported(tmp_path, there)
    commit = there.git("rev-parse", "HEAD").strip()

    assert found == {"x.spec": THERE}
    assert list(Mirror(there.path / ".git").read_folder(commit, "", ".spec")) == ["x.spec"]


@pytest.mark.parametrize(
    "target", ["/etc/hostname", "../../outside", "missing", "folder", ".git/config", "again"]
)
def test_other_links_are_left_out(tmp_path: Path, there: GitRepository, target: str) -> None:
    (tmp_path / "outside").write_text("secret")
    (there.path / "again").symlink_to("x.txt")
    (there.path / "x.spec").symlink_to(target)
    there.commit("a link", {"folder/file": "x", "x.txt": "x"})

    commit = there.git("rev-parse", "HEAD").strip()

    assert "x.spec" not in exported(tmp_path, there)
    assert not Mirror(there.path / ".git").read_folder(commit, "", ".spec")
