"""A small target with packages that the hosts of every test install."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.e2e.distribution import Distribution
from tests.long.namespaces import left_of_labs

UNRAISABLE = "ignore::pytest.PytestUnraisableExceptionWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and skip those that the machine cannot run.

    What one test left for the collector of garbage, which may be a driver's socket, is no fault of
    the test that runs when it is found.
    """
    for item in items:
        if "long" in item.path.parts:
            item.add_marker(pytest.mark.long)
            item.add_marker(pytest.mark.filterwarnings(UNRAISABLE))
    lacking = [name for name in ("systemd-nspawn", "ip", "ssh") if not shutil.which(name)]
    why = f"{lacking[0]} is not installed" if lacking else ""
    if os.geteuid():
        why = "only root can start a lab"
    if why:
        for item in items:
            if item.path.name == "test_lab.py":
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def small_target(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """A target with one published package and the packages that hosts need."""
    made = Distribution(tmp_path_factory.mktemp("factory"))
    made.add("greeting")
    code, round_ = made.run()
    assert code == 0, round_
    return made


@pytest.fixture
def factory(small_target: Distribution) -> Iterator[Distribution]:
    """The same, without a lab before and after the test."""
    _end_all(small_target)
    yield small_target
    _end_all(small_target)
    assert left_of_labs(small_target.folder) == []


def _end_all(factory: Distribution) -> None:
    for lab in factory.rdo("lab", "list", "--json").json:
        assert factory.rdo("lab", "down", lab["name"]).code == 0
