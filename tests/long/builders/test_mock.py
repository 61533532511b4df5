"""The lock of a real mock, and a build that this mock repeats from it."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rdo.builders.mock.hermetic import HermeticBuilder, LockedBuild
from rdo.builders.protocol import build_and_wait
from rdo.builders.trial import trial_job
from rdo.checksum import sha256_of
from rdo.errors import RefusedError
from rdo.model.build import INSTALLED, BuildJob, Built
from tests.e2e import mini
from tests.e2e.command import needs_roots
from tests.fakes.mock import MISUSES, misuse
from tests.long.builders.engines import NOW, MockEngine
from tests.rpms import make_rpms

pytestmark = [
    needs_roots,
    pytest.mark.skipif("RDO_MOCK_SOURCE" not in os.environ, reason="no RDO_MOCK_SOURCE"),
]
HAS_IMAGE = "RDO_MOCK_IMAGE" in os.environ


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockEngine]:
    shared = tmp_path_factory.mktemp("shared")
    made = MockEngine(shared / "first", shared)
    made.prepare()
    yield made
    made.forget()


@pytest.fixture(scope="module")
def built(engine: MockEngine) -> BuildJob:
    """A build that needs a package of the distribution, and one from a repository of ours."""
    repos = engine.reachable("repos")
    make_rpms(repos / "pool/1234", "python-own")
    ours = repos / "87/4d/hash"
    ours.mkdir(parents=True)
    (ours / "pool").symlink_to("../../../pool")
    mini.index(ours)
    job = trial_job(
        engine.folder,
        script="cat /usr/include/mini/mini.h /usr/share/python-own/file >> README",
        preamble="BuildRequires: mini-devel, python3-own",
        now=NOW,
    )
    job = replace(job, repositories=(ours,))
    outcome = build_and_wait(engine.open(), job)
    assert isinstance(outcome, Built), outcome
    return job


@pytest.mark.skipif(HAS_IMAGE, reason="RDO_MOCK_IMAGE names an image")
def test_a_lock_without_an_image_is_reported_before_anything_is_built(
    engine: MockEngine, built: BuildJob
) -> None:
    mock, _ = engine.mock_and_plan()

    with pytest.raises(RefusedError, match="did not begin with a bootstrap image") as caught:
        LockedBuild.find(mock, built.folder, {})

    assert "`bootstrap-image`" in caught.value.hint


@pytest.mark.skipif(not HAS_IMAGE, reason="no RDO_MOCK_IMAGE: a pullable image with dnf 4")
def test_a_build_is_made_again_from_its_lock_to_the_same_bytes(
    engine: MockEngine, built: BuildJob, tmp_path: Path
) -> None:
    mock, plan = engine.mock_and_plan()
    again = HermeticBuilder(mock, plan, LockedBuild.find(mock, built.folder, {}))

    outcome = build_and_wait(again, replace(built, folder=tmp_path / "again"))

    assert isinstance(outcome, Built), outcome
    sums = {path.name: sha256_of(path) for path in built.folder.glob("*.rpm")}
    assert {path.name: sha256_of(path) for path in outcome.rpms} == sums
    installed = (built.folder / INSTALLED).read_text()
    assert {"mini-devel-2.0-1.mini.noarch", "python3-own-1.0-1.noarch"} <= {*installed.split()}
    assert (tmp_path / "again" / INSTALLED).read_text() == installed


@pytest.mark.parametrize("name", MISUSES)
def test_a_real_mock_refuses_misuse_as_the_stand_in_does(engine: MockEngine, name: str) -> None:
    given, said = MISUSES[name]
    mock, _ = engine.mock_and_plan()

    status, found = misuse(Path(mock.program), engine.reachable(name.replace(" ", "-")), **given)

    assert status == 5
    assert said in found
