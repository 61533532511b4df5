import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rdo.tools.git.mirror import Mirror
from rdo.tools.git.work_tree import WorkTree
from tests.conftest import GitRepository

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)


def state(repository: GitRepository) -> tuple[str, str, bytes]:
    """All of a repository that a look at it might change."""
    objects = sorted(str(p) for p in (repository.path / ".git/objects").rglob("*"))
    index = (repository.path / ".git/index").read_bytes()
    return repository.git("status", "--porcelain"), "\n".join(objects), index


@pytest.fixture
def mirror(upstream: GitRepository, tmp_path: Path) -> Mirror:
    upstream.commit("one", {"kept": "1", "changed": "1", "gone": "1", ".gitignore": "*.pyc\n"})
    upstream.git("tag", "1.0")
    return WorkTree(upstream.path).mirror(tmp_path / "scratch" / "mirror.git")


def test_a_clean_work_tree_is_its_head(upstream: GitRepository, mirror: Mirror) -> None:
    tree = WorkTree(upstream.path)

    assert tree.snapshot(mirror, when=NOW) == tree.head == upstream.git("rev-parse", "HEAD")
    assert tree.branch == "master"
    assert mirror.tags_at(tree.head) == ["1.0"]


def test_what_is_uncommitted_is_in_the_snapshot_and_the_work_tree_stays_as_it_was(
    upstream: GitRepository, mirror: Mirror, tmp_path: Path
) -> None:
    (upstream.path / "changed").write_text("2")
    (upstream.path / "staged").write_text("2")
    upstream.git("add", "staged")
    (upstream.path / "new").mkdir()
    (upstream.path / "new/file").write_text("2")
    (upstream.path / "gone").unlink()
    (upstream.path / "x.pyc").write_text("ignored")
    (upstream.path / "private").write_text("ignored")
    (upstream.path / ".git/info/exclude").write_text("private\n")
    before = state(upstream)

    commit = WorkTree(upstream.path / "new").snapshot(mirror, when=NOW)

    assert mirror.list_files(commit) == [".gitignore", "changed", "kept", "new/file", "staged"]
    assert mirror.read_file(commit, "changed") == "2"
    assert mirror.is_ancestor(upstream.git("rev-parse", "HEAD"), commit)
    assert mirror.commit_time(commit) == NOW
    assert state(upstream) == before


def test_a_mirror_of_a_clone_that_borrows_objects_has_them_all(
    upstream: GitRepository, tmp_path: Path
) -> None:
    head = upstream.commit("one", {"file": "1"})
    upstream.git("clone", "--quiet", "--shared", str(upstream.path), str(tmp_path / "borrower"))

    mirror = WorkTree(tmp_path / "borrower").mirror(tmp_path / "mirror.git")

    upstream.path.rename(tmp_path / "away")
    assert mirror.read_file(head, "file") == "1"


def test_a_detached_head_and_a_linked_work_tree_are_found(
    upstream: GitRepository, tmp_path: Path
) -> None:
    head = upstream.commit("one", {"file": "1"})
    upstream.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    (tmp_path / "linked/file").write_text("2")
    linked = GitRepository.__new__(GitRepository)
    linked.path = tmp_path / "linked"
    detached = linked.commit("detached", {"other": "1"})
    tree = WorkTree(tmp_path / "linked")

    mirror = tree.mirror(tmp_path / "mirror.git")

    assert (tree.head, tree.branch) == (detached, "")
    assert tree.snapshot(mirror, when=NOW) == detached
    assert mirror.is_ancestor(head, detached)


def test_a_submodule_that_was_not_fetched_is_no_change(
    upstream: GitRepository, distgit: GitRepository, tmp_path: Path
) -> None:
    inner = distgit.commit("inner")
    upstream.commit("one", {"file": "1"})
    upstream.git("update-index", "--add", "--cacheinfo", f"160000,{inner},module")
    upstream.git("commit", "--quiet", "--message", "module")
    (upstream.path / "module").mkdir(exist_ok=True)
    tree = WorkTree(upstream.path)

    mirror = tree.mirror(tmp_path / "mirror.git")

    assert tree.snapshot(mirror, when=NOW) == tree.head


def test_a_folder_without_git_has_no_top_and_an_empty_one_no_head(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    empty = GitRepository(tmp_path / "empty")

    assert WorkTree(tmp_path / "plain").top is None
    assert WorkTree(empty.path).top == empty.path
    assert WorkTree(empty.path).head == ""


def test_a_ref_that_is_no_branch_is_fetched(upstream: GitRepository, tmp_path: Path) -> None:
    upstream.commit("one")
    mirror = Mirror.clone(upstream.url, tmp_path / "mirror.git")
    review = upstream.commit("review")
    upstream.git("update-ref", "refs/changes/42/4242/1", "HEAD")
    upstream.git("reset", "--quiet", "--hard", "HEAD~1")

    assert mirror.fetch_ref(upstream.url, "refs/changes/42/4242/1") == review
    assert mirror.refs().keys() == {"refs/heads/master"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_work_tree_of_another_user_is_read(upstream: GitRepository, tmp_path: Path) -> None:
    head = upstream.commit("one", {"file": "1"})
    for path in (upstream.path, *upstream.path.rglob("*")):
        os.chown(path, 65534, 65534)
    tree = WorkTree(upstream.path)

    mirror = tree.mirror(tmp_path / "mirror.git")

    assert tree.snapshot(mirror, when=NOW) == head
