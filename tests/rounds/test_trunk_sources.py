"""Servers of sources that are absent, slow or wrong, and packages that move."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.trunk.views.report import Report
from tests.conftest import GitRepository
from tests.fakes.git_server import GitServer, git_server
from tests.rounds.factory import Factory


@pytest.fixture
def server(factory: Factory) -> Iterator[GitServer]:
    """A server with python-a and python-b; the distgits are local."""
    factory.add("a", "b")
    with git_server(factory.folder / "git") as served:
        served.publish()
        for name in ("a", "b"):
            factory.change(name, upstreams=(f"{served.url}/{name}/.git",))
        yield served


def built(report: Report) -> list[str]:
    return sorted(one.build.package for one in report.built)


def test_a_server_is_followed_over_http(factory: Factory, server: GitServer) -> None:
    assert built(factory.round()) == ["python-a", "python-b"]
    factory.upstreams["a"].commit("two")
    server.publish()

    assert built(factory.round()) == ["python-a"]


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_server_that_is_away_leaves_what_there_was(
    factory: Factory, server: GitServer, status: int
) -> None:
    factory.round()
    before = factory.name("current")
    server.status = status

    report = factory.round()

    assert sorted(report.plan.problems) == ["python-a", "python-b"]
    assert report.exit_code == 6
    assert factory.name("current") == before
    server.status = 200
    assert factory.round().is_idle


def test_a_slow_server_is_asked_for_all_at_the_same_time(
    factory: Factory, server: GitServer
) -> None:
    factory.round()
    server.delay = 0.5

    report = factory.round()

    assert report.is_idle
    assert report.seconds < 60


@pytest.mark.parametrize(
    "lie",
    [
        b"1234567812345678123456781234567812345678\trefs/heads/master\n",
        b"not-a-hash\trefs/heads/master\n",
        b"\x00\xff nonsense",
        b"",
    ],
)
def test_a_server_that_lies_harms_only_its_own_package(
    factory: Factory, server: GitServer, lie: bytes
) -> None:
    server.lies["/a/.git/info/refs"] = lie

    report = factory.round()

    assert built(report) == ["python-b"]
    assert list(report.plan.problems) == ["python-a"]
    assert report.exit_code == 6
    server.lies.clear()
    assert built(factory.round()) == ["python-a"]


def test_a_branch_that_is_lost_is_said_and_comes_back(factory: Factory, server: GitServer) -> None:
    factory.round()
    factory.upstreams["a"].git("branch", "--move", "master", "other")
    server.publish()

    report = factory.round()

    assert "has no master" in report.plan.problems["python-a"][0]
    assert report.exit_code == 6
    factory.upstreams["a"].git("branch", "--move", "other", "master")
    server.publish()
    assert factory.round().is_idle


def test_a_rewritten_history_is_said_and_its_head_built(factory: Factory) -> None:
    factory.add("a")
    factory.upstreams["a"].commit("two")
    factory.round()
    factory.upstreams["a"].git("reset", "--hard", "HEAD~1")
    head = factory.upstreams["a"].commit("another two")

    report = factory.round()

    assert [one.build.commit.upstream_hash for one in report.built] == [head]
    assert any("the branch was rewritten" in note for note in report.plan.notes)
    assert factory.name("consistent") == factory.name("current")


def test_a_package_whose_upstream_moves_elsewhere_goes_on_where_it_was(
    factory: Factory, tmp_path: Path
) -> None:
    factory.add("a")
    factory.round()
    place = factory.folder / "git/moved"
    factory.upstreams["a"].path.rename(place)
    moved = GitRepository(place)
    factory.change("a", upstreams=(moved.url,))
    assert factory.round().is_idle
    head = moved.commit("two")

    report = factory.round()

    assert [one.build.commit.upstream_hash for one in report.built] == [head]
    assert report.plan.notes == ()


def test_a_package_that_leaves_and_comes_back_is_not_built_for_that(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    [gone] = [package for package in factory.packages if package.name == "python-b"]
    factory.packages.remove(gone)
    assert factory.round().exit_code == 0
    current = factory.name("consistent")
    assert current is not None
    assert "python-b" not in (current / "versions.csv").read_text()
    factory.packages.append(gone)

    assert factory.round().built == ()
    back = factory.name("consistent")
    assert back is not None
    assert "python-b" in (back / "versions.csv").read_text()
