"""Deleting one build of a target, after rounds with real git and real RPMs."""

import fcntl
import os
from pathlib import Path

import pytest

from rdo.errors import RefusedError
from rdo.store.work.builds import Build
from rdo.trunk.care import purge as purging
from rdo.trunk.care import steering, verify
from tests.fakes.builder import BROKEN
from tests.rounds.factory import TARGET, Factory


@pytest.fixture
def used(factory: Factory) -> Factory:
    """A factory with two packages, of which the first was built once more."""
    for name in ("a", "b"):
        factory.add(name)
        factory.round()
    factory.upstreams["a"].commit("two")
    factory.round()
    return factory


def first(factory: Factory, package: str) -> Build:
    with factory.store.read() as at:
        return at.builds.history(TARGET, package)[-1]


def rpms(factory: Factory, build: Build) -> list[Path]:
    """The places of a build's RPMs in the pool."""
    with factory.store.read() as at:
        shas = [one.artifact.sha256 for one in at.artifacts.of_builds([build.id])]
    return [factory.folder / "data" / TARGET / "repos/pool" / sha for sha in shas]


def delete(factory: Factory, build: Build, *, dry_run: bool = False) -> purging.Purged:
    return purging.delete_build(factory.trunk, build, dry_run=dry_run)


def test_a_build_goes_with_every_repository_that_has_its_rpms(used: Factory) -> None:
    old = first(used, "python-a")
    used.upstreams["b"].commit("two")
    used.round()
    places = rpms(used, old)
    repos = used.folder / "data" / TARGET / "repos"

    rehearsed = delete(used, old, dry_run=True)
    assert all(place.is_dir() for place in places)
    done = delete(used, old)

    assert rehearsed.purge == done.purge
    assert len(done.purge.repositories) == 2  # its own, and the one of b that was made after it
    assert not any((repos / path).exists() for path in done.purge.repositories)
    assert places
    assert not any(place.exists() for place in places)
    assert not (repos.parent / "builds" / str(old.id)).exists()
    assert verify.verify(used.trunk).is_clean
    used.upstreams["a"].commit("three")
    assert used.round().exit_code == 0
    assert verify.verify(used.trunk).is_clean
    assert not delete(used, old).purge.repositories  # nothing is left to remove


def test_what_a_name_leads_to_is_refused(used: Factory) -> None:
    old = first(used, "python-a")
    steering.hold(used.trunk, "python-a", old.id, by="me", why="a test")

    with pytest.raises(RefusedError, match="python-a is held at build"):
        delete(used, old)
    with pytest.raises(RefusedError, match="is the published build of python-a"):
        delete(used, newest(used, "python-a"))
    assert verify.verify(used.trunk).is_clean


def newest(factory: Factory, package: str) -> Build:
    with factory.store.read() as at:
        found = at.builds.newest(TARGET, package)
    assert found
    return found


def test_a_repository_at_which_another_package_stands_is_refused(used: Factory) -> None:
    old = first(used, "python-a")
    places = rpms(used, old)

    with pytest.raises(RefusedError, match=r"the published build of python-b") as caught:
        delete(used, old)

    assert "rdo trunk recheck PACKAGE --force" in caught.value.hint
    assert all(place.is_dir() for place in places)


def test_a_running_build_is_refused(used: Factory) -> None:
    commit = newest(used, "python-b").commit
    with used.store.write() as at:
        planned = at.builds.plan(TARGET, commit, now=used.trunk.now())
        running = at.builds.start(planned.id, now=used.trunk.now())

    with pytest.raises(RefusedError, match=f"build {running.id} of python-b is starting"):
        delete(used, running, dry_run=True)


def test_what_a_scratch_build_may_read_is_refused(used: Factory) -> None:
    old = first(used, "python-a")
    used.upstreams["b"].commit("two")
    used.round()
    mark = used.folder / "data/tmp/try-1/in-use"
    mark.parent.mkdir(parents=True)
    with mark.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.utime(mark, (0, 0))
        with pytest.raises(
            RefusedError, match="may be read by a build that has been running since 1970"
        ):
            delete(used, old)

    assert delete(used, old).purge.repositories


def test_a_failed_build_goes_with_its_logs(used: Factory) -> None:
    for number in range(3):
        used.builder.will("python-b", BROKEN)
        used.upstreams["b"].commit(f"broken {number}")
        used.round()
    with used.store.read() as at:
        failed = at.builds.history(TARGET, "python-b")[1]  # neither the first nor the newest

    done = delete(used, failed)

    assert done.purge.builds == (f"../builds/{failed.id}",)
    assert len(done.purge.logs) == 1
    assert verify.verify(used.trunk).is_clean
