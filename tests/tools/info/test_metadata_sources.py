import os
import time
from pathlib import Path

import pytest

from rdo import metadata
from rdo.errors import ConfigError, OutsideError, RefusedError
from rdo.metadata import Distribution
from tests.conftest import GitRepository

MAIN = """\
releases: []
package-default: {name: "%(project)s", maintainers: [a@example.test]}
import: [tags/more.yml]
"""


@pytest.fixture
def info(tmp_path: Path) -> GitRepository:
    repository = GitRepository(tmp_path / "info")
    repository.commit("one", {"rdo.yml": MAIN, "tags/more.yml": "packages: [{project: a}]"})
    return repository


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def names(distribution: Distribution) -> list[str]:
    return [package["name"] for package in distribution.dump()["packages"]]


def test_a_git_url_is_read_at_the_head_of_its_branch(info: GitRepository, cache: Path) -> None:
    assert names(metadata.load(info.url, cache=cache, max_age=0)) == ["a"]

    info.commit("two", {"tags/more.yml": "packages: [{project: b}]"})

    assert names(metadata.load(info.url, cache=cache, max_age=0)) == ["b"]


def test_a_url_is_asked_once_per_period(info: GitRepository, cache: Path) -> None:
    metadata.load(info.url, cache=cache, max_age=3600)
    info.commit("two", {"tags/more.yml": "packages: [{project: b}]"})

    assert names(metadata.load(info.url, cache=cache, max_age=3600)) == ["a"]

    (stamp,) = cache.glob("git/*.git/rdo-fetched")
    before = time.time() - 4000
    os.utime(stamp, (before, before))
    assert names(metadata.load(info.url, cache=cache, max_age=3600)) == ["b"]


def test_a_clock_that_was_years_ahead_keeps_no_old_state(info: GitRepository, cache: Path) -> None:
    metadata.load(info.url, cache=cache, max_age=3600)
    info.commit("two", {"tags/more.yml": "packages: [{project: b}]"})
    (stamp,) = cache.glob("git/*.git/rdo-fetched")
    ahead = time.time() + 63_000_000
    os.utime(stamp, (ahead, ahead))

    assert names(metadata.load(info.url, cache=cache, max_age=3600)) == ["b"]


def test_a_url_that_cannot_be_reached_gives_its_last_state(
    info: GitRepository, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metadata.load(info.url, cache=cache, max_age=0)
    info.path.rename(info.path.with_name("away"))

    assert names(metadata.load(info.url, cache=cache, max_age=0)) == ["a"]
    assert "cannot be reached; using its last state" in caplog.text


def test_a_url_that_was_never_reached_is_outside_our_hands(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(OutsideError, match="cannot be reached") as caught:
        metadata.load((tmp_path / "none").as_uri(), cache=cache)

    assert "git clone" not in str(caught.value)
    assert str(caught.value).count("\n") == 0
    assert "--info" in caught.value.hint


def test_a_url_of_another_protocol_is_refused(cache: Path) -> None:
    with pytest.raises(RefusedError, match="not a git URL"):
        metadata.load("ext://x", cache=cache)


def test_a_bare_repository_is_read_where_it_is(
    info: GitRepository, tmp_path: Path, cache: Path
) -> None:
    bare = tmp_path / "bare"
    info.git("clone", "--quiet", "--bare", ".", str(bare))

    assert names(metadata.load(bare, cache=cache)) == ["a"]
    assert not list(cache.glob("git/*.git"))


def test_a_ref_of_a_work_tree_is_read_from_git(info: GitRepository, cache: Path) -> None:
    info.commit("two", {"tags/more.yml": "packages: [{project: b}]"})
    (info.path / "tags/more.yml").write_text("packages: [{project: not-committed}]")

    assert names(metadata.load(info.path, cache=cache)) == ["not-committed"]
    assert names(metadata.load(info.path, cache=cache, ref="HEAD~1")) == ["a"]
    with pytest.raises(ConfigError, match="no branch, tag or commit none"):
        metadata.load(info.path, cache=cache, ref="none")


def test_a_fault_in_git_names_the_file_of_the_repository(info: GitRepository, cache: Path) -> None:
    info.commit("bad", {"tags/more.yml": "packages:\n- project: [\n"})

    with pytest.raises(ConfigError, match=r"^tags/more\.yml:2: "):
        metadata.load(info.url, cache=cache)


def test_a_remote_import_follows_its_repository(
    info: GitRepository, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = GitRepository(tmp_path / "shared")
    shared.commit("one", {"x.yml": "packages: [{project: from-shared}]"})
    remote = f"remote-info: {{s: {{remote_git_info: {shared.url!r}}}}}\n"
    info.commit(
        "two",
        {"rdo.yml": MAIN.replace("[tags/more.yml]", "[{s: x.yml}]") + remote},
    )
    assert names(metadata.load(info.path, cache=cache, max_age=0)) == ["from-shared"]

    shared.commit("two", {"x.yml": "packages: [{project: moved-on}]"})

    assert names(metadata.load(info.path, cache=cache, max_age=0)) == ["moved-on"]


def test_a_ref_of_a_folder_inside_a_repository(tmp_path: Path, cache: Path) -> None:
    around = GitRepository(tmp_path / "around")
    around.commit("one", {"info/rdo.yml": MAIN, "info/tags/more.yml": "packages: [{project: a}]"})
    around.commit("two", {"info/tags/more.yml": "packages: [{project: b}]"})
    around.git("worktree", "add", "--quiet", str(tmp_path / "linked"), "HEAD~1")

    assert names(metadata.load(around.path / "info", cache=cache, ref="HEAD~1")) == ["a"]
    assert names(metadata.load(tmp_path / "linked/info", cache=cache, ref="master")) == ["b"]
    with pytest.raises(ConfigError, match="is not in a git repository"):
        metadata.load(tmp_path, cache=cache, ref="HEAD~1")


def test_a_remote_import_may_be_raw_files_behind_a_url(
    info: GitRepository, tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    web = tmp_path / "web"
    (web / "more").mkdir(parents=True)
    (web / "x.yml").write_text("import: [more/y.yml]\npackages: [{project: one}]")
    (web / "more/y.yml").write_text("packages: [{project: two}]")
    remote = f"remote-info: {{s: {{remote_info: '{web.as_uri()}/'}}}}\n"
    main = MAIN.replace("[tags/more.yml]", "[{s: x.yml}]") + remote
    (info.path / "rdo.yml").write_text(main)
    assert names(metadata.load(info.path, cache=cache, max_age=0)) == ["one", "two"]

    (web / "x.yml").write_text("packages: [{project: three}]")
    assert names(metadata.load(info.path, cache=cache, max_age=0)) == ["three"]

    web.rename(tmp_path / "away")
    assert names(metadata.load(info.path, cache=cache, max_age=0)) == ["three"]
    assert "using its last state" in caplog.text
