from datetime import UTC, datetime
from pathlib import Path

import pytest

from rdo.errors import CommandError, NotFoundError, RefusedError
from rdo.tools.git.mirror import Mirror, ls_remote
from tests.conftest import GitRepository


@pytest.fixture
def mirror_path(tmp_path: Path) -> Path:
    return tmp_path / "mirrors" / "upstream.git"


def test_ls_remote_names_branches_and_tags_with_their_hashes(upstream: GitRepository) -> None:
    head = upstream.commit("one")
    upstream.git("tag", "light")
    upstream.git("tag", "--annotate", "--message", "x", "annotated")

    refs = ls_remote(upstream.url)

    assert refs.keys() == {
        "refs/heads/master",
        "refs/tags/light",
        "refs/tags/annotated",
        "refs/tags/annotated^{}",
    }
    assert refs["refs/tags/annotated^{}"] == refs["refs/heads/master"] == head


@pytest.mark.parametrize("url", ["--upload-pack=touch x", "ext::sh -c true", "ftp://h/x", ""])
def test_a_url_that_is_none_of_gits_usual_ones_is_refused(url: str) -> None:
    with pytest.raises(RefusedError, match="not a git URL"):
        ls_remote(url)


def test_an_absent_remote_is_an_error_of_the_program(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nothing-here"):
        ls_remote((tmp_path / "nothing-here").as_uri())


def test_the_repository_of_the_caller_is_not_ours(
    upstream: GitRepository, mirror_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = upstream.commit("one")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    monkeypatch.setenv("GIT_WORK_TREE", "/nowhere")

    mirror = Mirror.clone(upstream.url, mirror_path)

    assert mirror.resolve("master") == head


def test_a_mirror_has_the_same_refs_as_its_remote(
    upstream: GitRepository, mirror_path: Path
) -> None:
    upstream.commit("one")
    upstream.git("branch", "stable/1")
    upstream.git("tag", "--annotate", "--message", "x", "1.0")

    mirror = Mirror.clone(upstream.url, mirror_path)

    assert mirror.refs() == ls_remote(upstream.url)


def test_a_tag_of_a_tag_leads_to_its_commit(upstream: GitRepository, mirror_path: Path) -> None:
    commit = upstream.commit("one")
    upstream.git("tag", "--annotate", "--message", "x", "1.0")
    upstream.git("tag", "--annotate", "--message", "y", "v1.0", "1.0")

    mirror = Mirror.clone(upstream.url, mirror_path)

    assert mirror.refs() == ls_remote(upstream.url)  # else it is fetched in every round
    assert mirror.refs()["refs/tags/v1.0^{}"] == commit
    assert mirror.tagged_commits() == {commit}


def test_fetch_follows_a_force_push_and_keeps_what_was_dropped(
    upstream: GitRepository, mirror_path: Path
) -> None:
    upstream.commit("one")
    dropped = upstream.commit("two")
    upstream.git("branch", "gone")
    mirror = Mirror.clone(upstream.url, mirror_path)
    upstream.git("reset", "--quiet", "--hard", "HEAD~1")
    upstream.git("branch", "-D", "gone")
    head = upstream.commit("three")

    mirror.fetch(upstream.url)

    assert mirror.refs() == {"refs/heads/master": head}
    assert mirror.has_commit(dropped)
    assert not mirror.is_ancestor(dropped, head)


def test_a_failed_clone_leaves_no_mirror_and_the_next_one_works(
    upstream: GitRepository, tmp_path: Path, mirror_path: Path
) -> None:
    with pytest.raises(CommandError):
        Mirror.clone((tmp_path / "absent").as_uri(), mirror_path)
    assert not mirror_path.exists()
    left = mirror_path.parent / ".upstream.git.x1y2"  # as a kill leaves it
    left.mkdir(parents=True)
    head = upstream.commit("one")

    assert Mirror.clone(upstream.url, mirror_path).resolve("master") == head
    assert list(mirror_path.parent.iterdir()) == [mirror_path]


def test_a_mirror_never_prunes_what_a_force_push_dropped(
    upstream: GitRepository, mirror_path: Path
) -> None:
    upstream.commit("one")
    mirrors = (Mirror.clone(upstream.url, mirror_path), Mirror.create(mirror_path.parent / "new"))

    for mirror in mirrors:
        config = (mirror.path / "config").read_text()
        assert "pruneexpire = never" in config.lower()
        assert config.lower().count("autodetach = false") == 2


def test_commits_since_follows_the_first_parent_oldest_first(
    upstream: GitRepository, mirror_path: Path
) -> None:
    base = upstream.commit("one")
    upstream.git("checkout", "--quiet", "-b", "topic")
    upstream.commit("on the topic")
    upstream.git("checkout", "--quiet", "master")
    upstream.commit("two", when=1_000_000_000)  # older than its parent, as a cherry-pick may be
    upstream.git("merge", "--quiet", "--no-ff", "--message", "merge", "topic")
    mirror = Mirror.clone(upstream.url, mirror_path)

    commits = mirror.commits_since(base, "master")

    assert [commit.subject for commit in commits] == ["two", "merge"]
    assert commits[0].time == datetime.fromtimestamp(1_000_000_000, UTC)


def test_newest_gives_the_last_commits_oldest_first(
    upstream: GitRepository, mirror_path: Path
) -> None:
    for subject in ("one", "two", "three"):
        upstream.commit(subject)
    mirror = Mirror.clone(upstream.url, mirror_path)

    assert [commit.subject for commit in mirror.newest("master", 2)] == ["two", "three"]
    assert len(mirror.newest("master", 9)) == 3


def test_is_ancestor_asks_the_graph(upstream: GitRepository, mirror_path: Path) -> None:
    one = upstream.commit("one")
    two = upstream.commit("two")
    mirror = Mirror.clone(upstream.url, mirror_path)

    assert mirror.is_ancestor(one, two)
    assert not mirror.is_ancestor(two, one)
    assert not mirror.is_ancestor("0" * 40, two)


def test_resolve_is_none_for_what_is_not_there(upstream: GitRepository, mirror_path: Path) -> None:
    upstream.commit("one")
    mirror = Mirror.clone(upstream.url, mirror_path)

    assert mirror.resolve("no-such-branch") is None
    assert mirror.resolve("--all") is None


def test_tags_of_a_commit(upstream: GitRepository, mirror_path: Path) -> None:
    one = upstream.commit("one")
    upstream.git("tag", "--annotate", "--message", "x", "1.10.0")
    upstream.git("tag", "1.9.0")
    two = upstream.commit("two")
    mirror = Mirror.clone(upstream.url, mirror_path)

    assert mirror.tagged_commits() == {one}
    assert mirror.tags_at(one) == ["1.10.0", "1.9.0"]
    assert mirror.tags_containing(one) == ["1.9.0", "1.10.0"]
    assert mirror.tags_containing(two) == []


def test_files_are_listed_and_read_at_a_ref(upstream: GitRepository, mirror_path: Path) -> None:
    upstream.commit("one", {"rdo.yml": "old", "tags/a b.yml": "ä\n"})
    upstream.git("tag", "first")
    upstream.commit("two", {"rdo.yml": "new"})
    mirror = Mirror.clone(upstream.url, mirror_path)

    assert mirror.list_files("HEAD") == ["rdo.yml", "tags/a b.yml"]
    assert mirror.list_files("HEAD", "tags") == ["tags/a b.yml"]
    assert mirror.read_file("HEAD", "rdo.yml") == "new"
    assert mirror.read_file("first", "rdo.yml") == "old"
    assert mirror.read_file("first", "tags/a b.yml") == "ä\n"


def test_a_missing_file_or_ref_is_named(upstream: GitRepository, mirror_path: Path) -> None:
    upstream.commit("one")
    mirror = Mirror.clone(upstream.url, mirror_path)

    with pytest.raises(NotFoundError, match=r"upstream\.git has no branch, tag or commit x"):
        mirror.list_files("x")
    with pytest.raises(NotFoundError, match=r"HEAD of upstream\.git has no file rdo\.yml"):
        mirror.read_file("HEAD", "rdo.yml")


def test_export_writes_every_file_of_the_commit(
    upstream: GitRepository, mirror_path: Path, tmp_path: Path
) -> None:
    files = {".gitattributes": "tests export-ignore\n", "tests/t.py": "1", "run.sh": "#!/bin/sh\n"}
    one = upstream.commit("one", files)
    upstream.commit("two", {"later": ""})
    mirror = Mirror.clone(upstream.url, mirror_path)

    mirror.export(one, tmp_path / "out")

    found = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*")}
    assert found == {".gitattributes", "tests", "tests/t.py", "run.sh"}


def test_checkout_brings_history_and_tags_and_shares_no_inode(
    upstream: GitRepository, mirror_path: Path, tmp_path: Path
) -> None:
    one = upstream.commit("one", {"a": "1"})
    upstream.git("tag", "1.0")
    upstream.commit("two", {"a": "2"})
    mirror = Mirror.clone(upstream.url, mirror_path)

    mirror.checkout(one, tmp_path / "work")

    assert (tmp_path / "work/a").read_text() == "1"
    assert Mirror(tmp_path / "work/.git").tags_at(one) == ["1.0"]
    objects = (p for p in (tmp_path / "work/.git/objects").rglob("*") if p.is_file())
    assert all(p.stat().st_nlink == 1 for p in objects)


def test_a_folder_is_committed_byte_for_byte_and_gives_the_same_hash_again(tmp_path: Path) -> None:
    folder = tmp_path / "sdist"
    folder.mkdir()
    content = {
        ".gitattributes": b"*.txt text eol=lf\n",
        ".gitignore": b"*.o\n",
        "a.txt": b"one\r\ntwo\r\n",
        "b.o": b"\0\xff",
    }
    for name, data in content.items():
        (folder / name).write_bytes(data)
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    mirror = Mirror.create(tmp_path / "m.git")
    first = mirror.commit_folder(folder, parent=None, when=when, message="1.0")
    mirror.set_refs({"refs/heads/master": first, "refs/tags/1.0": first})

    mirror.export("1.0", tmp_path / "out")

    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == content
    assert mirror.commit_time("1.0") == when
    other = Mirror.create(tmp_path / "other.git")
    assert other.commit_folder(folder, parent=None, when=when, message="1.0") == first


def test_set_refs_drops_what_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    mirror = Mirror.create(tmp_path / "m.git")
    when = datetime(2026, 1, 1, tzinfo=UTC)
    commit = mirror.commit_folder(tmp_path / "empty", parent=None, when=when, message="x")
    mirror.set_refs({"refs/heads/master": commit, "refs/tags/1": commit})

    mirror.set_refs({"refs/heads/master": commit})

    assert mirror.refs() == {"refs/heads/master": commit}


def test_several_files_of_a_commit_are_read_at_once(
    upstream: GitRepository, tmp_path: Path
) -> None:
    files = {"a.spec": "Name: ä\n", "b": "", "sub/c.spec": "no newline", "d.spec/e": "x"}
    head = upstream.commit("one", files)
    mirror = Mirror.clone(upstream.url, tmp_path / "mirror.git")

    assert mirror.read_files(head, ["b", "sub/c.spec", "missing", "sub"]) == {
        "b": "",
        "sub/c.spec": "no newline",
    }
    assert mirror.read_folder(head, "", ".spec") == {"a.spec": "Name: ä\n"}
    assert mirror.read_folder(head, "sub/", ".spec") == {"sub/c.spec": "no newline"}
    assert mirror.read_folder(head, "nowhere", ".spec") == {}
    assert mirror.read_files("0" * 40, ["b"]) == {}
