"""The choice of commits, against real histories."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rdo.model.commit import Commit, package_suffix
from rdo.model.package import Package
from rdo.tools.git.mirror import GitCommit, Mirror
from rdo.trunk.sources.history import GitHistory, ReleaseHistory
from rdo.trunk.sources.selection import CommitSelection, Sources, select
from rdo.trunk.sources.upstreams import Planned
from tests.conftest import GitRepository

PACKAGE = Package(
    name="python-foo",
    project="foo",
    upstreams=("u",),
    distgit="d",
    upstream_branch="master",
    distgit_branch="rpm-master",
)


class Followed:
    """An upstream and a distgit with the mirrors that follow them."""

    def __init__(self, upstream: GitRepository, distgit: GitRepository, folder: Path) -> None:
        self.upstream, self.distgit, self.folder = upstream, distgit, folder

    def sources(self, branch: str = "master") -> Sources:
        upstream = self._mirror(self.upstream, "upstream.git")
        distgit = self._mirror(self.distgit, "distgit.git")
        return Sources(
            (GitHistory(upstream, branch, upstream.resolve(branch) or ""),),
            GitHistory(distgit, "rpm-master", distgit.resolve("rpm-master") or ""),
        )

    def _mirror(self, repository: GitRepository, name: str) -> Mirror:
        path = self.folder / name
        if not path.exists():
            return Mirror.clone(repository.url, path)
        Mirror(path).fetch(repository.url)
        return Mirror(path)


@pytest.fixture
def followed(upstream: GitRepository, distgit: GitRepository, tmp_path: Path) -> Followed:
    distgit.commit("spec")
    return Followed(upstream, distgit, tmp_path / "mirrors")


def choose(
    package: Package, sources: Sources, last: Commit | None, **rules: Any
) -> CommitSelection:
    """The choice for a package with one upstream, of which `last` was planned."""
    of_each = {one.url: last for one in sources.upstreams} if last else {}
    return select(package, sources, Planned(last, of_each), **rules)


def hashes(selection: CommitSelection) -> list[str]:
    return [commit.upstream_hash for commit in selection.commits]


def built_head(followed: Followed) -> Commit:
    return choose(PACKAGE, followed.sources(), None).commits[-1]


def test_a_package_never_seen_starts_with_its_newest_commits(followed: Followed) -> None:
    found = [followed.upstream.commit(name) for name in ("one", "two", "three")]

    assert hashes(choose(PACKAGE, followed.sources(), None)) == found[-1:]
    assert hashes(choose(PACKAGE, followed.sources(), None, initial=2)) == found[-2:]


def test_new_commits_are_built_oldest_first(followed: Followed) -> None:
    followed.upstream.commit("one")
    last = built_head(followed)
    new = [followed.upstream.commit(name) for name in ("two", "three")]

    assert hashes(choose(PACKAGE, followed.sources(), last)) == new
    assert hashes(choose(PACKAGE, followed.sources(), last, head_only=True)) == new[-1:]


def test_a_head_older_than_its_parent_is_built(followed: Followed) -> None:
    """DLRN chooses by date and never builds it."""
    followed.upstream.commit("one")
    last = built_head(followed)
    head = followed.upstream.commit("old", when=1_000_000_000)

    assert hashes(choose(PACKAGE, followed.sources(), last)) == [head]


def test_nothing_moved_selects_nothing_and_asks_nothing_of_git(followed: Followed) -> None:
    followed.upstream.commit("one")
    last = built_head(followed)
    sources = followed.sources()
    nowhere = Mirror(Path("/nonexistent"))
    blind = Sources(
        (GitHistory(nowhere, "master", sources.upstreams[0].head),),
        GitHistory(nowhere, "rpm-master", sources.distgit.head),
    )

    assert choose(PACKAGE, blind, last) == CommitSelection()


def test_a_changed_distgit_rebuilds_the_newest_upstream_commit(followed: Followed) -> None:
    followed.upstream.commit("one")
    head = followed.upstream.commit("two")
    last = built_head(followed)
    changed = followed.distgit.commit("fix the spec")

    selection = choose(PACKAGE, followed.sources(), last)

    assert [(c.upstream_hash, c.distgit_hash) for c in selection.commits] == [(head, changed)]


def test_new_commits_are_built_with_the_new_distgit(followed: Followed) -> None:
    followed.upstream.commit("one")
    last = built_head(followed)
    head = followed.upstream.commit("two")
    changed = followed.distgit.commit("fix the spec")

    selection = choose(PACKAGE, followed.sources(), last)

    assert [(c.upstream_hash, c.distgit_hash) for c in selection.commits] == [(head, changed)]


def test_a_rewritten_branch_is_said_and_only_its_head_is_built(followed: Followed) -> None:
    followed.upstream.commit("one")
    followed.upstream.commit("two")
    last = built_head(followed)
    followed.upstream.git("reset", "--quiet", "--hard", "HEAD~1")
    followed.upstream.commit("other two")
    head = followed.upstream.commit("other three")

    selection = choose(PACKAGE, followed.sources(), last)

    assert hashes(selection) == [head]
    (note,) = selection.notes
    assert note == (
        f"python-foo: {last.short_hash} is not in the history of master"
        " (the branch was rewritten); only the newest commit is built"
    )


def test_a_switch_to_a_branch_that_left_earlier_builds_its_head(followed: Followed) -> None:
    followed.upstream.commit("one")
    followed.upstream.git("branch", "stable/1")
    followed.upstream.commit("two")
    last = built_head(followed)
    followed.upstream.git("checkout", "--quiet", "stable/1")
    followed.upstream.commit("first fix")
    head = followed.upstream.commit("second fix")

    selection = choose(PACKAGE, followed.sources("stable/1"), last)

    assert hashes(selection) == [head]
    assert selection.commits[0].upstream_branch == "stable/1"
    assert "it was built from master" in selection.notes[0]


def test_a_branch_that_was_only_renamed_goes_on_where_it_was(followed: Followed) -> None:
    followed.upstream.commit("one")
    last = built_head(followed)
    followed.upstream.git("branch", "--move", "master", "unmaintained/1")

    assert choose(PACKAGE, followed.sources("unmaintained/1"), last) == CommitSelection()
    new = [followed.upstream.commit(name) for name in ("two", "three")]
    assert hashes(choose(PACKAGE, followed.sources("unmaintained/1"), last)) == new


def test_only_tagged_commits_of_a_package_that_builds_tags_only(followed: Followed) -> None:
    package = replace(PACKAGE, tags=frozenset({"build-tags-only"}))
    followed.upstream.commit("one")
    assert choose(package, followed.sources(), None).notes == ("python-foo: master has no tag yet",)

    first = followed.upstream.commit("two")
    followed.upstream.git("tag", "1.0")
    followed.upstream.commit("three")
    selection = choose(package, followed.sources(), None, initial=3)
    assert hashes(selection) == [first]

    last = selection.commits[0]
    assert choose(package, followed.sources(), last) == CommitSelection()
    second = followed.upstream.commit("four")
    followed.upstream.git("tag", "--annotate", "--message", "x", "2.0")
    followed.upstream.commit("five")
    assert hashes(choose(package, followed.sources(), last)) == [second]


def test_the_extended_hash_distinguishes_two_packages_with_the_same_hashes(
    followed: Followed,
) -> None:
    followed.upstream.commit("one")

    own = choose(PACKAGE, followed.sources(), None, owner=lambda u, d: "python-foo")
    other = choose(PACKAGE, followed.sources(), None, owner=lambda u, d: "python-bar")

    assert own.commits[0].extended_hash is None
    assert other.commits[0].extended_hash == package_suffix("python-foo")


def test_releases_follow_each_other_by_version_and_a_late_fix_of_an_old_one_is_not_built(
    followed: Followed,
) -> None:
    followed.upstream.commit("one")
    sources = followed.sources()
    when = sources.distgit.newest(1)[0].time
    ten, ten_fix, eleven, twelve = (GitCommit(c * 40, when, c) for c in "abcd")
    mirror = sources.upstreams[0].mirror

    def with_releases(*releases: GitCommit) -> Sources:
        return replace(sources, upstreams=(ReleaseHistory(mirror, ">=10", releases),))

    first = choose(PACKAGE, with_releases(ten, eleven), None, initial=2)
    assert hashes(first) == [ten.hash, eleven.hash]
    last = first.commits[-1]
    assert choose(PACKAGE, with_releases(ten, ten_fix, eleven), last) == CommitSelection()
    assert hashes(choose(PACKAGE, with_releases(ten, ten_fix, eleven, twelve), last)) == [
        twelve.hash
    ]
