"""A published tree with two packages, served."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.publishing import Factory, RpmShelf, factory, package
from tests.serving import Served, served

COMPONENTS = {"python-a": "common", "python-b": "network"}


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> RpmShelf:
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    return RpmShelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def made(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """A target with a commit of python-a, then one of python-b, then a failure of python-b."""
    packages = (package("python-a"), package("python-b"))
    with factory(tmp_path, shelf, *packages) as opened:
        opened.publish("python-a", "aa11")
        opened.publish("python-b", "bb11")
        opened.fail("python-b", "bb22")
        yield opened


@pytest.fixture
def server(made: Factory, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as running:
        yield running
