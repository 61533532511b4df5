"""Up to where each upstream of a package has been planned."""

from dataclasses import replace
from pathlib import Path

import pytest

from rdo.tools.git.mirror import GitCommit, Mirror
from rdo.trunk.sources.history import ReleaseHistory
from rdo.trunk.sources.upstreams import Planned
from tests.unit.trunk.past import TARGET, Past
from tests.unit.trunk.samples import NOW, package

U, V, OLD = "https://git.test/u", "https://git.test/v", "https://git.test/old"


def line(url: str, hashes: str) -> ReleaseHistory:
    commits = tuple(GitCommit(x.ljust(40, "0"), NOW, "") for x in hashes)
    return ReleaseHistory(Mirror(Path("nowhere")), "master", commits, url=url)


def read(past: Past, *planned: tuple[str, str], histories: dict[str, str]) -> Planned:
    """What is known after commits (hash, upstream) were planned in this order."""
    one = package("python-a", upstreams=tuple(histories))
    with past.store.write() as at:
        for hash_, url in planned:
            at.commits.add(TARGET, replace(past.commit("a", hash_), upstream=url))
        return Planned.read(
            at, TARGET, one, [line(url, hashes) for url, hashes in histories.items()]
        )


def shown(found: Planned) -> dict[str, str]:
    return {url[-1]: commit.upstream_hash[0] for url, commit in found.of_each.items()}


def test_a_new_package_has_no_past(past: Past) -> None:
    assert read(past, histories={U: "abc"}) == Planned()


@pytest.mark.parametrize("url", [U, OLD, ""])
def test_one_upstream_goes_on_whatever_its_url_was(past: Past, url: str) -> None:
    found = read(past, ("a", url), ("b", url), histories={U: "abc"})

    assert shown(found) == {"u": "b"}
    assert found.newest is not None
    assert found.newest.upstream_hash[0] == "b"


@pytest.mark.parametrize(
    ("planned", "histories", "expected", "newest"),
    [
        pytest.param(
            [("a", U), ("f", V)],
            {U: "abc", V: "efg"},
            {"u": "a", "v": "f"},
            "f",
            id="each by its own commits",
        ),
        pytest.param([("a", U)], {U: "abc", V: "efg"}, {"u": "a"}, "a", id="one is new"),
        pytest.param(
            [("b", OLD)],
            {U: "abc", V: "efg"},
            {"u": "b"},
            "b",
            id="one has moved: it goes on where its commits are in the history",
        ),
        pytest.param(
            [("b", OLD)],
            {V: "efg", U: "abc"},
            {"u": "b"},
            "b",
            id="it is found by its commits and not by its place",
        ),
        pytest.param(
            [("b", OLD)],
            {U: "abc", V: "ab"},
            {"u": "b"},
            "b",
            id="what has moved is one upstream and not two",
        ),
        pytest.param(
            [("z", OLD)],
            {U: "abc", V: "efg"},
            {},
            "z",
            id="its commits are in none: all are new",
        ),
        pytest.param(
            [("g", U), ("a", U)],
            {U: "ag", V: "efg"},
            {"u": "a", "v": "g"},
            "a",
            id="a head that was planned as another's is planned",
        ),
        pytest.param(
            [("a", U), ("z", OLD)],
            {U: "abc", V: "efg"},
            {"u": "a"},
            "a",
            id="the newest is of what is followed now",
        ),
    ],
)
def test_several_upstreams(
    past: Past,
    planned: list[tuple[str, str]],
    histories: dict[str, str],
    expected: dict[str, str],
    newest: str,
) -> None:
    found = read(past, *planned, histories=histories)

    assert shown(found) == expected
    assert found.newest is not None
    assert found.newest.upstream_hash[0] == newest
