"""A package with two upstreams: the commits of both are built, each from where it is."""

import shutil
from pathlib import Path

import pytest

from rdo.errors import NotFoundError
from rdo.model.audiences import Audiences
from rdo.notify.story import Audience
from rdo.trunk.care import verify
from rdo.trunk.scratch import ScratchRequest, choose_sides
from rdo.trunk.sources.unmerged import Side
from rdo.trunk.telling.stories import build_story
from rdo.trunk.views.report import Report
from rdo.trunk.views.state import PackageState
from rdo.trunk.views.why import Known, explain
from tests.conftest import GitRepository
from tests.fakes.builder import BROKEN, SPURIOUS
from tests.rounds.factory import TARGET, Factory


@pytest.fixture
def second(factory: Factory) -> GitRepository:
    """The second upstream of python-a, of which nothing was built yet."""
    factory.add("a", "b")
    made = GitRepository(factory.folder / "git/a-plugin")
    made.commit("plugin one")
    factory.change("a", upstreams=(factory.upstreams["a"].url, made.url))
    return made


def built(report: Report) -> list[tuple[str, str]]:
    """The upstream hash and distgit hash of each build of python-a, in the planned order."""
    commits = {one.build.id: one.build.commit for one in report.built}
    own = [commits[id_] for id_ in sorted(commits) if commits[id_].package == "python-a"]
    return [(one.upstream_hash, one.distgit_hash) for one in own]


def hashes(report: Report) -> list[str]:
    return [upstream for upstream, _ in built(report)]


def test_each_is_built_from_its_own_repository(factory: Factory, second: GitRepository) -> None:
    report = factory.round()

    mirrors = factory.trunk.remotes.mirrors
    jobs = {job.commit.upstream_hash: job.upstream for job in factory.builder.jobs}
    first = factory.upstreams["a"]
    assert jobs[first.git("rev-parse", "HEAD")] == mirrors.path(first.url)
    assert jobs[second.git("rev-parse", "HEAD")] == mirrors.path(second.url)
    current = factory.name("current")
    assert current is not None
    lines = (current / "versions.csv").read_text().splitlines()
    (row,) = (line for line in lines if line.startswith("python-a,"))
    assert row.split(",")[1:3] == [second.url, second.git("rev-parse", "HEAD")]
    assert report.exit_code == 0


def test_one_that_is_away_stops_neither_the_other_nor_other_packages(
    factory: Factory, second: GitRepository
) -> None:
    away = second.path.rename(second.path.with_name("away"))
    first = factory.upstreams["a"].git("rev-parse", "HEAD")

    report = factory.round()

    assert hashes(report) == [first]
    assert len(report.built) == 2
    (problem,) = report.plan.problems["python-a"]
    assert "a-plugin cannot be reached" in problem
    assert report.exit_code == 6
    away.rename(second.path)
    assert hashes(factory.round()) == [second.git("rev-parse", "HEAD")]
    second.path.rename(away)
    head = factory.upstreams["a"].commit("two")
    assert hashes(factory.round()) == [head]
    why = explain(Known.of(factory.trunk), "python-a")
    assert why.view.state is PackageState.UNREACHABLE
    assert "a-plugin cannot be reached" in why.view.sentence
    assert why.notes[0] == f"{head[:7]} comes from {factory.upstreams['a'].url}"


def test_what_is_queued_is_looked_for_where_it_was_taken_from(
    factory: Factory, second: GitRepository
) -> None:
    factory.builder.will("python-a", SPURIOUS)
    factory.round()

    assert [build.package for build in factory.queue()] == ["python-a", "python-a"]
    assert verify.verify(factory.trunk).is_clean
    shutil.rmtree(factory.trunk.remotes.mirrors.path(second.url))
    factory.trunk.remotes.mirrors.poll([factory.upstreams["b"].url])
    second.commit("what a new mirror has instead")
    second.git("checkout", "--quiet", "--orphan", "fresh")
    second.commit("no relation")
    second.git("branch", "--move", "--force", "master")
    factory.trunk.remotes.mirrors.poll([second.url])
    (lost,) = verify.verify(factory.trunk).left
    assert lost.kind == "commit"


def test_a_try_takes_its_source_from_whichever_has_it(
    factory: Factory, second: GitRepository, tmp_path: Path
) -> None:
    trunk = factory.trunk

    def tried(source: str | None) -> Side:
        folder = tmp_path / f"scratch-{source}"
        folder.mkdir()
        return choose_sides(trunk, ScratchRequest("python-a", source=source), folder).upstream

    last, first = second, factory.upstreams["a"]
    assert tried(None).commit.hash == last.git("rev-parse", "HEAD")
    first.git("branch", "only-here")
    change = tried("only-here")
    assert change.commit.hash == first.git("rev-parse", "HEAD")
    assert change.origin.endswith(f" of {first.url}")
    factory.round()
    first.commit("newest")
    factory.round()
    assert tried("master").commit.hash == first.git("rev-parse", "HEAD")
    with pytest.raises(NotFoundError, match=r"git/a has no nosuch; .*/a-plugin has no nosuch"):
        tried("nosuch")


def test_a_break_names_the_commits_of_the_upstream_that_broke(
    factory: Factory, second: GitRepository
) -> None:
    factory.audiences = Audiences(operator=("operator@example.test",))
    factory.round()
    factory.upstreams["a"].commit("good here")
    factory.round()
    factory.builder.will("python-a", BROKEN)
    second.commit("skipped there")
    second.commit("bad there")
    factory.round(head_only=True)

    with factory.store.read() as at:
        event = at.events.newest_of(TARGET, "python-a")
    assert event is not None
    story = build_story(factory.trunk, event, Audience.MAINTAINERS)

    assert story.commit == second.git("rev-parse", "HEAD")
    assert [change.subject for change in story.upstream.newest] == ["bad there", "skipped there"]


def test_the_store_names_no_password(factory: Factory, second: GitRepository) -> None:
    secret = second.url.replace("file://", "file://me:secret@localhost")
    factory.change("a", upstreams=(factory.upstreams["a"].url, secret))
    factory.round()

    with factory.store.read() as at:
        commits = [build.commit for build in at.builds.history(TARGET, "python-a")]

    assert {commit.upstream for commit in commits} == {
        factory.upstreams["a"].url,
        second.url.replace("file://", "file://localhost"),
    }
    current = factory.name("current")
    assert current is not None
    assert "secret" not in (current / "versions.csv").read_text()
