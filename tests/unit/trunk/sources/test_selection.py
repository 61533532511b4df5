"""Which commits are chosen, from the last one that was planned to the head.

The histories are releases, whose order needs no git; how git's own are read is tested with git.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from rdo.model.commit import Commit, package_suffix
from rdo.tools.git.mirror import GitCommit, Mirror
from rdo.trunk.sources.history import ReleaseHistory
from rdo.trunk.sources.selection import CommitSelection, Sources, select
from rdo.trunk.sources.upstreams import Planned
from tests.unit.trunk.samples import NOW, package

MIRROR = Mirror(Path("nowhere"))
PACKAGE = package("python-a", upstream="u")


def line(hashes: str, *, url: str = "u", branch: str = "master") -> ReleaseHistory:
    """A history of commits, oldest first, each named by a letter."""
    commits = tuple(GitCommit(letter, NOW, f"subject of {letter}") for letter in hashes)
    return ReleaseHistory(MIRROR, branch, commits, url=url)


def commit(hash_: str, distgit: str = "X", **values: object) -> Commit:
    plain = Commit("python-a", hash_, distgit, NOW, NOW, "master", upstream="u")
    return replace(plain, **values)  # type: ignore[arg-type]  # by the test


def planned(hash_: str, distgit: str = "X", **values: object) -> Planned:
    last = commit(hash_, distgit, **values)
    return Planned(last, {"u": last})


def hashes(found: CommitSelection) -> str:
    return "".join(one.upstream_hash for one in found.commits)


@pytest.mark.parametrize(
    ("history", "last", "how", "chosen"),
    [
        pytest.param("abc", None, {}, "c", id="new: the head"),
        pytest.param("abc", None, {"initial": 2}, "bc", id="new: as many as are wanted"),
        pytest.param("abc", None, {"initial": 9}, "abc", id="new: as many as there are"),
        pytest.param("abc", "c", {}, "", id="at the head: nothing"),
        pytest.param("abc", "a", {}, "bc", id="all since the last one"),
        pytest.param("abc", "a", {"head_only": True}, "c", id="the head alone"),
        pytest.param("abc", "a", {"initial": 1}, "bc", id="the first time's number is no limit"),
        pytest.param("abc", "z", {}, "c", id="rewritten: the head"),
    ],
)
def test_the_commits_of_an_upstream(
    history: str, last: str | None, how: dict[str, int], chosen: str
) -> None:
    sources = Sources((line(history),), line("X"))

    found = select(PACKAGE, sources, planned(last) if last else Planned(), **how)  # type: ignore[arg-type]  # by the table

    assert hashes(found) == chosen
    assert {one.distgit_hash for one in found.commits} <= {"X"}


@pytest.mark.parametrize(
    ("history", "last", "chosen"),
    [
        pytest.param("abc", "c", ["cY"], id="the last commit with the new spec"),
        pytest.param("abc", "b", ["cY"], id="new commits have it anyway"),
    ],
)
def test_a_new_spec(history: str, last: str, chosen: list[str]) -> None:
    found = select(PACKAGE, Sources((line(history),), line("XY")), planned(last))

    assert [one.upstream_hash + one.distgit_hash for one in found.commits] == chosen


def test_a_new_spec_takes_the_component_of_today_and_loses_an_old_extended_hash() -> None:
    last = planned("a", extended_hash="e" * 40, component="network")
    moved = replace(PACKAGE, component="compute")

    [found] = select(moved, Sources((line("a"),), line("XY")), last).commits

    assert (found.component, found.extended_hash, found.distgit_hash) == ("compute", None, "Y")


@pytest.mark.parametrize(
    ("last", "branch", "why"),
    [
        pytest.param(commit("z"), "master", "the branch was rewritten", id="rewritten"),
        pytest.param(
            commit("z", upstream_branch="stable/1"),
            "master",
            "it was built from stable/1",
            id="another branch",
        ),
        pytest.param(
            commit("z", upstream="https://old"),
            "master",
            "it was built from https://old",
            id="another remote",
        ),
        pytest.param(
            commit("z", upstream=""),
            "master",
            "the branch was rewritten",
            id="a remote that nobody noted",
        ),
    ],
)
def test_a_history_that_does_not_go_on_is_said_with_its_reason(
    last: Commit, branch: str, why: str
) -> None:
    sources = Sources((line("ab", branch=branch),), line("X"))

    found = select(PACKAGE, sources, Planned(last, {"u": last}))

    [note] = found.notes
    assert note.startswith("python-a: ")
    assert why in note


def test_a_branch_without_a_tag_yet_is_said() -> None:
    tagged = replace(PACKAGE, tags=frozenset({"build-tags-only"}))

    found = select(tagged, Sources((line(""),), line("X")), Planned())

    assert found.commits == ()
    assert len(found.notes) == 1


TWO = replace(PACKAGE, upstreams=("u", "v"))


def test_each_upstream_goes_on_where_it_was() -> None:
    sources = Sources((line("abc"), line("def", url="v")), line("X"))
    lasts = Planned(commit("e"), {"u": commit("b"), "v": commit("e", upstream="v")})

    found = select(TWO, sources, lasts)

    assert [(one.upstream_hash, one.upstream) for one in found.commits] == [("c", "u"), ("f", "v")]
    assert all(map(found.is_head, found.commits))


def test_an_upstream_that_is_new_is_planned_beside_one_that_is_at_its_head() -> None:
    sources = Sources((line("abc"), line("def", url="v")), line("X"))

    assert hashes(select(TWO, sources, Planned(commit("c"), {"u": commit("c")}))) == "f"


def test_what_forks_have_in_common_is_built_once_as_the_first_ones() -> None:
    sources = Sources((line("ab"), line("abf", url="v")), line("X"))

    found = select(TWO, sources, Planned(), initial=9)

    assert [(one.upstream_hash, one.upstream) for one in found.commits] == [
        *(("a", "u"), ("b", "u"), ("f", "v"))
    ]


def test_a_note_names_the_upstream_where_there_are_several() -> None:
    sources = Sources((line("ab"), line("de", url="v")), line("X"))
    lasts = Planned(commit("b"), {"u": commit("b"), "v": commit("z", upstream="v")})

    [note] = select(TWO, sources, lasts).notes

    assert "master of v" in note


@pytest.mark.parametrize(
    ("owner", "extended"),
    [
        pytest.param(None, None, id="nobody has them"),
        pytest.param("python-a", None, id="it has them itself"),
        pytest.param("python-b", package_suffix("python-a"), id="another package has them"),
    ],
)
def test_the_extended_hash_distinguishes_two_packages_with_the_same_hashes(
    owner: str | None, extended: str | None
) -> None:
    [found] = select(
        PACKAGE, Sources((line("a"),), line("X")), Planned(), owner=lambda *_: owner
    ).commits

    assert found.extended_hash == extended
    assert found.extended_time == (NOW if extended else None)


def test_only_the_last_commit_of_an_upstream_is_its_head() -> None:
    found = CommitSelection((commit("a"), commit("b"), commit("c", upstream="v")))

    assert [found.is_head(one) for one in found.commits] == [False, True, True]
    assert not found.is_head(commit("z", upstream="w"))


@pytest.mark.parametrize(
    ("yanked", "last", "chosen"),
    [
        pytest.param("c", "a", "b", id="a yanked release is not chosen"),
        pytest.param("b", "b", "c", id="its place in the order stays"),
        pytest.param("c", None, "b", id="nor as the head"),
    ],
)
def test_releases_that_were_yanked(yanked: str, last: str | None, chosen: str) -> None:
    history = replace(line("abc"), yanked=frozenset(yanked))

    found = select(PACKAGE, Sources((history,), line("X")), planned(last) if last else Planned())

    assert hashes(found) == chosen
