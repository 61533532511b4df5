from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.publishing import Factory, RpmShelf, factory, package


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> RpmShelf:
    return RpmShelf(tmp_path_factory.mktemp("rpms"))


@pytest.fixture
def made(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """A target with the members python-a, python-b and python-new, the last under review."""
    review = package("python-new", tags=frozenset({"under-review"}))
    with factory(tmp_path, shelf, package("python-a"), package("python-b"), review) as opened:
        yield opened
