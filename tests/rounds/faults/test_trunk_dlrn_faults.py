"""Faults that were observed in DLRN, named after their probes; rdo has none of them."""

from dataclasses import replace
from datetime import timedelta

from rdo.model.build import Built
from rdo.publish.upkeep.retention import Rules
from rdo.trunk.care import purge as purging
from rdo.trunk.care import verify
from rdo.trunk.views.report import Report
from tests.fakes.builder import make_rpms
from tests.rounds.factory import TARGET, Factory


def built(report: Report) -> list[str]:
    return sorted(one.build.package for one in report.built)


def test_2_stale_link_a_left_over_link_stops_nothing(factory: Factory) -> None:
    factory.add("a")
    factory.round()
    repos = factory.folder / "data" / TARGET / "repos"
    for name in (".current.new", "current_", ".consistent.new"):
        (repos / name).symlink_to("nowhere")
    head = factory.upstreams["a"].commit("two")

    assert factory.round().exit_code == 0

    current = factory.name("current")
    assert current is not None
    assert head in current.name


def test_3_old_date_commits_are_chosen_by_the_graph(factory: Factory) -> None:
    factory.add("a")
    factory.round()
    first = factory.upstreams["a"].commit("new", when=1_800_000_000)
    head = factory.upstreams["a"].commit("rebased", when=1_000_000_000)

    report = factory.round()

    assert [one.build.commit.upstream_hash for one in report.built] == [first, head]
    assert factory.round().is_idle
    current = factory.name("current")
    assert current is not None
    assert head in current.name


def test_4_outage_is_reported_and_no_mirror_is_lost(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    mirrors = sorted((factory.folder / "data/mirrors").glob("*.git"))
    (factory.folder / "git").rename(factory.folder / "away")

    report = factory.round()

    assert report.exit_code == 6
    assert not report.is_idle
    assert sorted(report.plan.problems) == ["python-a", "python-b"]
    assert sorted((factory.folder / "data/mirrors").glob("*.git")) == mirrors
    (factory.folder / "away").rename(factory.folder / "git")
    assert factory.round().is_idle


def test_5_purge_leaves_every_listed_repository_whole(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    for number in range(2):
        factory.upstreams["a"].commit(f"more {number}")
        factory.round()
        factory.clock.moment += timedelta(days=1)

    done = purging.purge(factory.trunk, Rules(timedelta(hours=36)), dry_run=False)

    assert done.purge.repositories
    assert verify.verify(factory.trunk).found == ()


def test_6_rename_builds_the_package_under_its_new_name_at_once(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round()
    factory.packages[0] = replace(factory.packages[0], name="python-renamed")

    report = factory.round()

    assert built(report) == ["python-renamed"]
    assert factory.name("consistent") == factory.name("current")
    current = factory.name("current")
    assert current is not None
    rows = (current / "versions.csv").read_text()
    assert "python-renamed," in rows
    assert "python-a," not in rows


def test_7_shared_sources_give_two_packages_two_directories(factory: Factory) -> None:
    factory.add("a", "b")
    [one] = [package for package in factory.packages if package.name == "python-a"]
    factory.change("b", upstreams=one.upstreams, distgit=one.distgit)

    report = factory.round()

    assert built(report) == ["python-a", "python-b"]
    assert verify.verify(factory.trunk).is_clean
    with factory.store.read() as at:
        paths = {repository.path for repository in at.repositories.in_tree(TARGET)}
    assert len(paths) == 2


def test_8_race_every_build_has_the_source_of_its_own_commit(factory: Factory) -> None:
    factory.add("a", "b")
    heads = [factory.upstreams["a"].commit(str(number)) for number in range(4)]
    factory.workers = 4

    report = factory.round(initial=4)

    jobs = [job for job in factory.builder.jobs if job.commit.package == "python-a"]
    assert [job.commit.upstream_hash for job in jobs] == heads
    assert len({job.folder for job in jobs}) == 4
    assert all(job.release.short_hash == job.commit.short_hash for job in jobs)
    assert report.exit_code == 0


def test_9_order_an_unparsable_spec_fails_only_itself(factory: Factory) -> None:
    factory.add("a", spec="%if 1\nName: %{\nBuildRequires: %(exit 3)\n%endif %endif\n\x00")
    factory.add("b", spec="BuildRequires: python3-c\n")
    factory.add("c")

    report = factory.round()

    assert built(report) == ["python-a", "python-b", "python-c"]  # the fake builds all
    assert factory.builder.order.index("python-c") < factory.builder.order.index("python-b")


def test_10_importing_what_was_built_elsewhere_moves_consistent(factory: Factory) -> None:
    factory.add("a")
    factory.round()
    factory.upstreams["a"].commit("two")
    plan = factory.round(dry_run=True).plan
    factory.trunk.remotes.poll(factory.packages)
    with factory.store.write() as at:
        build = at.builds.plan(TARGET, plan.commits[0], now=factory.clock())
    job = factory.builder.jobs[0]
    folder = factory.trunk.build_folder(build)
    folder.mkdir(parents=True)
    release = factory.trunk.release_number(build.commit, build.release_date)
    rpms = make_rpms(replace(job, commit=build.commit, release=release, folder=folder))
    with factory.store.write() as at:
        build = at.builds.settle(build.id, Built(rpms), now=factory.clock())

    published = factory.trunk.tree.publish(build, folder, factory.trunk.members)

    assert set(published.moved) == {"current", "consistent"}
