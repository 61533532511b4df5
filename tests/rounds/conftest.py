import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.store import Store
from tests.rounds.factory import Factory


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Factory]:
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    with Store.temporary() as store:
        yield Factory(tmp_path, store)
