"""Verifying, mending and cleaning a target after rounds with real git and real RPMs."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from rdo.bridge.lock_file import LockFile
from rdo.errors import NotFoundError, RefusedError
from rdo.publish.upkeep.retention import Rules, plan_purge
from rdo.store.given.repositories import Repository
from rdo.tools.git.mirror import Mirror
from rdo.trunk.care import purge as purging
from rdo.trunk.care import steering, verify
from rdo.trunk.care.verify import BEGUN
from rdo.trunk.views.status import log_file
from tests.conftest import GitRepository
from tests.fakes.builder import BROKEN
from tests.rounds.factory import TARGET, Factory

ALL = timedelta(0)


@pytest.fixture
def used(factory: Factory) -> Factory:
    """A factory with two packages after two rounds."""
    factory.add("a", "b")
    factory.round()
    factory.upstreams["a"].commit("two")
    factory.round()
    return factory


def repos(factory: Factory) -> Path:
    return factory.folder / "data" / TARGET / "repos"


def current(factory: Factory) -> Path:
    found = factory.name("current")
    assert found is not None
    return found


def kinds(factory: Factory) -> set[str]:
    return {found.kind for found in verify.verify(factory.trunk).found}


def test_what_rounds_leave_is_clean(used: Factory) -> None:
    used.builder.will("python-b", BROKEN)
    used.upstreams["b"].commit("broken")
    used.round()

    assert verify.verify(used.trunk).found == ()


def lose_a_link(factory: Factory) -> None:
    (repos(factory) / "current").unlink()


def turn_a_link(factory: Factory) -> None:
    link = repos(factory) / "consistent"
    link.unlink()
    link.symlink_to("composed")


def good_rpms(factory: Factory, package: str) -> list[str]:
    """The SHA-256 of each RPM of a package's newest good build."""
    with factory.store.read() as at:
        stored = at.artifacts.good(TARGET)
    return [one.artifact.sha256 for one in stored if one.package == package]


def lose_an_rpm_of_the_pool(factory: Factory) -> None:
    shutil.rmtree(repos(factory) / "pool" / good_rpms(factory, "python-a")[0])


def lose_an_rpm_that_was_replaced(factory: Factory) -> None:
    """The newest `b` is another one, but the repositories of `a` offer the one before."""
    replaced = good_rpms(factory, "python-b")[0]
    factory.upstreams["b"].commit("two")
    factory.round()
    shutil.rmtree(repos(factory) / "pool" / replaced)


def damage_repodata(factory: Factory) -> None:
    next(current(factory).glob("repodata/*primary*")).write_bytes(b"nonsense")


def lose_a_repository(factory: Factory) -> None:
    shutil.rmtree(current(factory))


def lose_an_old_repository(factory: Factory) -> None:
    old = [path for path in repos(factory).glob("??/??/*") if path != current(factory)]
    shutil.rmtree(old[0])


def put_a_stranger(factory: Factory) -> None:
    (repos(factory) / "ab/cd/nobody-knows-this").mkdir(parents=True)


def leave_half_a_publication(factory: Factory) -> None:
    (repos(factory) / ".publishing/99").mkdir(parents=True)


def mirror_of_a(factory: Factory) -> Path:
    return factory.trunk.remotes.mirrors.path(factory.upstreams["a"].url)


def lose_objects_of_a_mirror(factory: Factory) -> None:
    for file in mirror_of_a(factory).glob("objects/**/*"):
        if file.is_file() and file.suffix not in {".idx", ".rev"}:
            file.chmod(0o644)
            file.unlink()


def forget_what_a_mirror_saw(factory: Factory) -> None:
    (mirror_of_a(factory) / "rdo-refs.json").write_text(json.dumps({"refs/heads/master": "0" * 40}))


def call_a_build_running(factory: Factory) -> None:
    factory.upstreams["b"].commit("three")
    trunk = factory.trunk
    with factory.store.write() as at:
        last = at.builds.newest(TARGET, "python-b")
        assert last
        planned = at.builds.plan(TARGET, last.commit, now=trunk.now())
        at.builds.start(planned.id, now=trunk.now())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (lose_a_link, "name"),
        (turn_a_link, "name"),
        (lose_an_rpm_of_the_pool, "rpm"),
        (lose_an_rpm_that_was_replaced, "repository"),
        (damage_repodata, "repository"),
        (lose_a_repository, "repository"),
        (lose_an_old_repository, "repository"),
        (put_a_stranger, "stranger"),
        (leave_half_a_publication, "leftover"),
        (lose_objects_of_a_mirror, "mirror"),
        (forget_what_a_mirror_saw, "mirror"),
        (call_a_build_running, "interrupted"),
    ],
)
def test_damage_is_found_and_repaired(
    used: Factory, harm: Callable[[Factory], None], kind: str
) -> None:
    used.name("consistent")
    harm(used)

    assert kind in kinds(used)
    repaired = verify.repair(used.trunk)

    assert repaired.failures == ()
    assert repaired.is_clean, repaired.left
    used.round()
    assert verify.verify(used.trunk).is_clean
    assert used.name("current") == used.name("consistent")


def test_a_pool_that_is_gone_altogether_is_built_again(used: Factory) -> None:
    for rpm in [*repos(used).glob("**/*.rpm"), *(used.folder / "data").glob("*/builds/*/*.rpm")]:
        os.unlink(rpm) if rpm.exists() else None  # noqa: PTH108 - rglob meets links too

    verify.repair(used.trunk)

    assert {build.package for build in used.queue()} == {"python-a", "python-b"}
    used.round()
    assert used.name("current") == used.name("consistent")
    verify.repair(used.trunk)
    assert verify.verify(used.trunk).is_clean


def purge(factory: Factory, keep: timedelta = ALL, *, dry_run: bool = False) -> purging.Purged:
    return purging.purge(factory.trunk, Rules(keep), dry_run=dry_run)


def test_a_purge_keeps_what_names_and_packages_need(used: Factory) -> None:
    for number in range(3):
        used.upstreams["a"].commit(f"more {number}")
        used.round()
    used.clock.moment += timedelta(hours=2)  # what a name has just left stays
    before = sorted(repos(used).glob("??/??/*"))
    rehearsed = purge(used, dry_run=True)
    assert sorted(repos(used).glob("??/??/*")) == before

    done = purge(used)

    assert rehearsed.purge == done.purge
    assert len(done.purge.repositories) == 4
    assert len(done.purge.rpms) in {6, 8}  # the repository of b may refer to the first a
    assert done.purge.freed > 0
    left = {path.name for path in repos(used).glob("??/??/*")}
    assert current(used).name in left
    assert verify.verify(used.trunk).is_clean
    assert purge(used).purge.is_empty
    used.upstreams["b"].commit("two")
    assert used.round().exit_code == 0
    assert verify.verify(used.trunk).is_clean


def test_a_purge_keeps_what_is_young_and_what_a_name_has_just_left(used: Factory) -> None:
    assert purge(used, timedelta(days=1)).purge.is_empty
    used.clock.moment += timedelta(hours=2)
    before = current(used)
    used.upstreams["a"].commit("three")
    used.round()

    [gone] = purge(used).purge.repositories

    assert not (repos(used) / gone).exists()
    assert before.is_dir()
    assert len(list(repos(used).glob("??/??/*"))) == 3  # current, the one before, that of b


def test_a_purge_takes_old_logs_and_builds(used: Factory) -> None:
    used.builder.will("python-b", BROKEN)
    for number in range(2):
        used.upstreams["b"].commit(f"broken {number}")
        used.round()
    used.clock.moment += timedelta(days=2)

    done = purge(used, timedelta(days=1)).purge

    assert len(done.logs) == 0  # the first failure and the newest say where the package stands
    assert [int(path.rpartition("/")[2]) for path in done.builds] == [1]
    with used.store.read() as at:
        first = at.builds.get(1)
    with pytest.raises(NotFoundError, match="has no log: its folder was removed"):
        log_file(used.trunk.folder, first)
    assert purge(used, timedelta(days=1)).purge.is_empty
    assert verify.verify(used.trunk).is_clean


def test_a_purge_by_size_shortens_the_time(used: Factory) -> None:
    for number in range(3):
        used.upstreams["a"].commit(f"more {number}")
        used.round()
    used.clock.moment += timedelta(days=10)
    rules = Rules(timedelta(days=60), max_bytes=1)

    done = purging.purge(used.trunk, rules, dry_run=False).purge

    assert done.keep < timedelta(days=10)
    assert len(done.repositories) == 4


def test_a_purge_takes_snapshots_of_last_resort_that_nothing_names(used: Factory) -> None:
    target = used.trunk.folder
    old, now, in_recipe = (f"{number:016x}" for number in range(3))
    for name in (old, now, in_recipe):
        (target / "bootstrap-deps" / name).mkdir(parents=True)
        os.utime(target / "bootstrap-deps" / name, (0, 0))
    LockFile((), now).write(target / "last-resort.json")
    with used.store.read() as at:
        state = at.packages.state(TARGET, "python-a")
    assert state.good is not None
    recipe = used.trunk.build_folder(state.good) / "recipe.json"
    recipe.write_text(json.dumps({"last_resort": [f"{target}/bootstrap-deps/{in_recipe}"]}))

    done = purge(used).purge

    assert done.snapshots == (f"../bootstrap-deps/{old}",)
    assert {path.name for path in (target / "bootstrap-deps").iterdir()} == {now, in_recipe}


@pytest.mark.parametrize("is_all", [False, True])
def test_mirrors_are_purged_only_with_all_targets(used: Factory, is_all: bool) -> None:
    left = used.packages.pop()  # another target may still follow it
    now, rules = used.clock.moment + timedelta(days=400), Rules(ALL)

    done = purging.purge_targets([used.trunk], rules, now, is_all=is_all, dry_run=False)

    mirrors = [used.trunk.remotes.mirrors.path(url) for url in left.remotes]
    assert [path.exists() for path in mirrors] == [not is_all] * 2
    assert len(done.mirrors.paths) == (2 if is_all else 0)
    assert [one.target for one in done.targets] == [TARGET]


def test_a_purge_of_what_is_clean_is_empty(used: Factory) -> None:
    now, rules = used.clock.moment, Rules(timedelta(days=400))

    done = purging.purge_targets([used.trunk], rules, now, is_all=True, dry_run=True)

    assert done.is_empty
    assert list(purging.as_row(done)) == ["targets", "mirrors"]
    purge(used)
    used.packages.pop()
    later = now + timedelta(days=400)
    found = purging.purge_targets([used.trunk], Rules(ALL), later, is_all=True, dry_run=True)
    assert found.targets[0].purge.is_empty
    assert not found.is_empty  # there are mirrors


def test_mirrors_that_no_target_follows_are_removed(used: Factory) -> None:
    used.packages.pop()
    used.change("a", source_git=GitRepository(used.folder / "git/more").url)
    remotes = used.trunk.remotes
    remotes.mirrors.poll([used.packages[0].source_git])
    kept, unused = "pypi:Kept.Project", "pypi:unused"
    for url in (kept, unused):
        Mirror.create(remotes.releases.path(url))
    used.change("a", upstreams=(*used.packages[0].upstreams, kept))
    now = used.clock.moment + timedelta(days=400)

    rehearsed = purging.purge_mirrors(remotes, [used.trunk], ALL, now, dry_run=True)
    done = purging.purge_mirrors(remotes, [used.trunk], ALL, now, dry_run=False)

    assert rehearsed == done
    names = [path.name.partition("-")[0] for path in done.paths]
    assert names == ["b", "b", "unused.git"]
    assert not any(path.exists() for path in done.paths)
    used.change("a", upstreams=used.packages[0].upstreams[:1], source_git="")
    assert used.round().exit_code == 0


def onto_a_composed_repository(factory: Factory) -> Path:
    """Hold `python-a` at its first build and release it, so that the names leave hash ones."""
    steering.hold(factory.trunk, "python-a", 1, by="me", why="a test")
    steering.release(factory.trunk, "python-a", by="me")
    composed = current(factory)
    assert "composed" in composed.parts
    return composed


def damage_an_rpm(factory: Factory, package: str) -> str:
    """Write into the one inode that the pool, hash repositories and build folder share."""
    sha256 = good_rpms(factory, package)[0]
    [rpm] = (repos(factory) / "pool" / sha256).iterdir()
    with rpm.open("ab") as file:
        file.write(b"x")
    return sha256


def test_a_repair_leaves_what_names_lead_to(used: Factory) -> None:
    """Without another copy of an RPM a repository composed anew has the same path."""
    composed = onto_a_composed_repository(used)
    damage_an_rpm(used, "python-a")

    done = verify.repair(used.trunk)
    again = verify.repair(used.trunk)

    for name in ("current", "consistent"):
        assert used.name(name) == composed
        assert (repos(used) / name / "repodata/repomd.xml").is_file()
    assert [build.package for build in used.queue()] == ["python-a"]  # once, whatever is repaired
    [queued] = used.queue()
    assert f"python-a is queued as build {queued.id}" in done.begun[0]
    assert done.begun == again.begun
    assert (done.exit_code, again.exit_code) == (BEGUN, BEGUN)
    assert used.round().exit_code == 0
    assert used.name("current") != composed
    assert verify.repair(used.trunk).exit_code == 0
    assert verify.verify(used.trunk).is_clean


def test_content_that_is_damaged_at_the_same_length_is_built_again(used: Factory) -> None:
    sha256 = good_rpms(used, "python-a")[0]
    [rpm] = (repos(used) / "pool" / sha256).iterdir()
    with rpm.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")

    assert verify.repair(used.trunk).exit_code == BEGUN

    assert [build.package for build in used.queue()] == ["python-a"]


def test_a_name_that_leads_to_nothing_is_reported_first(used: Factory) -> None:
    put_a_stranger(used)
    call_a_build_running(used)
    shutil.rmtree(onto_a_composed_repository(used) / "repodata")

    found = verify.verify(used.trunk).found

    assert [one.kind for one in found[:2]] == ["name", "name"]
    assert {one.place for one in found[:2]} == {"current", "consistent"}
    assert "has no repodata" in found[0].what


def test_a_round_goes_on_where_current_is_gone(used: Factory) -> None:
    """As in a factory that an older repair has left: the row says that the place was removed."""
    composed = onto_a_composed_repository(used)
    with used.store.write() as at:
        at.repositories.remove(TARGET, [str(composed.relative_to(repos(used)))], now=used.clock())
    shutil.rmtree(composed)
    used.upstreams["b"].commit("two")

    done = used.round()

    assert [one.build.package for one in done.built] == ["python-b"]
    assert used.name("current") == used.name("consistent")
    verify.repair(used.trunk)
    assert verify.verify(used.trunk).is_clean


def test_a_build_without_current_is_told_the_remedy(used: Factory) -> None:
    shutil.rmtree(current(used) / "repodata")

    with pytest.raises(NotFoundError, match=r"current leads to .*, which is gone") as caught:
        used.trunk.tree.current_directories()

    assert caught.value.hint == f"rdo trunk verify --repair --target {TARGET}"


def test_nothing_that_is_needed_can_be_removed(used: Factory) -> None:
    """Whoever asks: a name, a kept repository with its RPMs, and a running build keep theirs."""
    tree = used.trunk.tree
    place = str(current(used).relative_to(repos(used)))
    rpm = f"pool/{good_rpms(used, 'python-b')[0]}"
    with used.store.read() as at:
        known = {one.id for one in at.repositories.in_tree(TARGET)}
        old = next(one for one in at.repositories.in_tree(TARGET) if one.path != place)
    call_a_build_running(used)
    with used.store.read() as at:
        [running] = at.builds.running(TARGET)
    used.trunk.build_folder(running).mkdir()

    for others in ([place], [place.rpartition("/")[0]], [rpm], [f"../builds/{running.id}"]):
        with pytest.raises(RefusedError, match=r"needs it|lead"):
            tree.remove(known, [], others, [])
    with pytest.raises(RefusedError, match="current"):
        tree.take_out(next(one for one in used_repositories(used) if one.path == place))

    assert verify.verify(used.trunk).found[0].kind == "interrupted"
    tree.take_out(old)
    assert not (repos(used) / old.path).exists()


def test_a_repository_that_a_build_began_with_stays_until_it_ends(used: Factory) -> None:
    before = current(used)
    call_a_build_running(used)
    used.upstreams["a"].commit("three")
    with used.store.write() as at:  # a remote builder's, which outlives the round
        at.builds.keep_ticket(at.builds.running(TARGET)[0].id, "elsewhere:1")
    made = used_repositories(used)
    [row] = [one for one in made if one.path == str(before.relative_to(repos(used)))]
    steering.hold(used.trunk, "python-a", 1, by="me", why="a test")
    assert current(used) != before
    used.clock.moment += timedelta(days=2)

    with pytest.raises(RefusedError, match=r"has been running since"):
        used.trunk.tree.take_out(row)

    found = plan_purge(used.trunk.tree, used.store, Rules(ALL), used.clock.moment, ())
    assert row.path not in found.repositories


def used_repositories(factory: Factory) -> tuple[Repository, ...]:
    with factory.store.read() as at:
        return at.repositories.in_tree(TARGET)
