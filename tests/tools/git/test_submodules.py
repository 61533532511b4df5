"""Submodules of real repositories, fetched into mirrors."""

from pathlib import Path

import pytest

from rdo.builders.sources.submodules import fetch_submodules
from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.mirrors import Mirrors, Reached
from rdo.tools.git.mirror import Mirror
from tests.conftest import GitRepository


def with_submodule(parent: GitRepository, path: str, url: str, commit: str) -> str:
    """Record a submodule, as `git submodule add` does, whatever its URL."""
    text = f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n'
    (parent.path / ".gitmodules").write_text(text)
    parent.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    parent.git("add", ".gitmodules")
    parent.git("commit", "--quiet", "--message", f"add {path}")
    return parent.git("rev-parse", "HEAD")


def mirrored(tmp_path: Path, repository: GitRepository) -> Mirror:
    polled = Mirrors(tmp_path / "mirrors").poll([repository.url])[repository.url]
    assert isinstance(polled, Reached)
    return polled.mirror


@pytest.fixture
def inner(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "git" / "inner")


@pytest.fixture
def outer(tmp_path: Path) -> GitRepository:
    made = GitRepository(tmp_path / "git" / "outer")
    made.commit("start", {"a": "a"})
    return made


def test_a_source_without_submodules_has_none(tmp_path: Path, outer: GitRepository) -> None:
    mirror = mirrored(tmp_path, outer)

    assert fetch_submodules(mirror, outer.git("rev-parse", "HEAD")) == []


def test_the_recorded_commit_is_fetched_and_nested_ones_too(
    tmp_path: Path, inner: GitRepository, outer: GitRepository
) -> None:
    deepest = GitRepository(tmp_path / "git" / "deepest")
    leaf = deepest.commit("leaf", {"leaf": "x"})
    inner.commit("one", {"lib.txt": "lib"})
    recorded = with_submodule(inner, "deep", "../deepest", leaf)
    inner.commit("later", {"lib.txt": "newer"})
    head = with_submodule(outer, "vendor/lib", inner.url, recorded)

    found = fetch_submodules(mirrored(tmp_path, outer), head)

    assert [(one.path, one.commit) for one in found] == [
        ("vendor/lib", recorded),
        ("vendor/lib/deep", leaf),
    ]
    assert all(Mirror(one.mirror).has_commit(one.commit) for one in found)


def test_what_is_kept_is_not_asked_for_again(
    tmp_path: Path, inner: GitRepository, outer: GitRepository
) -> None:
    head = with_submodule(outer, "lib", inner.url, inner.commit("one", {"x": "x"}))
    mirror = mirrored(tmp_path, outer)
    first = fetch_submodules(mirror, head)
    inner.path.rename(tmp_path / "away")

    assert fetch_submodules(mirror, head) == first


def test_a_failure_names_the_submodule(
    tmp_path: Path, inner: GitRepository, outer: GitRepository
) -> None:
    inner.commit("one", {"x": "x"})
    lost = with_submodule(outer, "lib", inner.url, "1" * 40)
    away = with_submodule(outer, "lib", f"{inner.url}-away", "1" * 40)
    evil = with_submodule(outer, "lib", "ext::touch /tmp/x", "1" * 40)
    outer.git("rm", "--quiet", "--cached", ".gitmodules")
    outer.git("commit", "--quiet", "--message", "no URL")
    unnamed = outer.git("rev-parse", "HEAD")
    mirror = mirrored(tmp_path, outer)

    with pytest.raises(NotFoundError, match=f"submodule lib: .* has no commit {'1' * 40}"):
        fetch_submodules(mirror, lost)
    with pytest.raises(OutsideError, match=r"submodule lib: .*-away cannot be reached"):
        fetch_submodules(mirror, away)
    with pytest.raises(RefusedError, match="submodule lib: not a git URL: 'ext::touch /tmp/x'"):
        fetch_submodules(mirror, evil)
    with pytest.raises(NotFoundError, match=r"submodule lib: \.gitmodules has no URL for it"):
        fetch_submodules(mirror, unnamed)


def test_a_gitmodules_file_includes_nothing(tmp_path: Path, outer: GitRepository) -> None:
    (tmp_path / "secret").write_text('[submodule "lib"]\n\tpath = lib\n\turl = https://x.test\n')
    head = with_submodule(outer, "other", "../x", "1" * 40)
    (outer.path / ".gitmodules").write_text(f"[include]\n\tpath = {tmp_path}/secret\n")
    outer.git("add", ".gitmodules")
    outer.git("commit", "--quiet", "--message", "include")

    mirror = mirrored(tmp_path, outer)

    assert mirror.submodule_urls(outer.git("rev-parse", "HEAD")) == {}
    assert mirror.submodule_urls(head) == {"other": "../x"}
