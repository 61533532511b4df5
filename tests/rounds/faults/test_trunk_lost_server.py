"""Rounds whose PostgreSQL server is stopped hard and comes back, or stays away."""

import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rdo.errors import OutsideError
from rdo.model.build import BuildJob, Outcome
from rdo.store import Store
from tests.fakes.builder import ScriptedBuilder
from tests.postgresql import Server, running_server
from tests.rounds.factory import Factory


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@dataclass(slots=True)
class LosingBuilder(ScriptedBuilder):
    """Stops the server while a package is built; starts it again if it is to come back."""

    server: Server | None = None
    comes_back: bool = True

    def _act(self, job: BuildJob) -> Outcome:
        if self.server:
            self.server.stop()
            if self.comes_back:
                time.sleep(1.2)  # the round asks each second
                self.server.start()
        return ScriptedBuilder._act(self, job)


@pytest.fixture
def factory(tmp_path: Path, server: Server) -> Iterator[Factory]:
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    with Store(server.url) as store:
        yield Factory(tmp_path, store, builder=LosingBuilder(server=server), workers=1)


def test_a_round_goes_on_when_its_server_is_restarted(factory: Factory) -> None:
    factory.add("a", "b", "c")

    report = factory.round()

    assert sorted(one.build.package for one in report.built) == ["python-a", "python-b", "python-c"]
    assert report.failed == ()
    assert len(factory.builder.jobs) == 3, "nothing is built twice"


def test_a_server_that_stays_away_is_outside_and_the_next_round_goes_on(
    factory: Factory, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factory.store, "_patience", 1.0)
    builder = factory.builder
    assert isinstance(builder, LosingBuilder)
    builder.comes_back = False
    factory.add("d")
    with pytest.raises(OutsideError, match="cannot reach database"):
        factory.round()
    server.start()
    builder.server = None

    report = factory.round()

    assert [one.build.package for one in report.built] == ["python-d"]


def test_a_server_that_is_restarted_again_and_again_stops_nothing(
    factory: Factory, server: Server
) -> None:
    """Also in the middle of transactions: then the round ends as outside, and the next goes on."""
    builder = factory.builder
    assert isinstance(builder, LosingBuilder)
    builder.server = None
    factory.add("e", "f", "g")
    is_done = threading.Event()

    def restart() -> None:
        while not is_done.wait(0.7):
            server.restart()

    restarting = threading.Thread(target=restart)
    restarting.start()
    try:
        ended = [round_of(factory) for _ in range(3)]
    finally:
        is_done.set()
        restarting.join()

    assert set(ended) <= {0, 6}
    assert factory.round().exit_code == 0
    assert factory.queue() == ()


def round_of(factory: Factory) -> int:
    try:
        return factory.round().exit_code
    except OutsideError as error:
        return error.exit_code
