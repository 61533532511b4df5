"""A mock build is repeated from its lock, with the fake mock and a real rpm."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rdo.builders.mock.builder import MockBuilder, MockPlan
from rdo.builders.mock.hermetic import HermeticBuilder, LockedBuild
from rdo.builders.protocol import build_and_wait
from rdo.checksum import sha256_of
from rdo.errors import NotFoundError, RefusedError, UserError
from rdo.model.build import INSTALLED, BuildJob, Built, Failed, FailureReason
from rdo.model.commit import Commit
from rdo.model.program import Bounds
from rdo.model.release_number import ReleaseNumber
from rdo.store.work.recipe import Recipe
from rdo.tools.rpm.buildroot_lock import NAME
from rdo.tools.rpm.mock import Mock
from tests.fakes.mock import CONFIG, CONFIG_WITHOUT_IMAGE, MISUSES, install_stand_in, misuse
from tests.outside import http_server
from tests.rpms import make_rpms

MOMENT = datetime(2026, 8, 1, 12, tzinfo=UTC)
NOWHERE = Path("/nowhere")
SERVED = "https://rdo.example/one/repos"
"""Where the folder of the RPM is served, as its mirrorlist says; nobody answers there."""


@dataclass(frozen=True)
class Place:
    """A folder with mock, and with the RPM that each chroot has."""

    folder: Path
    own: Path

    @property
    def mock(self) -> Mock:
        return Mock(CONFIG, str(self.folder / "bin/mock"), "nobody" if os.geteuid() == 0 else "")

    @property
    def plan(self) -> MockPlan:
        return MockPlan(self.folder / "slots", Bounds(), lambda: None, platform="el9s-x86_64")

    def job(self, name: str) -> BuildJob:
        commit = Commit("python-sample", "a" * 40, "b" * 40, MOMENT, MOMENT, "master")
        release = ReleaseNumber(MOMENT, "aaa", "0")
        folder = self.folder / "builds" / name
        return BuildJob(1, commit, release, NOWHERE, NOWHERE, folder, (self.own.parent,))

    def again(self, build: BuildJob) -> tuple[BuildJob, Built | Failed]:
        """Make a build again."""
        again = self.job("again")
        kept = LockedBuild.find(self.mock, build.folder, {SERVED: self.own.parent})
        outcome = build_and_wait(HermeticBuilder(self.mock, self.plan, kept), again)
        assert isinstance(outcome, Built | Failed)
        return again, outcome


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="rdo-mock-"))  # mock's user must get there
    folder.chmod(0o755)
    install_stand_in(folder / "bin")
    (folder / "repo/repodata").mkdir(parents=True)
    own = next(one for one in make_rpms(folder / "repo", "python-own") if ".src." not in one.name)
    yield Place(folder, own)
    shutil.rmtree(folder)


def build(place: Place, name: str, mock: Mock) -> BuildJob:
    """A build whose SRPM was made before."""
    made = make_rpms(place.folder / "given")
    srpm = next(one for one in made if ".src." in one.name)
    job = place.job(name)
    builder = MockBuilder(mock, place.plan, lambda it, _: Path(shutil.copy(srpm, it.folder)))
    outcome = build_and_wait(builder, job)
    assert isinstance(outcome, Built), outcome
    return job


@pytest.fixture(scope="module")
def first(place: Place) -> BuildJob:
    return build(place, "first", place.mock)


@pytest.fixture
def lock(first: BuildJob) -> Iterator[Path]:
    file = first.folder / NAME
    text = file.read_text()
    yield file
    file.write_text(text)


def edit(lock: Path, change: Callable[[Any], object]) -> None:
    content = json.loads(lock.read_text())
    change(content)
    lock.write_text(json.dumps(content))


def test_a_build_in_mock_has_a_recipe(first: BuildJob) -> None:
    found = Recipe.read(first.folder)

    assert found.is_of_mock
    assert found.job == first


def test_a_build_from_a_lock_has_the_same_chroot_and_the_same_bytes(
    place: Place, first: BuildJob
) -> None:
    again, outcome = place.again(first)

    assert isinstance(outcome, Built), outcome
    sums = {path.name: sha256_of(path) for path in first.folder.glob("*.rpm")}
    assert len(sums) == 2
    assert {path.name: sha256_of(path) for path in outcome.rpms} == sums
    assert "python3-own" in (first.folder / INSTALLED).read_text()
    assert (again.folder / INSTALLED).read_text() == (first.folder / INSTALLED).read_text()


def test_rpms_of_our_own_server_are_taken_from_its_folder(place: Place, lock: Path) -> None:
    edit(lock, lambda it: it["buildroot"]["rpms"][0].update(url=f"{SERVED}/{place.own.name}"))

    _, outcome = place.again(place.job("first"))

    assert isinstance(outcome, Built), outcome


def test_rpms_of_other_servers_are_fetched_or_named(place: Place, lock: Path) -> None:
    first = place.job("first")

    with http_server(place.own.parent) as url:
        edit(lock, lambda it: it["buildroot"]["rpms"][0].update(url=f"{url}/{place.own.name}"))
        _, fetched = place.again(first)
        edit(lock, lambda it: it["buildroot"]["rpms"][0].update(url=f"{url}/gone.rpm"))
        _, gone = place.again(first)

    assert isinstance(fetched, Built), fetched
    assert isinstance(gone, Failed)
    assert gone.reason is FailureReason.BUILDER
    said = f"mock-hermetic-repo failed: ERROR:__main__:Download failed: {url}/gone.rpm"
    assert gone.detail == said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"url": "file:///no/such.rpm"}, "RPMs of the chroot are gone: /no/such.rpm"),
        ({"sigmd5": "0" * 32}, "RPMs are not those that the chroot had: python3-own-1.0-1."),
    ],
)
def test_rpms_that_are_gone_or_others_are_named(
    place: Place, lock: Path, changed: dict[str, str], said: str
) -> None:
    edit(lock, lambda it: it["buildroot"]["rpms"][0].update(changed))

    _, outcome = place.again(place.job("first"))

    assert isinstance(outcome, Failed)
    assert outcome.reason is FailureReason.BUILDER
    assert said in outcome.detail


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda it: it.update(bootstrap={}), RefusedError, "with a bootstrap image"),
        (
            lambda it: it["config"].update(bootstrap_image_ready=False),
            RefusedError,
            "with a bootstrap image",
        ),
        (lambda it: it.pop("config"), NotFoundError, "is not a lock of mock's"),
    ],
)
def test_a_lock_that_is_not_enough_is_reported(
    place: Place, lock: Path, change: Callable[[Any], object], error: type[UserError], said: str
) -> None:
    edit(lock, change)

    with pytest.raises(error, match=said):
        LockedBuild.find(place.mock, lock.parent, {})


def test_a_configuration_without_a_bootstrap_image_is_reported_with_its_remedy(
    place: Place,
) -> None:
    job = build(place, "legacy", replace(place.mock, config=CONFIG_WITHOUT_IMAGE))

    with pytest.raises(RefusedError, match="with a bootstrap image") as caught:
        LockedBuild.find(place.mock, job.folder, {})

    assert "set `bootstrap-image` of the builder" in caught.value.hint


def test_a_mock_that_is_too_old_makes_no_lock_and_is_reported(place: Place) -> None:
    program = install_stand_in(place.folder / "old", repeats=False)
    old = replace(place.mock, program=str(program))

    job = build(place, "old", old)

    assert not (job.folder / NAME).exists()
    with pytest.raises(RefusedError, match=r"mock 5\.6 cannot make a build again: mock can since"):
        LockedBuild.find(old, job.folder, {})
    with pytest.raises(NotFoundError, match=f"build old has no {NAME}"):
        LockedBuild.find(place.mock, job.folder, {})


def test_an_operator_may_do_without_locks(place: Place) -> None:
    mock = replace(place.mock, options=("--disable-plugin=buildroot_lock",))

    assert not (build(place, "none", mock).folder / NAME).exists()


@pytest.mark.parametrize("name", MISUSES)
def test_the_stand_in_refuses_what_mock_refuses(tmp_path: Path, name: str) -> None:
    given, said = MISUSES[name]

    status, found = misuse(install_stand_in(tmp_path / "bin"), tmp_path / "misuse", **given)

    assert status == 5
    assert said in found
