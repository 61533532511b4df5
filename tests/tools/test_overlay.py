from pathlib import Path

import pytest

from rdo.builders.overlay import lay_over
from rdo.model.build import LaidOver
from rdo.model.package import SpecRule
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
