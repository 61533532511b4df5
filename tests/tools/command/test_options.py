"""Names that begin with a dash never become options of another program."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rdo.errors import RefusedError
from rdo.tools.git.clone import Clone
from rdo.tools.git.fedpkg import upload_command
from tests.conftest import GitRepository

ACTS: list[Callable[[Clone, str], object]] = [
    lambda clone, name: clone.diff(name, "HEAD"),
    lambda clone, name: clone.diff("HEAD", name),
    lambda clone, name: clone.commits(name, "HEAD"),
    lambda clone, name: clone.patch_ids(name, "HEAD"),
    lambda clone, name: clone.files_of(name, "HEAD"),
    lambda clone, name: clone.message(name),
    lambda clone, name: clone.file_at(name, "x"),
    lambda clone, name: clone.contains(name, "HEAD"),
    lambda clone, name: clone.tags_of(name),
    lambda clone, name: clone.describe(name),
    lambda clone, name: clone.checkout(name),
    lambda clone, name: clone.set_branch("x", name),
    lambda clone, name: clone.set_branch(name, "HEAD"),
    lambda clone, name: clone.tag(name, "HEAD"),
    lambda clone, name: clone.start_rebase("x", name, "HEAD", ["pick x"]),
    lambda clone, name: clone.add_remote(name, "https://h/x"),
    lambda clone, name: clone.linked(name).__enter__(),
]


@pytest.mark.parametrize("act", ACTS)
def test_git_gets_no_option_as_a_name(
    tmp_path: Path, act: Callable[[Clone, str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    repository = GitRepository(tmp_path / "pkg")
    repository.commit("one")

    with pytest.raises(RefusedError, match="begins with a dash"):
        act(Clone(repository.path), f"--output={tmp_path}/written")

    assert not list(tmp_path.glob("written*"))


def test_a_source_is_a_file_for_fedpkg_whatever_its_name() -> None:
    command = upload_command(["a.tar.gz", "--help"], is_red_hat=False)

    assert command == ["fedpkg", "new-sources", "a.tar.gz", "./--help"]
