from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.app.targets import OpenTarget
from tests.publishing import Factory, RpmShelf, factory, open_target, package


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> RpmShelf:
    return RpmShelf(tmp_path_factory.mktemp("rpms"))


@pytest.fixture
def made(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """A target with the members python-a and python-b."""
    with factory(tmp_path, shelf, package("python-a"), package("python-b")) as opened:
        yield opened


@pytest.fixture
def target(made: Factory) -> OpenTarget:
    return open_target(made)


@pytest.fixture
def places(made: Factory) -> list[str]:
    """The repositories of three publications, oldest first."""
    found = []
    for version in ("1.0", "2.0", "3.0"):
        made.publish("python-a", f"a{version[0]}", version)
        found.append(made.leads("current"))
    return found
