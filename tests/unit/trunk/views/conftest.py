from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.store import Store
from tests.unit.trunk.views.scene import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Store.temporary() as store:
        yield Scene(tmp_path, store)
